#pragma once
/// Arrays of the reference executor: floating elements as double, integers and bools as std::int64_t, row-major.
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "../../core/shape.hpp"

namespace thunder {

struct reference_array {
  dtype type = dtype::f64;
  std::vector<std::int64_t> extents;
  std::vector<double> reals;              // of a floating type
  std::vector<std::int64_t> integers;     // of an integer type or bool

  reference_array() = default;
  /// Zeros.
  reference_array(dtype t, std::vector<std::int64_t> e) : type(t), extents(std::move(e)) {
    const auto n = static_cast<std::size_t>(size());
    if (is_floating(type)) reals.resize(n);
    else integers.resize(n);
  }
  /// Values in row-major order. The element type is floating.
  reference_array(dtype t, std::vector<std::int64_t> e, std::vector<double> v) : type(t), extents(std::move(e)), reals(std::move(v)) {}
  reference_array(dtype t, std::vector<std::int64_t> e, std::vector<std::int64_t> v) : type(t), extents(std::move(e)), integers(std::move(v)) {}
  /// Of rank 0.
  static reference_array scalar(double v, dtype t = dtype::f64) { return {t, {}, std::vector<double>{v}}; }
  static reference_array scalar(std::int64_t v, dtype t = dtype::i64) { return {t, {}, std::vector<std::int64_t>{v}}; }

  std::int64_t size() const {
    std::int64_t n = 1;
    for (auto e : extents) n *= e;
    return n;
  }
  int rank() const { return static_cast<int>(extents.size()); }
  bool floating() const { return is_floating(type); }
  bool operator==(const reference_array&) const = default;
};

/// Calls f with a null pointer to a type's elements.
template <class F> void with_element_type(dtype t, F&& f) {
  switch (t) {
    case dtype::b8: return f(static_cast<bool*>(nullptr));
    case dtype::i32: return f(static_cast<std::int32_t*>(nullptr));
    case dtype::i64: return f(static_cast<std::int64_t*>(nullptr));
    case dtype::f16: return f(static_cast<f16*>(nullptr));
    case dtype::bf16: return f(static_cast<bf16*>(nullptr));
    case dtype::f32: return f(static_cast<float*>(nullptr));
    case dtype::f64: return f(static_cast<double*>(nullptr));
  }
}
/// The elements of a contiguous buffer, which is on the CPU.
inline reference_array to_reference(const void* data, dtype t, const std::int64_t* extents, int rank) {
  reference_array r(t, rank ? std::vector<std::int64_t>(extents, extents + rank) : std::vector<std::int64_t>{});
  with_element_type(t, [&]<class T>(T*) {
    const T* x = static_cast<const T*>(data);
    for (std::size_t i = 0; i < r.reals.size(); ++i) r.reals[i] = static_cast<double>(x[i]);
    for (std::size_t i = 0; i < r.integers.size(); ++i) r.integers[i] = static_cast<std::int64_t>(x[i]);
  });
  return r;
}
/// Writes the elements into such a buffer, rounded to its type.
inline void from_reference(const reference_array& x, void* data) {
  with_element_type(x.type, [&]<class T>(T*) {
    T* to = static_cast<T*>(data);
    for (std::size_t i = 0; i < x.reals.size(); ++i) {
      if constexpr (sizeof(T) == 2) to[i] = T(static_cast<float>(x.reals[i]));
      else to[i] = static_cast<T>(x.reals[i]);
    }
    for (std::size_t i = 0; i < x.integers.size(); ++i) {
      if constexpr (sizeof(T) != 2) to[i] = static_cast<T>(x.integers[i]);
    }
  });
}

/// Row-major strides.
inline std::vector<std::int64_t> strides_of(std::span<const std::int64_t> extents) {
  std::vector<std::int64_t> s(extents.size());
  std::int64_t n = 1;
  for (std::size_t i = extents.size(); i-- > 0;) s[i] = n, n *= extents[i];
  return s;
}

/// Calls f(row-major position, start + the index times the strides) for every index below the extents.
template <class F> void for_offsets(std::span<const std::int64_t> extents, std::int64_t start, std::span<const std::int64_t> strides, F&& f) {
  const std::size_t rank = extents.size();
  std::int64_t index[max_rank]{}, n = 1, at = start;
  for (auto e : extents) n *= e;
  for (std::int64_t i = 0; i < n; ++i) {
    f(static_cast<std::size_t>(i), static_cast<std::size_t>(at));
    for (std::size_t d = rank; d-- > 0;) {
      at += strides[d];
      if (++index[d] < extents[d]) break;
      at -= strides[d] * extents[d], index[d] = 0;
    }
  }
}

/// Calls f(elements of out, elements of x): both are real, or both integers.
template <class F> void with_elements(reference_array& out, const reference_array& x, F&& f) {
  if (x.floating()) f(out.reals, x.reals);
  else f(out.integers, x.integers);
}

/// The nearest number of an element type; integers wrap.
inline double rounded_to(dtype t, double x) {
  switch (t) {
    case dtype::f16: return static_cast<double>(static_cast<float>(f16(static_cast<float>(x))));
    case dtype::bf16: return static_cast<double>(static_cast<float>(bf16(static_cast<float>(x))));
    case dtype::f32: return static_cast<double>(static_cast<float>(x));
    default: return x;
  }
}
inline std::int64_t wrapped_to(dtype t, std::int64_t x) { return t == dtype::i32 ? static_cast<std::int32_t>(static_cast<std::uint64_t>(x)) : x; }
/// Towards zero; what does not fit becomes the nearest integer that does, and NaN becomes 0.
inline std::int64_t truncated_to(dtype t, double x) {
  if (x != x) return 0;
  const double limit = t == dtype::i32 ? 0x1p31 : 0x1p63;
  if (x < -limit) x = -limit;
  if (x >= limit) return t == dtype::i32 ? INT32_MAX : INT64_MAX;
  return static_cast<std::int64_t>(x);
}

}  // namespace thunder
