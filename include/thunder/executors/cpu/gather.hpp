#pragma once
/// Rows by index: take, and its transposes scatter_add and, of different rows, scatter; parts of an axis by index: dynamic_slice and dynamic_update_slice. An index outside
/// is clamped by all.
#include <cstring>
#include <type_traits>

#include "../../core/error.hpp"
#include "../../core/math.hpp"
#include "arena.hpp"
#include "memory.hpp"
#include "step.hpp"
#include "strided.hpp"

namespace thunder::ops {
struct take;
struct scatter;
struct scatter_add;
struct dynamic_slice;
struct dynamic_update_slice;
}  // namespace thunder::ops

namespace thunder::cpu {

/// Indices of either integer type, clamped into [0, n).
struct clamped_index {
  const void* data;
  bool narrow;
  std::int64_t n;
  THUNDER_INLINE clamped_index(const array& index, std::int64_t size)
      : data(index.data), narrow(index.type == dtype::i32), n(size) {}
  THUNDER_INLINE std::int64_t operator[](std::int64_t i) const {
    const std::int64_t k = narrow ? static_cast<const std::int32_t*>(data)[i] : static_cast<const std::int64_t*>(data)[i];
    return k < 0 ? 0 : k < n ? k : n - 1;
  }
};

/// The processor cannot guess where the next row is: ask for its first lines, and it follows with the others.
THUNDER_INLINE void prefetch_row(const char* row, std::int64_t bytes) {
  for (std::int64_t k = 0; k < bytes && k < 4 * line_bytes; k += line_bytes) __builtin_prefetch(row + k);
}

/// (x: [n, ...], index: [I...]) -> [I..., ...]
template <class Target> struct library_step<ops::take, Target> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s) {
    const array &x = s.inputs[0], &y = s.outputs[0];
    const std::int64_t n = x.extents[0], row = x.count(1, x.rank) * size_of(x.type), count = s.inputs[1].count();
    const clamped_index index(s.inputs[1], n);
    if (count * row == 0) return;
    if (n == 0) return void(std::memset(y.data, 0, static_cast<std::size_t>(y.bytes())));  // there is no row to clamp to
    const bool past_caches = y.bytes() >= uncached_bytes;
    parallel_for<typename Target::threads>(count, 2 * y.bytes(), [&](std::int64_t i, std::int64_t end, int) {
      auto rows = [&]<int Bytes>(std::integral_constant<int, Bytes>) {
        for (; i < end; ++i) std::memcpy(y.begin() + i * Bytes, x.begin() + index[i] * Bytes, Bytes);
      };
      switch (row) {
        case 1: return rows(std::integral_constant<int, 1>{});
        case 2: return rows(std::integral_constant<int, 2>{});
        case 4: return rows(std::integral_constant<int, 4>{});
        case 8: return rows(std::integral_constant<int, 8>{});
        case 16: return rows(std::integral_constant<int, 16>{});
        default: break;
      }
      for (; i < end; ++i) {
        if (i + 1 < end) prefetch_row(x.begin() + index[i + 1] * row, row);
        copy_run<Target>(y.begin() + i * row, x.begin() + index[i] * row, row, past_caches);
      }
      if (past_caches) finish_streaming();
    });
  }
};

/// (index: [I...], rows: [I..., ...]) -> [n, ...]. The indices differ.
template <class Target> struct library_step<ops::scatter, Target> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s) {
    const array &rows = s.inputs[1], &y = s.outputs[0];
    const std::int64_t n = y.extents[0], row = y.count(1, y.rank) * size_of(y.type), count = s.inputs[0].count();
    const clamped_index index(s.inputs[0], n);
    if (y.bytes() > 0) std::memset(y.data, 0, static_cast<std::size_t>(y.bytes()));
    if (n * row == 0) return;
    parallel_for<typename Target::threads>(count, 2 * rows.bytes(), [&](std::int64_t i, std::int64_t end, int) {
      auto place = [&](auto bytes) {
        for (; i < end; ++i) std::memcpy(y.begin() + index[i] * bytes, rows.begin() + i * bytes, static_cast<std::size_t>(std::int64_t{bytes}));
      };
      switch (row) {
        case 2: return place(std::integral_constant<int, 2>{});
        case 4: return place(std::integral_constant<int, 4>{});
        case 8: return place(std::integral_constant<int, 8>{});
        default: return place(row);
      }
    });
  }
};

