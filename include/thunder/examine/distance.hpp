#pragma once
/// How far what an executor computes may be from what it means.
#include <algorithm>
#include <cmath>

#include "../executors/reference/array.hpp"

namespace thunder {

/// How far two arrays are apart: the worst element, and its distance relative to the sum of its size and that of the largest
/// finite element. Integers differ or not.
struct array_distance {
  double error = 0;
  std::size_t element = 0;
};
inline array_distance distance_of(const reference_array& got, const reference_array& expected) {
  array_distance d;
  double largest = 0;
  for (const double x : expected.reals)
    if (std::isfinite(x)) largest = std::max(largest, std::abs(x));
  for (std::size_t i = 0; i < expected.reals.size(); ++i) {
    const double x = got.reals[i], y = expected.reals[i];
    if (x == y || (x != x && y != y)) continue;
    const double e = std::abs(x - y) / (std::abs(y) + largest);
    const double error = e == e ? e : INFINITY;
    if (error > d.error) d = {error, i};
  }
  for (std::size_t i = 0; i < expected.integers.size() && d.error == 0; ++i)
    if (got.integers[i] != expected.integers[i]) d = {1, i};
  return d;
}
/// What rounding alone may do to the result of one step: it computes in float, or in double if its values are.
constexpr double rounding_of(dtype t) {
  return t == dtype::f64 ? 1e-10 : t == dtype::f32 ? 2e-5 : t == dtype::f16 ? 2e-3 : t == dtype::bf16 ? 1e-2 : 0;
}

}  // namespace thunder
