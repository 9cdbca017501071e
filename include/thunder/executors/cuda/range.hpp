#pragma once
/// Ranges that a profiler shows around what the steps of programs start. Off until nvtx.hpp is included and switches them on.
#include <string>

namespace thunder::cuda {

/// Begins and ends a range; null: there are none.
inline void (*begin_range)(const char* text) = nullptr;
inline void (*end_range)() = nullptr;

/// A range while it lives. The text is made only if somebody looks at it.
class range {
 public:
  range(std::string (*text)(int), int step) : open_(begin_range != nullptr) {
    if (open_) begin_range(text(step).c_str());
  }
  range(const range&) = delete;
  ~range() {
    if (open_ && end_range) end_range();
  }

 private:
  bool open_;
};

}  // namespace thunder::cuda
