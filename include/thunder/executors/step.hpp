#pragma once
/// What a library step is given: the arrays of one statement, and its attributes. A step is a statement that an executor runs by a
/// routine of its own and not in a fused region.
#include <cstdint>

#include "../core/dtype.hpp"
#include "../core/shape.hpp"

namespace thunder {

/// A buffer with its type: contiguous, row-major.
struct array {
  void* data = nullptr;
  dtype type = dtype::f32;
  int rank = 0;
  std::int64_t extents[max_rank]{};

  /// The number of elements along the axes [first, last).
  std::int64_t count(int first, int last) const {
    std::int64_t n = 1;
    for (int i = first; i < last; ++i) n *= extents[i];
    return n;
  }
  std::int64_t count() const { return count(0, rank); }
  std::int64_t bytes() const { return count() * size_of(type); }
  char* begin() const { return static_cast<char*>(data); }
};

/// The strides of a contiguous array, in bytes.
struct byte_strides {
  std::int64_t of[max_rank + 1]{};
  explicit byte_strides(const array& x) {
    std::int64_t s = size_of(x.type);
    for (int d = x.rank; d-- > 0; s *= x.extents[d]) of[d] = s;
  }
};

struct step_arguments {
  const array* inputs = nullptr;
  int input_count = 0;
  const array* outputs = nullptr;
  int output_count = 0;
  const std::int64_t* words = nullptr;
  int word_count = 0;
};

/// What a region is run on: its buffers, and the run-time extents of its space.
struct region_call {
  const void* const* inputs = nullptr;
  void* const* outputs = nullptr;
  const std::int64_t* dims = nullptr;
};

}  // namespace thunder
