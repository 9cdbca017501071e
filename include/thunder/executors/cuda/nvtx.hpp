#pragma once
/// NVTX ranges around the steps of programs, with the modules that they come from: what Nsight Systems shows. A program that includes this
/// header can switch them on; others pay nothing for them.
#include <nvtx3/nvToolsExt.h>

#include "range.hpp"

namespace thunder::cuda {

/// Ranges from now on, or no more. A step has one when its kernels are launched, and when they are recorded; a replayed program launches
/// no kernels, so set cuda::record_programs = false to see ranges around them.
///
///     cuda::nvtx_ranges(true);                     // "step 12 (thunder.matmul, h.3.mlp)"
inline void nvtx_ranges(bool on) {
  begin_range = on ? +[](const char* text) { nvtxRangePushA(text); } : nullptr;
  end_range = [] { nvtxRangePop(); };
}

}  // namespace thunder::cuda
