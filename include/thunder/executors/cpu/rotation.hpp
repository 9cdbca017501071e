#pragma once
/// Pairs of elements turned by angles: rotate_pairs, which rope consists of. One pass over memory.
#include <cstdint>

#include "../rotation.hpp"
#include "memory.hpp"
#include "step.hpp"
#include "strided.hpp"

namespace thunder::ops {
struct rotate_pairs;
}

namespace thunder::cpu {

/// (x: [.., d], cosine, sine: [.., d / 2]) -> [.., d]. words: the style (0: neighbours, 1: halves), 1 to turn back.
template <class Target> struct library_step<ops::rotate_pairs, Target> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s) {
    with_dtype<dtype::f16>(s.inputs[0].type, [&](auto type) { turn<type.value>(s); });
  }

 private:
  template <dtype T> struct rows {
    using number = computed<T>;
    static constexpr dtype table = T == dtype::f64 ? T : dtype::f32;
    static constexpr int lanes = Target::bytes / static_cast<int>(sizeof(number));
    using V = vec<number, lanes>;
    const void *x, *cosine, *sine;
    void* y;
    std::int64_t pairs;
    number sign;
    bool past_caches;

    THUNDER_INLINE static V part(const void* p, std::int64_t i, std::int64_t rest) {
      return rest < lanes ? load<T, lanes>(p, i, static_cast<int>(rest)) : load<T, lanes>(p, i);
    }
    /// n lanes of a table.
    template <int N> THUNDER_INLINE static vec<number, N> entries(const void* p, std::int64_t i, std::int64_t rest) {
      return rest < N ? load<table, N>(p, i, static_cast<int>(rest)) : load<table, N>(p, i);
    }
    THUNDER_INLINE void give(std::int64_t i, const V& v, std::int64_t rest) const {
      if (past_caches) stream<T, lanes>(y, i, v);
      else if (rest < lanes) store<T, lanes>(y, i, v, static_cast<int>(rest));
      else store<T, lanes>(y, i, v);
    }
    THUNDER_INLINE void halves(std::int64_t row, std::int64_t entry) const {
      for (std::int64_t k = 0; k < pairs; k += lanes) {
        const std::int64_t i = 2 * pairs * row + k, rest = pairs - k;
        const V a = part(x, i, rest), b = part(x, i + pairs, rest), c = entries<lanes>(cosine, pairs * entry + k, rest),
                s = entries<lanes>(sine, pairs * entry + k, rest) * V(sign);
        give(i, a * c - b * s, rest);
        give(i + pairs, b * c + a * s, rest);
      }
    }
    /// x times the cosines, each for two lanes, plus x with neighbours exchanged times the sines, negated for the first of two.
    THUNDER_INLINE void neighbours(std::int64_t row, std::int64_t entry) const {
      if constexpr (sizeof(number) == 4) {
        using two = vec<std::uint64_t, lanes / 2>;
        auto twice = [](const vec<number, lanes / 2>& v) {
          const two w = convert<std::uint64_t>(bits_as<vec<std::uint32_t, lanes / 2>>(v));
          return w | w << 32;
        };
        const two minus(sign < 0 ? 0x80000000'00000000u : 0x80000000u);
        for (std::int64_t k = 0; k < 2 * pairs; k += lanes) {
          const std::int64_t i = 2 * pairs * row + k, rest = 2 * pairs - k, from = pairs * entry + k / 2;
          const V v = part(x, i, rest);
          const two w = bits_as<two>(v);
          give(i, v * bits_as<V>(twice(entries<lanes / 2>(cosine, from, rest / 2))) +
                      bits_as<V>(w >> 32 | w << 32) * bits_as<V>(twice(entries<lanes / 2>(sine, from, rest / 2)) ^ minus), rest);
        }
      } else {
        const auto *from = static_cast<const double*>(x) + 2 * pairs * row, *c = static_cast<const double*>(cosine) + pairs * entry,
                   *s = static_cast<const double*>(sine) + pairs * entry;
        auto* const to = static_cast<double*>(y) + 2 * pairs * row;
        for (std::int64_t k = 0; k < pairs; ++k) {
          const double a = from[2 * k], b = from[2 * k + 1], t = sign * s[k];
          to[2 * k] = a * c[k] - b * t, to[2 * k + 1] = b * c[k] + a * t;
        }
      }
    }
  };

  template <dtype T> static void turn(const step_arguments& s) {
    const array &x = s.inputs[0], &y = s.outputs[0];
    const std::int64_t d = x.extents[x.rank - 1], bytes = y.bytes();
    if (bytes == 0) return;
    const bool whole = d / 2 % rows<T>::lanes == 0 && reinterpret_cast<std::uintptr_t>(y.data) % (static_cast<std::uintptr_t>(rows<T>::lanes * size_of(T))) == 0;
    const rows<T> all{x.data, s.inputs[1].data, s.inputs[2].data, y.data, d / 2, s.words[1] ? -1.f : 1.f, whole && bytes >= uncached_bytes};
    const rotated_rows nest(x, s.inputs[1]);
    const int last = nest.dims - 1;
    const std::int64_t inner = last >= 0 ? nest.extent[last] : 1, step = last >= 0 ? nest.step[last] : 0;
    parallel_for<typename Target::threads>(x.count() / d, 2 * bytes, [&](std::int64_t i, std::int64_t end, int) {
      const rows<T> r = all;  // of which nobody has the address, so that no store can change it
      const bool halves = s.words[0] != 0;
      while (i < end) {
        std::int64_t outer = i / inner, entry = i % inner * step;
        const std::int64_t stop = end < (outer + 1) * inner ? end : (outer + 1) * inner;
        for (int k = last; k-- > 0; outer /= nest.extent[k]) entry += outer % nest.extent[k] * nest.step[k];
        for (; i < stop; ++i, entry += step) halves ? r.halves(i, entry) : r.neighbours(i, entry);
      }
      if (r.past_caches) finish_streaming();
    });
  }
};

}  // namespace thunder::cpu
