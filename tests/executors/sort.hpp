#pragma once
// Sorted rows: a step's results against the definition, for the executors' tests.
#include "cpu/arrays.hpp"

#include <algorithm>
#include <cmath>

namespace steps {

/// Elements with many that are equal, both zeros, infinities and NaN.
inline buffer rows_to_sort(dtype t, const extents& shape) {
  buffer x(t, shape);
  const bool floating = thunder::is_floating(t);
  const bool few = random(0, 1) == 0;
  x.fill([&](std::int64_t) {
    const auto special = random(0, 40);
    if (floating && special < 4) return special == 0 ? NAN : special == 1 ? -0.0 : special == 2 ? INFINITY : -INFINITY;
    return few ? static_cast<double>(random(-3, 3)) : static_cast<double>(random(-40000, 40000)) * (floating ? 0.37 : 50000.0);
  });
  return x;
}
/// Whether y and the indices are the first k elements of each row of x in order.
inline bool is_sorted(const buffer& x, const buffer& y, const buffer& index, bool descending) {
  const thunder::array& a = x.header();
  const std::int64_t n = a.extents[a.rank - 1], k = y.header().extents[a.rank - 1];
  auto less = [&](std::int64_t i, std::int64_t j) { return x[i] < x[j] || (x[i] == x[i] && x[j] != x[j]); };
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  const auto size = static_cast<std::size_t>(thunder::size_of(x.type()));
  for (std::int64_t row = 0; k > 0 && row < y.count() / k; ++row) {
    for (std::int64_t i = 0; i < n; ++i) order[static_cast<std::size_t>(i)] = row * n + i;
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t i, std::int64_t j) { return descending ? less(j, i) : less(i, j); });
    for (std::int64_t i = 0; i < k; ++i) {
      const std::int64_t from = order[static_cast<std::size_t>(i)];
      if (static_cast<std::int64_t>(index[row * k + i]) != from - row * n) return false;
      if (std::memcmp(x.data() + static_cast<std::size_t>(from) * size, y.data() + static_cast<std::size_t>(row * k + i) * size, size) != 0) return false;
    }
  }
  return true;
}
inline extents with_last(extents e, std::int64_t last) {
  e.back() = last;
  return e;
}

}  // namespace steps
