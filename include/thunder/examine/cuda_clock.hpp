#pragma once
/// The clock of time_steps on CUDA: events on this thread's stream.
#include <vector>

#include "../runtime/cuda.hpp"

namespace thunder {

template <device Where>
class step_clock;
template <>
class step_clock<device::cuda> {
 public:
  step_clock() = default;
  step_clock(const step_clock&) = delete;
  ~step_clock() {
    for (const cudaEvent_t e : events_) cudaEventDestroy(e);
  }
  void start(std::size_t marks) {
    while (events_.size() < marks) {
      cudaEvent_t e = nullptr;
      cuda::check(cudaEventCreate(&e), "time_steps: an event");
      events_.push_back(e);
    }
    used_ = 0;
  }
  void mark() { cuda::check(cudaEventRecord(events_.at(used_++), cuda::streams::current()), "time_steps: recording an event"); }
  void finish() { cuda::synchronize(); }
  double seconds(std::size_t from, std::size_t to) const {
    float ms = 0;
    cuda::check(cudaEventElapsedTime(&ms, events_.at(from), events_.at(to)), "time_steps: the time between two events");
    return static_cast<double>(ms) * 1e-3;
  }

 private:
  std::vector<cudaEvent_t> events_;
  std::size_t used_ = 0;
};

}  // namespace thunder
