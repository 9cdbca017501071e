#pragma once
/// Steps as ranges in NVIDIA's profilers.
#include <nvtx3/nvToolsExt.h>

#include "observe.hpp"

namespace thunder {

/// For observe: an NVTX range around the launch of each step, named "12 row program of h.3.attn". The program is not replayed as
/// a graph then, so that each range holds its own kernels.
///
///     observe(step, nvtx_ranges{}, weights, images, labels);
class nvtx_ranges {
 public:
  nvtx_ranges() = default;
  nvtx_ranges(const nvtx_ranges&) = delete;
  ~nvtx_ranges() {
    if (open_) nvtxRangePop();  // the step has thrown
  }
  void before(const step_call& s) {
    nvtxRangePushA((std::to_string(s.step) + ' ' + s.name + (s.path.empty() ? "" : " of " + s.path)).c_str());
    open_ = true;
  }
  void after(const step_call&) {
    nvtxRangePop();
    open_ = false;
  }

 private:
  bool open_ = false;
};

}  // namespace thunder