/// (index: [I...], rows: [I..., ...]) -> [n, ...]. The entries are sorted by row (stably, by counting), so each row of the result
/// is summed in ascending order and written once; half types are summed in float.
template <class Target> struct library_step<ops::scatter_add, Target> {
  using threads = typename Target::threads;
  static constexpr bool exists = true;
  static void run(const step_arguments& s) {
    const array &rows = s.inputs[1], &y = s.outputs[0];
    const std::int64_t n = y.extents[0], columns = y.count(1, y.rank), count = s.inputs[0].count();
    const clamped_index index(s.inputs[0], n);
    if (n * columns == 0) return;
    // first[r] .. first[r + 1]: where the entries of row r are in `order`.
    auto* const first = static_cast<std::int64_t*>(
        working_memory(purpose::sorted_entries, static_cast<std::size_t>(n + 2 + count) * sizeof(std::int64_t)));
    std::int64_t* const order = first + n + 2;
    std::memset(first, 0, static_cast<std::size_t>(n + 2) * sizeof *first);
    for (std::int64_t i = 0; i < count; ++i) ++first[index[i] + 2];
    std::int64_t longest = 0;
    for (std::int64_t r = 2; r < n + 2; ++r) longest = math::maximum(longest, first[r]), first[r] += first[r - 1];
    for (std::int64_t i = 0; i < count; ++i) order[first[index[i] + 1]++] = i;

    const table t{rows.begin(), y.begin(), first, order, n, columns, longest, y.bytes() >= uncached_bytes};
    with_dtype<dtype::i32>(y.type, [&](auto type) { sum_rows<type.value>(t); });
  }

 private:
  /// Columns that are summed at once.
  static constexpr std::int64_t block = 1024;

  /// The entries of row r are rows order[first[r]] to order[first[r + 1]] of the operand.
  struct table {
    const char* rows;
    char* result;
    const std::int64_t* first;
    const std::int64_t* order;
    std::int64_t n, columns, longest;
    bool past_caches;
  };

  template <dtype T> static void sum_rows(const table& t) {
    const std::int64_t work = t.n + t.first[t.n], bytes = work * t.columns * size_of(T), width = line_bytes / size_of(T);
    const int most = threads_for<threads>(work, bytes);
    if (t.longest > work / most && t.columns >= width * most) {  // one row has most of the entries: threads share the columns
      parallel_for<threads>((t.columns + width - 1) / width, bytes, [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t r = 0; r < t.n; ++r) sum_row<T>(t, r, begin * width, math::minimum(end * width, t.columns));
        if (t.past_caches) finish_streaming();
      });
    } else {
      threads::run(most, [&](int thread, int team) {
        // Equal numbers of entries and rows: row r is at first[r] + r of the work.
        const part mine(work, thread, team);
        for (std::int64_t r = row_at(t, mine.begin), end = thread + 1 < team ? row_at(t, mine.end) : t.n; r < end; ++r)
          sum_row<T>(t, r, 0, t.columns);
        if (t.past_caches) finish_streaming();
      });
    }
  }
  /// The first row that starts at or after a position in the work.
  static std::int64_t row_at(const table& t, std::int64_t position) {
    std::int64_t low = 0, high = t.n;
    while (low < high) {
      const std::int64_t middle = (low + high) / 2;
      if (t.first[middle] + middle < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /// Columns [begin, end) of row r.
  template <dtype T> static void sum_row(const table& t, std::int64_t r, std::int64_t begin, std::int64_t end) {
    const std::int64_t *entry = t.order + t.first[r], *last = t.order + t.first[r + 1];
    char* const to = t.result + (r * t.columns + begin) * size_of(T);
    const std::int64_t bytes = (end - begin) * size_of(T);
    if (entry == last) return clear_run<Target>(to, bytes, t.past_caches && bytes >= 512);
    if (entry + 1 == last) {
      prefetch_entry<T>(t, entry + 1, begin, end);
      return copy_run<Target>(to, t.rows + (*entry * t.columns + begin) * size_of(T), bytes, t.past_caches);
    }
    for (std::int64_t c = begin; c < end; c += block) sum_block<T>(t, r, entry, last, c, math::minimum(c + block, end));
  }
  template <dtype T>
  THUNDER_INLINE static void prefetch_entry(const table& t, const std::int64_t* entry, std::int64_t begin, std::int64_t end) {
    if (entry < t.order + t.first[t.n])
      prefetch_row(t.rows + (*entry * t.columns + begin) * size_of(T), (end - begin) * size_of(T));
  }
  template <dtype T>
  static void sum_block(const table& t, std::int64_t r, const std::int64_t* entry, const std::int64_t* last, std::int64_t begin,
                        std::int64_t end) {
    constexpr int lanes = Target::bytes / static_cast<int>(sizeof(computed<T>));
    using V = vec<computed<T>, lanes>;
    alignas(64) computed<T> sum[block];
    const std::int64_t n = end - begin;
    auto row = [&](const void* p, std::int64_t from, std::int64_t i) {
      return n - i < lanes ? load<T, lanes>(p, from + i, static_cast<int>(n - i)) : load<T, lanes>(p, from + i);
    };
    for (bool start = true; entry != last; ++entry, start = false) {
      const std::int64_t from = *entry * t.columns + begin;
      prefetch_entry<T>(t, entry + 1, begin, end);
      for (std::int64_t i = 0; i < n; i += lanes) {
        V x = row(t.rows, from, i);
        if (!start) {
          V old;
          __builtin_memcpy(&old.v, sum + i, sizeof old.v);
          x = add(old, x);
        }
        __builtin_memcpy(sum + i, &x.v, sizeof x.v);
      }
    }
    for (std::int64_t i = 0, at = r * t.columns + begin; i < n; i += lanes) {
      V x;
      __builtin_memcpy(&x.v, sum + i, sizeof x.v);
      if (n - i < lanes) store<T, lanes>(t.result, at + i, x, static_cast<int>(n - i));
      else store<T, lanes>(t.result, at + i, x);
    }
  }
  /// Integers wrap around.
  template <class S, int N> THUNDER_INLINE static vec<S, N> add(const vec<S, N>& a, const vec<S, N>& b) {
    if constexpr (std::is_floating_point_v<S>) return a + b;
    else return bits_as<vec<S, N>>(bits_as<vec<std::make_unsigned_t<S>, N>>(a) + bits_as<vec<std::make_unsigned_t<S>, N>>(b));
  }
};

/// A part of an axis that starts at an index: `rows` pieces of `piece` contiguous bytes, in rows of `whole` bytes, `first` bytes from their start.
struct axis_part {
  std::int64_t rows, piece, whole, first;
  THUNDER_INLINE axis_part(const array& all, const array& part, const array& start, int axis) {
    const std::int64_t inner = all.count(axis + 1, all.rank) * size_of(all.type), n = all.extents[axis], m = part.extents[axis];
    rows = all.count(0, axis), piece = m * inner, whole = n * inner;
    first = clamped_index(start, n - m + 1)[0] * inner;
  }
};
/// (x: [.., n, ..], start: []) -> [.., m, ..]. words: the axis, m.
template <class Target> struct library_step<ops::dynamic_slice, Target> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s) {
    const array &x = s.inputs[0], &y = s.outputs[0];
    if (y.count() == 0) return;
    const axis_part p(x, y, s.inputs[1], static_cast<int>(s.words[0]));
    copy_nest c{p.piece};
    c.add(p.rows, p.whole, p.piece);
    copy_strided<Target>(y.begin(), x.begin() + p.first, c);
  }
};
/// (x: [.., n, ..], update: [.., m, ..], start: []) -> [.., n, ..]. words: the axis. The result may be where x is.
template <class Target> struct library_step<ops::dynamic_update_slice, Target> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s) {
    const array &x = s.inputs[0], &update = s.inputs[1], &y = s.outputs[0];
    if (y.data != x.data) copy_bytes<Target>(y.begin(), x.begin(), y.bytes());
    if (update.count() == 0) return;
    const axis_part p(y, update, s.inputs[2], static_cast<int>(s.words[0]));
    copy_nest c{p.piece};
    c.add(p.rows, p.piece, p.whole);
    copy_strided<Target>(y.begin() + p.first, update.begin(), c);
  }
};

}  // namespace thunder::cpu
