#pragma once
/// The first index of the largest element along one axis. A NaN counts as larger than all numbers.
#include <cstring>

#include "memory.hpp"
#include "step.hpp"

namespace thunder::ops {
struct argmax;
}

namespace thunder::cpu {

/// words: the axis.
template <class Target> struct library_step<ops::argmax, Target> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s) {
    switch (s.inputs[0].type) {
      case dtype::b8: return search<dtype::b8>(s);
      case dtype::i32: return search<dtype::i32>(s);
      case dtype::i64: return search<dtype::i64>(s);
      case dtype::f16: return search<dtype::f16>(s);
      case dtype::bf16: return search<dtype::bf16>(s);
      case dtype::f32: return search<dtype::f32>(s);
      case dtype::f64: return search<dtype::f64>(s);
    }
  }

 private:
  /// bool as 0 and 1, which compare as numbers do.
  template <dtype T> using number_of = std::conditional_t<T == dtype::b8, std::int32_t, computed<T>>;
  template <dtype T> static constexpr int lanes = Target::bytes / static_cast<int>(sizeof(number_of<T>));
  template <dtype T> struct best {
    vec<number_of<T>, lanes<T>> value;
    vec<std::int32_t, lanes<T>> index;
    THUNDER_INLINE void consider(const vec<number_of<T>, lanes<T>>& x, const vec<std::int32_t, lanes<T>>& at) {
      auto better = x > value;
      if constexpr (is_floating(T)) better = better || (x != x && value == value);
      value = select(better, x, value), index = select(better, at, index);
    }
  };
  template <dtype T> THUNDER_INLINE static vec<number_of<T>, lanes<T>> numbers(const void* p, std::int64_t i) { return convert<number_of<T>>(load<T, lanes<T>>(p, i)); }

  template <dtype T> static void search(const step_arguments& s) {
    const array& x = s.inputs[0];
    const int axis = static_cast<int>(s.words[0]);
    const std::int64_t outer = x.count(0, axis), n = x.extents[axis], inner = x.count(axis + 1, x.rank);
    auto* const to = static_cast<std::int32_t*>(s.outputs[0].data);
    if (n == 0) return;
    if (inner == 1)
      parallel_for<typename Target::threads>(outer, x.bytes(), [&](std::int64_t i, std::int64_t end, int) {
        for (; i < end; ++i) to[i] = row<T>(element_at<T>(x.data, i * n), n);
      });
    else {
      const std::int64_t blocks = (inner + lanes<T> - 1) / lanes<T>;
      parallel_for<typename Target::threads>(outer * blocks, x.bytes(), [&](std::int64_t i, std::int64_t end, int) {
        for (; i < end; ++i) {
          const std::int64_t column = i % blocks * lanes<T>, o = i / blocks;
          const int count = inner - column < lanes<T> ? static_cast<int>(inner - column) : lanes<T>;
          columns<T>(element_at<T>(x.data, o * n * inner + column), n, inner, to + o * inner + column, count);
        }
      });
    }
  }

  /// A contiguous row: the best of each lane, then the best of the lanes.
  template <dtype T> static std::int32_t row(const void* p, std::int64_t n) {
    constexpr int L = lanes<T>;
    vec<std::int32_t, L> at = lane_numbers<std::int32_t, L>();
    best<T> b;
    if (n < L) b.value = convert<number_of<T>>(load<T, L>(p, 0, static_cast<int>(n)));  // spare lanes repeat element 0
    else b.value = numbers<T>(p, 0);
    b.index = n < L ? select(at < vec<std::int32_t, L>(static_cast<std::int32_t>(n)), at, vec<std::int32_t, L>(0)) : at;
    std::int64_t i = L;
    for (; i + L <= n; i += L) {
      at = at + vec<std::int32_t, L>(L);
      b.consider(numbers<T>(p, i), at);
    }
    if (i < n) {  // the last vector overlaps the one before: an index met again changes nothing
      at = lane_numbers<std::int32_t, L>() + vec<std::int32_t, L>(static_cast<std::int32_t>(n - L));
      b.consider(numbers<T>(p, n - L), at);
    }
    int first = 0;
    for (int k = 1; k < L; ++k) {
      const auto x = b.value[k], y = b.value[first];
      const bool nan = x != x, beaten_by_nan = y != y;
      if (nan == beaten_by_nan ? x > y || ((nan || x == y) && b.index[k] < b.index[first]) : nan) first = k;
    }
    return b.index[first];
  }
  /// Columns of n rows, a vector of them at a time.
  template <dtype T> static void columns(const void* p, std::int64_t n, std::int64_t stride, std::int32_t* to, int count) {
    constexpr int L = lanes<T>;
    auto row_at = [&](std::int64_t i) {
      return count == L ? numbers<T>(p, i * stride) : convert<number_of<T>>(load<T, L>(p, i * stride, count));
    };
    best<T> b{row_at(0), vec<std::int32_t, L>(0)};
    for (std::int64_t i = 1; i < n; ++i) b.consider(row_at(i), vec<std::int32_t, L>(static_cast<std::int32_t>(i)));
    std::memcpy(to, &b.index.v, static_cast<std::size_t>(count) * sizeof *to);
  }
};

}  // namespace thunder::cpu
