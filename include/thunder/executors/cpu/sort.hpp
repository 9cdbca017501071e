#pragma once
/// Rows in order, and their largest elements. A row's elements are sorted as keys that hold their places, so equal ones keep
/// their order.
#include "../order.hpp"
#include "arena.hpp"
#include "step.hpp"

namespace thunder::ops {
struct sort;
struct top_k;
}  // namespace thunder::ops

namespace thunder::cpu {

constexpr std::uint64_t key_of(const wide_entry& e) { return e.key; }
constexpr std::uint64_t key_of(std::uint64_t word) { return word >> 32; }

/// Sorts n < 2^32 entries by their keys of `Bytes` bytes, equal ones in the given order, and returns where they are: in `e` or in
/// `other`. A radix sort from the lowest byte on; short rows by insertion.
template <int Bytes, class Entry>
Entry* sort_entries(Entry* e, Entry* other, std::int64_t n) {
  if (n <= 32) {
    for (std::int64_t i = 1; i < n; ++i) {
      const Entry t = e[i];
      std::int64_t j = i;
      for (; j > 0 && key_of(t) < key_of(e[j - 1]); --j) e[j] = e[j - 1];
      e[j] = t;
    }
    return e;
  }
  std::uint32_t place[Bytes][256]{};  // of each byte's values: how often they occur, then where the next one goes
  const auto digit = [](const Entry& x, int byte) { return key_of(x) >> (8 * byte) & 255; };
  for (std::int64_t i = 0; i < n; ++i)
    for (int b = 0; b < Bytes; ++b) ++place[b][digit(e[i], b)];
  for (int b = 0; b < Bytes; ++b) {
    if (place[b][digit(e[0], b)] == n) continue;  // all are equal
    std::uint32_t before = 0;
    for (std::uint32_t& p : place[b]) {
      const std::uint32_t count = p;
      p = before, before += count;
    }
    for (std::int64_t i = 0; i < n; ++i) other[place[b][digit(e[i], b)]++] = e[i];
    Entry* const sorted = other;
    other = e, e = sorted;
  }
  return e;
}

/// (x: [.., n]) -> [.., k], i32 [.., k]: the first k elements of each row in order.
template <class Target>
struct row_sort {
  static void run(const step_arguments& s, bool descending) {
    with_dtype(s.inputs[0].type, [&](auto type) { rows<type.value>(s, descending); });
  }

 private:
  template <dtype T>
  static void rows(const step_arguments& s, bool descending) {
    using element = unsigned_of<size_of(T)>;
    using entry = order_entry<T>;
    const array &x = s.inputs[0], &y = s.outputs[0];
    const std::int64_t n = x.extents[x.rank - 1], k = y.extents[y.rank - 1], count = y.count(0, y.rank - 1);
    check_row_length(n);
    if (k == 0) return;
    constexpr std::int64_t work = 16;                      // how much longer an element takes than a copy
    const std::int64_t room = k < n / 8 ? 2 * k + 16 : n;  // for the first k so far, and for what may be among them
    parallel_for<typename Target::threads>(count, work * x.bytes(), [&](std::int64_t row, std::int64_t end, int) {
      auto* entries =
          static_cast<entry*>(working_memory(purpose::sorted_entries, static_cast<std::size_t>(2 * room) * sizeof(entry)));
      auto* other = entries + room;
      const auto sort = [&](std::int64_t held) {
        entry* const sorted = sort_entries<size_of(T)>(entries, other, held);
        if (sorted == other) other = entries, entries = sorted;
      };
      for (; row < end; ++row) {
        const auto* const from = static_cast<const element*>(x.data) + row * n;
        std::int64_t held = 0;
        std::uint64_t limit = 0;  // of what comes now, only smaller keys are among the first k, if there are k already
        bool limited = false;
        for (std::int64_t i = 0; i < n; ++i) {
          const entry e = make_entry<T>(order_key<T>(from[i], descending), static_cast<std::uint32_t>(i));
          if (limited && key_of(e) >= limit) continue;
          if (held == room) sort(held), held = k, limit = key_of(entries[k - 1]), limited = true;
          entries[held++] = e;
        }
        sort(held);
        auto* const values = static_cast<element*>(y.data) + row * k;
        auto* const indices = static_cast<std::int32_t*>(s.outputs[1].data) + row * k;
        for (std::int64_t i = 0; i < k; ++i)
          values[i] = from[index_of(entries[i])], indices[i] = static_cast<std::int32_t>(index_of(entries[i]));
      }
    });
  }
};

/// words: 1 if descending.
template <class Target>
struct library_step<ops::sort, Target> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s) { row_sort<Target>::run(s, s.words[0] != 0); }
};
template <class Target>
struct library_step<ops::top_k, Target> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s) { row_sort<Target>::run(s, true); }
};

}  // namespace thunder::cpu
