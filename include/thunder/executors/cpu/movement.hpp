#pragma once
/// Steps that move bytes: transpose, slice, broadcast, concatenate, reshape, pad; and two that write what they know: full, iota.
#include <bit>

#include "../../core/math.hpp"
#include "step.hpp"
#include "strided.hpp"

namespace thunder::ops {
struct transpose;
struct slice;
struct broadcast;
struct concatenate;
struct reshape;
struct pad;
struct full;
struct iota;
}  // namespace thunder::ops

namespace thunder::cpu {

/// words: for each result axis, the operand's axis.
template <class Target> struct library_step<ops::transpose, Target> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s) {
    const array &x = s.inputs[0], &y = s.outputs[0];
    if (y.count() == 0) return;
    const byte_strides from(x), to(y);
    copy_nest c{size_of(x.type)};
    for (int d = 0; d < y.rank; ++d) c.add(y.extents[d], from.of[s.words[d]], to.of[d]);
    copy_permuted<Target>(y.begin(), x.begin(), c);
  }
};

/// words: begins, ends, strides.
template <class Target> struct library_step<ops::slice, Target> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s) {
    const array &x = s.inputs[0], &y = s.outputs[0];
    if (y.count() == 0) return;
    const byte_strides from(x), to(y);
    copy_nest c{size_of(x.type)};
    std::int64_t first = 0;
    for (int d = 0; d < y.rank; ++d) {
      first += s.words[d] * from.of[d];
      c.add(y.extents[d], s.words[2 * x.rank + d] * from.of[d], to.of[d]);
    }
    copy_strided<Target>(y.begin(), x.begin() + first, c);
  }
};

/// words: the mask of the result's axes that the operand has.
template <class Target> struct library_step<ops::broadcast, Target> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s) {
    const array &x = s.inputs[0], &y = s.outputs[0];
    if (y.count() == 0) return;
    const byte_strides from(x), to(y);
    copy_nest c{size_of(x.type)};
    for (int d = 0, k = 0; d < y.rank; ++d) c.add(y.extents[d], s.words[0] >> d & 1 ? from.of[k++] : 0, to.of[d]);
    copy_strided<Target>(y.begin(), x.begin(), c);
  }
};

template <class Target> struct library_step<ops::reshape, Target> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s) {
    if (s.outputs[0].data != s.inputs[0].data)
      copy_bytes<Target>(s.outputs[0].begin(), s.inputs[0].begin(), s.outputs[0].bytes());
  }
};

/// words: the axis.
template <class Target> struct library_step<ops::concatenate, Target> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s) {
    const array& y = s.outputs[0];
    const int axis = static_cast<int>(s.words[0]);
    const std::int64_t outer = y.count(0, axis), inner = y.count(axis + 1, y.rank) * size_of(y.type),
                       row = y.extents[axis] * inner;
    std::int64_t first = 0;
    for (int k = 0; k < s.input_count; ++k) {
      const std::int64_t part = s.inputs[k].extents[axis] * inner;
      if (outer * part == 0) continue;
      copy_nest c{part};
      c.add(outer, part, row);
      copy_strided<Target>(y.begin() + first, s.inputs[k].begin(), c);
      first += part;
    }
  }
};

/// Zero bytes, on all threads.
template <class Target> void clear(char* to, std::int64_t bytes) {
  const bool past_caches = bytes >= uncached_bytes;
  parallel_bytes<Target>(bytes, bytes, [&](std::int64_t begin, std::int64_t end) {
    clear_run<Target>(to + begin, end - begin, past_caches);
    if (past_caches) finish_streaming();
  });
}

