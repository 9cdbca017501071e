#pragma once
/// A few neighbouring elements of a buffer as the words that one memory access moves, kept packed until they are used.
#include <cstdint>
#include <type_traits>

#include "../../core/dtype.hpp"
#include "real.hpp"

namespace thunder::cuda {

/// What a kernel computes a statement of element type T with. Coarse: 11 bits are enough.
template <class Machine, dtype T, bool Coarse = T == dtype::bf16>
using computed = std::conditional_t<T == dtype::f32 || T == dtype::bf16 || T == dtype::f16, real<Machine, Coarse>, element_t<T>>;

template <class T> THUNDER_ANYWHERE constexpr T plain(T x) { return x; }
template <class M, bool F> THUNDER_ANYWHERE constexpr float plain(real<M, F> x) { return x.v; }
/// A computed number as another one.
template <class To, class From> THUNDER_ANYWHERE constexpr To to_number(From x) {
  if constexpr (std::is_same_v<To, bool>) return plain(x) != 0;
  else if constexpr (requires(To t) { t.v; }) return To(static_cast<float>(plain(x)));
  else return static_cast<To>(plain(x));
}

/// Count elements of type T.
template <class Machine, dtype T, int Count> struct packet {
  static constexpr int size = size_of(T), bytes = size * Count, words = bytes < 4 ? 1 : bytes / 4;
  using number = computed<Machine, T>;  // bf16's for itself; others precise
  std::uint32_t w[words];

  /// Element j, which is known to the compiler after unrolling. opaque: see Machine::unpack_bf16.
  THUNDER_DEVICE number get(int j, std::uint32_t opaque) const {
    if constexpr (T == dtype::f32) return Machine::as_float(w[j]);
    else if constexpr (T == dtype::bf16) return Machine::unpack_bf16(w[j / 2], j & 1, opaque);
    else if constexpr (T == dtype::f16) return Machine::unpack_f16(w[j / 2], j & 1, opaque);
    else if constexpr (T == dtype::f64) return Machine::as_double(w[2 * j], w[2 * j + 1]);
    else if constexpr (T == dtype::i64) return static_cast<std::int64_t>(static_cast<std::uint64_t>(w[2 * j]) | static_cast<std::uint64_t>(w[2 * j + 1]) << 32);
    else if constexpr (T == dtype::i32) return static_cast<std::int32_t>(w[j]);
    else return (w[j / 4] >> 8 * (j % 4) & 0xffu) != 0;
  }
  THUNDER_DEVICE void set(const number (&x)[Count]) {
    if constexpr (T == dtype::bf16 || T == dtype::f16) {
      THUNDER_UNROLL
      for (int i = 0; i < words; ++i) {
        const float low = x[2 * i].v, high = Count > 1 ? x[Count > 1 ? 2 * i + 1 : 0].v : 0.f;
        w[i] = T == dtype::bf16 ? Machine::pack_bf16(low, high) : Machine::pack_f16(low, high);
      }
    } else if constexpr (T == dtype::b8) {
      THUNDER_UNROLL
      for (int i = 0; i < words; ++i) w[i] = 0;
      THUNDER_UNROLL
      for (int j = 0; j < Count; ++j) w[j / 4] |= static_cast<std::uint32_t>(x[j]) << 8 * (j % 4);
    } else {
      THUNDER_UNROLL
      for (int j = 0; j < Count; ++j) {
        if constexpr (T == dtype::f32) w[j] = Machine::as_word(x[j].v);
        else if constexpr (T == dtype::i32) w[j] = static_cast<std::uint32_t>(x[j]);
        else {
          const std::uint64_t bits = T == dtype::f64 ? Machine::double_bits(static_cast<double>(x[j])) : static_cast<std::uint64_t>(x[j]);
          w[2 * j] = static_cast<std::uint32_t>(bits), w[2 * j + 1] = static_cast<std::uint32_t>(bits >> 32);
        }
      }
    }
  }
  /// Elements i, i + 1, ... of a buffer; `count` of them where that is less than Count.
  template <bool Constant> THUNDER_DEVICE void load(const void* p, std::int64_t i) { Machine::template load<bytes, Constant>(w, static_cast<const char*>(p) + i * size); }
  THUNDER_DEVICE void load_cached(const void* p, std::int64_t i) { Machine::template load_cached<bytes>(w, static_cast<const char*>(p) + i * size); }
  THUNDER_DEVICE void load_some(const void* p, std::int64_t i, int count) {
    THUNDER_UNROLL
    for (int k = 0; k < words; ++k) w[k] = 0;
    THUNDER_UNROLL
    for (int j = 0; j < Count; ++j)
      if (j < count) {
        packet<Machine, T, 1> one;
        one.template load<false>(p, i + j);
        put(j, one);
      }
  }
  THUNDER_DEVICE void store(void* p, std::int64_t i) const { Machine::template store<bytes>(static_cast<char*>(p) + i * size, w); }
  THUNDER_DEVICE void store_some(void* p, std::int64_t i, int count) const {
    THUNDER_UNROLL
    for (int j = 0; j < Count; ++j)
      if (j < count) one(j).store(p, i + j);
  }
  /// Element j, which is known to the compiler.
  THUNDER_DEVICE packet<Machine, T, 1> one(int j) const {
    packet<Machine, T, 1> r;
    if constexpr (size == 8) r.w[0] = w[2 * j], r.w[1] = w[2 * j + 1];
    else if constexpr (size == 4) r.w[0] = w[j];
    else r.w[0] = w[j * size / 4] >> 8 * (j * size % 4);
    return r;
  }
  /// Takes the first element away, so that a loop may go over the elements and all of them stay in registers.
  THUNDER_DEVICE void drop() {
    constexpr int whole = size / 4, bits = 8 * (size % 4);
    THUNDER_UNROLL
    for (int k = 0; k < words; ++k) {
      if constexpr (whole > 0) w[k] = k + whole < words ? w[k + whole < words ? k + whole : 0] : 0;
      else w[k] = w[k] >> bits | (k + 1 < words ? w[k + 1 < words ? k + 1 : 0] << (32 - bits) : 0);
    }
  }

 private:
  THUNDER_DEVICE void put(int j, const packet<Machine, T, 1>& x) {
    if constexpr (size == 8) w[2 * j] = x.w[0], w[2 * j + 1] = x.w[1];
    else if constexpr (size == 4) w[j] = x.w[0];
    else w[j * size / 4] |= x.w[0] << 8 * (j * size % 4);
  }
};

}  // namespace thunder::cuda
