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
  void start(std::size_t marks) {
    while (events_.size() < marks) events_.emplace_back(true);
    used_ = 0;
  }
  void mark() { events_.at(used_++).record(cuda::streams::current()); }
  void finish() { cuda::synchronize(); }
  double seconds(std::size_t from, std::size_t to) const { return events_.at(to).seconds_since(events_.at(from)); }

 private:
  std::vector<cuda::event> events_;
  std::size_t used_ = 0;
};

}  // namespace thunder