/// words: widths before, widths after, zeros between two elements.
template <class Target> struct library_step<ops::pad, Target> {
  using threads = typename Target::threads;
  static constexpr bool exists = true;
  struct axis {
    std::int64_t n, before, between, extent;  // of the operand, the widths, of the result
  };

  static void run(const step_arguments& s) {
    const array &x = s.inputs[0], &y = s.outputs[0];
    if (y.count() == 0) return;
    std::int64_t unit = size_of(x.type);
    int last = x.rank - 1;  // axes after the last one that is padded are whole
    while (last >= 0 && s.words[last] == 0 && s.words[x.rank + last] == 0 && s.words[2 * x.rank + last] == 0)
      unit *= x.extents[last--];
    if (last < 0) return copy_bytes<Target>(y.begin(), x.begin(), unit);
    if (x.count() == 0) return clear<Target>(y.begin(), y.bytes());
    axis a[max_rank]{};
    for (int d = 0; d <= last; ++d) a[d] = {x.extents[d], s.words[d], s.words[2 * x.rank + d], y.extents[d]};
    const std::int64_t rows = y.count(0, last);
    if (rows < threads::available() && y.bytes() > bytes_per_thread) clear_and_copy(x, y, a, last, unit);
    else {
      const bool past_caches = y.bytes() >= uncached_bytes;
      parallel_for<threads>(rows, x.bytes() + y.bytes(), [&](std::int64_t row, std::int64_t end, int) {
        for (; row < end; ++row)
          fill_row(y.begin() + row * a[last].extent * unit, source_row(x.begin(), row, a, last, unit), a[last], unit,
                   past_caches);
        if (past_caches) finish_streaming();
      });
    }
  }

 private:
  /// The operand's row that is the result's row number `row`, or null for zeros.
  static const char* source_row(const char* x, std::int64_t row, const axis* a, int last, std::int64_t unit) {
    std::int64_t from = 0, stride = a[last].n;
    for (int d = last; d-- > 0; stride *= a[d].n) {
      const std::int64_t at = row % a[d].extent - a[d].before, step = a[d].between + 1;
      row /= a[d].extent;
      if (at < 0 || at % step != 0 || at / step >= a[d].n) return nullptr;
      from += at / step * stride;
    }
    return x + from * unit;
  }
  static void fill_row(char* to, const char* from, const axis& a, std::int64_t unit, bool past_caches) {
    auto zeros = [&](std::int64_t n) { clear_run<Target>(to, n * unit, past_caches && n * unit >= 512), to += n * unit; };
    auto copy = [&](std::int64_t n) { copy_run<Target>(to, from, n * unit, past_caches), to += n * unit, from += n * unit; };
    if (!from) return zeros(a.extent);
    zeros(a.before);
    if (a.between == 0) copy(a.n);
    else
      for (std::int64_t i = 0; i < a.n; ++i) {
        copy(1);
        if (i + 1 < a.n) zeros(a.between);
      }
    zeros(a.extent - a.before - a.n - (a.n - 1) * a.between);
  }
  /// Few long rows: all zeros first, then what is copied, each on all threads.
  static void clear_and_copy(const array& x, const array& y, const axis* a, int last, std::int64_t unit) {
    const byte_strides from(x), to(y);
    clear<Target>(y.begin(), y.bytes());
    copy_nest c{unit};
    std::int64_t first = 0;
    for (int d = 0; d <= last; ++d) {
      first += a[d].before * to.of[d];
      c.add(a[d].n, from.of[d], (a[d].between + 1) * to.of[d]);
    }
    copy_strided<Target>(y.begin() + first, x.begin(), c);
  }
};

/// A number as an element's bytes.
struct element_bytes {
  char bytes[8]{};
  element_bytes(dtype t, double x) {
    with_dtype(t, [&](auto type) {
      using T = element_t<type.value>;
      T y{};
      if constexpr (sizeof(T) == 2) y = T(static_cast<float>(x));
      else y = static_cast<T>(x);
      std::memcpy(bytes, &y, sizeof y);
    });
  }
};

/// words: the bits of a double.
template <class Target> struct library_step<ops::full, Target> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s) {
    const array& y = s.outputs[0];
    const element_bytes x(y.type, std::bit_cast<double>(s.words[0]));
    const std::int64_t unit = size_of(y.type);
    const bool past_caches = y.bytes() >= uncached_bytes;
    parallel_for<typename Target::threads>(y.count(), y.bytes(), [&](std::int64_t begin, std::int64_t end, int) {
      repeat<Target>(y.begin() + begin * unit, x.bytes, unit, end - begin, past_caches);
      if (past_caches) finish_streaming();
    });
  }
};

/// words: the axis.
template <class Target> struct library_step<ops::iota, Target> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s) {
    const array& y = s.outputs[0];
    with_dtype<dtype::i32>(y.type, [&](auto type) { count<element_t<type.value>>(y, s.words[0]); });
  }

 private:
  template <class T> static void count(const array& y, std::int64_t axis) {
    const std::int64_t inner = y.count(static_cast<int>(axis) + 1, y.rank), n = y.extents[axis];
    T* const to = static_cast<T*>(y.data);
    if (y.count() == 0) return;
    parallel_for<typename Target::threads>(y.count(), y.bytes(), [&](std::int64_t i, std::int64_t end, int) {
      for (std::int64_t run = i / inner; i < end; ++run) {  // runs of equal elements
        const std::int64_t stop = math::minimum((run + 1) * inner, end), index = run % n;
        T x{};
        if constexpr (sizeof(T) == 2) x = T(static_cast<float>(index));
        else x = static_cast<T>(index);
        for (; i < stop; ++i) to[i] = x;
      }
    });
  }
};

}  // namespace thunder::cpu
