#pragma once
/// The first index of the largest element along one axis. A NaN counts as larger than all numbers.
#include "../../core/math.hpp"
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
    with_dtype(s.inputs[0].type, [&](auto type) { search<type.value>(s); });
  }

 private:
  /// Elements of a row, or columns, that are looked at together: in vectors, as the count is constant.
  static constexpr std::int64_t block = 64;

  template <dtype T> static void search(const step_arguments& s) {
    using Stored = element_t<T>;
    using Number = computed<T>;  // as which they are compared
    const array& x = s.inputs[0];
    const int axis = static_cast<int>(s.words[0]);
    const std::int64_t outer = x.count(0, axis), n = x.extents[axis], inner = x.count(axis + 1, x.rank),
                       blocks = (inner + block - 1) / block;
    const auto* const from = static_cast<const Stored*>(x.data);
    auto* const to = static_cast<std::int32_t*>(s.outputs[0].data);
    if (n == 0) return;
    parallel_for<typename Target::threads>(outer * blocks, x.bytes(), [&](std::int64_t i, std::int64_t end, int) {
      for (; i < end; ++i) {
        if (inner == 1) to[i] = row<Stored, Number>(from + i * n, n);
        else {
          const std::int64_t o = i / blocks, column = i % blocks * block;
          columns<Stored, Number>(from + o * n * inner + column, n, inner, to + o * inner + column,
                                  math::minimum(block, inner - column));
        }
      }
    });
  }
  /// A block of the row is looked at closely only if something in it is larger than what came before, or is a NaN.
  template <class Stored, class Number> static std::int32_t row(const Stored* x, std::int64_t n) {
    Number best = static_cast<Number>(x[0]);
    std::int64_t index = 0;
    for (std::int64_t i = 1; i < n && best == best;) {
      const std::int64_t end = math::minimum(i + block, n);
      int larger = 0;
      if (end == i + block) for (std::int64_t k = 0; k < block; ++k) larger |= !(static_cast<Number>(x[i + k]) <= best);
      else larger = 1;
      for (; larger && i < end && best == best; ++i)
        if (const Number v = static_cast<Number>(x[i]); !(v <= best)) best = v, index = i;
      i = end;
    }
    return static_cast<std::int32_t>(index);
  }
  template <class Stored, class Number>
  static void columns(const Stored* x, std::int64_t n, std::int64_t stride, std::int32_t* to, std::int64_t count) {
    Number best[block];
    std::int32_t index[block];
    for (std::int64_t j = 0; j < count; ++j) best[j] = static_cast<Number>(x[j]), index[j] = 0;
    for (std::int64_t i = 1; i < n; ++i)
      for (std::int64_t j = 0; j < count; ++j) {
        const Number v = static_cast<Number>(x[i * stride + j]), b = best[j];
        const bool better = v > b || (v != v && b == b);
        best[j] = better ? v : b, index[j] = better ? static_cast<std::int32_t>(i) : index[j];
      }
    for (std::int64_t j = 0; j < count; ++j) to[j] = index[j];
  }
};

}  // namespace thunder::cpu
