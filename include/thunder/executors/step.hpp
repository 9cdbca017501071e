#pragma once
/// What a library step is given: the arrays of one statement, and its attributes. A step is a statement that an executor runs by a
/// routine of its own and not in a fused region.
#include <cstdint>
#include <string>
#include <type_traits>

#include "../core/dtype.hpp"
#include "../core/error.hpp"
#include "../core/shape.hpp"

namespace thunder {

/// f(std::integral_constant<dtype, t>{}) for a type known at run time. f is compiled for First and the types after it: all (b8), numbers
/// (i32), or floating-point numbers (f16). Throws error for the others, which an op refuses while it is traced.
template <dtype First = dtype::b8, class F> void with_dtype(dtype t, F&& f) {
  if (t < First) throw_error<error>({"no step of this executor is for elements of type ", name_of(t)});
  switch (t) {
    case dtype::b8: if constexpr (First <= dtype::b8) f(std::integral_constant<dtype, dtype::b8>{}); return;
    case dtype::i32: if constexpr (First <= dtype::i32) f(std::integral_constant<dtype, dtype::i32>{}); return;
    case dtype::i64: if constexpr (First <= dtype::i64) f(std::integral_constant<dtype, dtype::i64>{}); return;
    case dtype::f16: return f(std::integral_constant<dtype, dtype::f16>{});
    case dtype::bf16: return f(std::integral_constant<dtype, dtype::bf16>{});
    case dtype::f32: return f(std::integral_constant<dtype, dtype::f32>{});
    case dtype::f64: return f(std::integral_constant<dtype, dtype::f64>{});
  }
}

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
