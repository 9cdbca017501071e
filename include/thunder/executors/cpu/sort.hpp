#pragma once
/// Rows in order, and their largest elements. A row's elements are sorted as keys that hold their places, so equal ones keep their order.
#include <algorithm>

#include "../order.hpp"
#include "arena.hpp"
#include "step.hpp"

namespace thunder::ops {
struct sort;
struct top_k;
}  // namespace thunder::ops

namespace thunder::cpu {

/// (x: [.., n]) -> [.., k], i32 [.., k]: the first k elements of each row in order.
template <class Target> struct row_sort {
  static void run(const step_arguments& s, bool descending) {
    with_dtype(s.inputs[0].type, [&](auto type) { rows<type.value>(s, descending); });
  }

 private:
  template <dtype T> static void rows(const step_arguments& s, bool descending) {
    using element = unsigned_of<size_of(T)>;
    using entry = order_entry<T>;
    const array &x = s.inputs[0], &y = s.outputs[0];
    const std::int64_t n = x.extents[x.rank - 1], k = y.extents[y.rank - 1], count = y.count(0, y.rank - 1);
    check_row_length(n);
    if (k == 0) return;
    constexpr std::int64_t work = 16;  // how much longer an element takes than a copy
    parallel_for<typename Target::threads>(count, work * x.bytes(), [&](std::int64_t row, std::int64_t end, int) {
      auto* const entries = static_cast<entry*>(working_memory(purpose::sorted_entries, static_cast<std::size_t>(n) * sizeof(entry)));
      for (; row < end; ++row) {
        const auto* const from = static_cast<const element*>(x.data) + row * n;
        for (std::int64_t i = 0; i < n; ++i) entries[i] = make_entry<T>(order_key<T>(from[i], descending), static_cast<std::uint32_t>(i));
        if (k < n / 8) std::partial_sort(entries, entries + k, entries + n);
        else {
          if (k < n) std::nth_element(entries, entries + k, entries + n);
          std::sort(entries, entries + k);
        }
        auto* const values = static_cast<element*>(y.data) + row * k;
        auto* const indices = static_cast<std::int32_t*>(s.outputs[1].data) + row * k;
        for (std::int64_t i = 0; i < k; ++i) values[i] = from[index_of(entries[i])], indices[i] = static_cast<std::int32_t>(index_of(entries[i]));
      }
    });
  }
};

/// words: 1 if descending.
template <class Target> struct library_step<ops::sort, Target> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s) { row_sort<Target>::run(s, s.words[0] != 0); }
};
template <class Target> struct library_step<ops::top_k, Target> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s) { row_sort<Target>::run(s, true); }
};

}  // namespace thunder::cpu
