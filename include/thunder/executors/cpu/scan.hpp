#pragma once
/// Sums and products up to each element along one axis. Floating-point elements are accumulated in double, integers wrap.
#include <type_traits>

#include "../../core/error.hpp"
#include "../../core/math.hpp"
#include "step.hpp"

namespace thunder::ops {
struct cumsum;
struct cumprod;
}  // namespace thunder::ops

namespace thunder::cpu {

/// words: the axis, 1 if the scan starts at its end.
template <class Op, class Target> struct scan_step {
  static constexpr bool exists = true;
  static void run(const step_arguments& s) {
    with_dtype<dtype::i32>(s.inputs[0].type, [&](auto type) { scan<element_t<type.value>>(s); });
  }

 private:
  template <class T> using total = std::conditional_t<std::is_integral_v<T>, std::uint64_t, double>;
  template <class T> THUNDER_INLINE static T rounded(total<T> x) {
    if constexpr (sizeof(T) == 2) return T(static_cast<float>(x));
    else return static_cast<T>(x);
  }
  template <class T> THUNDER_INLINE static total<T> widened(T x) {
    if constexpr (sizeof(T) == 2) return static_cast<float>(x);
    else return static_cast<total<T>>(x);
  }

  template <class T> static void scan(const step_arguments& s) {
    const array& x = s.inputs[0];
    const int axis = static_cast<int>(s.words[0]);
    const std::int64_t outer = x.count(0, axis), n = x.extents[axis], inner = x.count(axis + 1, x.rank);
    if (x.count() == 0) return;
    const T* from = static_cast<const T*>(x.data);
    T* to = static_cast<T*>(s.outputs[0].data);
    const bool reverse = s.words[1] != 0;
    if (inner == 1) {  // four rows at a time, because each sum waits for the one before it
      if (reverse) from += n - 1, to += n - 1;
      parallel_for<typename Target::threads>((outer + 3) / 4, 2 * x.bytes(), [&](std::int64_t i, std::int64_t end, int) {
        for (; i < end; ++i) {
          const std::int64_t row = 4 * i, step = reverse ? -1 : 1;
          if (row + 4 <= outer) lines<T, 4>(from + row * n, to + row * n, n, step, n, 4);
          else lines<T, 4>(from + row * n, to + row * n, n, step, n, static_cast<int>(outer - row));
        }
      });
    } else {
      constexpr std::int64_t block = 64;
      const std::int64_t blocks = (inner + block - 1) / block;
      if (reverse) from += (n - 1) * inner, to += (n - 1) * inner;
      parallel_for<typename Target::threads>(outer * blocks, 2 * x.bytes(), [&](std::int64_t i, std::int64_t end, int) {
        for (; i < end; ++i) {
          const std::int64_t column = i % blocks * block, at = i / blocks * n * inner + column;
          lines<T, block>(from + at, to + at, n, reverse ? -inner : inner, 1, static_cast<int>(math::minimum(block, inner - column)));
        }
      });
    }
  }
  /// `count` lines of n elements, at most Most: elements are `step` apart, lines `apart`.
  template <class T, int Most> static void lines(const T* from, T* to, std::int64_t n, std::int64_t step, std::int64_t apart, int count) {
    total<T> sum[Most];
    for (int j = 0; j < Most; ++j) sum[j] = Op::template identity<total<T>>();
    auto all = [&](int lines) {
      for (std::int64_t k = 0; k < n; ++k)
        for (int j = 0; j < lines; ++j) {
          const std::int64_t i = k * step + j * apart;
          to[i] = rounded<T>(sum[j] = Op::combine(sum[j], widened<T>(from[i])));
        }
    };
    if (count == Most) all(Most);
    else all(count);
  }
};
template <class Target> struct library_step<ops::cumsum, Target> : scan_step<ops::cumsum, Target> {};
template <class Target> struct library_step<ops::cumprod, Target> : scan_step<ops::cumprod, Target> {};

}  // namespace thunder::cpu
