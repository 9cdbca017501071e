#pragma once
/// Loads and stores of a buffer's elements as vectors: bf16 and f16 are floats in registers, a bool is a byte 0 or 1 in memory.
#include <cstddef>
#include <cstdint>

#include "../../core/dtype.hpp"
#include "vec.hpp"

namespace thunder::cpu {

/// What an element is computed in: float for the 16-bit floating types, otherwise its own type.
template <dtype T>
using computed = std::conditional_t<T == dtype::f16 || T == dtype::bf16, float, element_t<T>>;
/// What an element is in memory, as bits.
template <dtype T>
using stored = std::conditional_t<T == dtype::b8, std::uint8_t,
                                  std::conditional_t<T == dtype::f16 || T == dtype::bf16, std::uint16_t, element_t<T>>>;

// ---- 16-bit floating types, as core/half.hpp defines them
template <int N>
THUNDER_INLINE vec<float, N> from_bf16(const vec<std::uint32_t, N>& h) {
  return bits_as<vec<float, N>>(h << 16);
}

template <int N>
THUNDER_INLINE vec<std::uint32_t, N> to_bf16(const vec<float, N>& x) {
  using U = vec<std::uint32_t, N>;
  const U u = bits_as<U>(x), rounded = u + U(0x7fff) + ((u >> 16) & U(1));
  return select(x != x, u | U(0x400000), rounded) >> 16;
}

template <int N>
THUNDER_INLINE vec<float, N> from_f16(const vec<std::uint32_t, N>& h) {
  using U = vec<std::uint32_t, N>;
  using F = vec<float, N>;
  const U sign = (h & U(0x8000)) << 16, a = (h & U(0x7fff)) << 13;
  // The exponent is 112 too small: a multiplication mends it for subnormals too, but not for infinities and NaN.
  const U finite = bits_as<U>(bits_as<F>(a) * F(0x1p112f));
  return bits_as<F>(select(a >= U(0x7c00u << 13), a | U(0x7f800000), finite) | sign);
}

template <int N>
THUNDER_INLINE vec<std::uint32_t, N> to_f16(const vec<float, N>& x) {
  using U = vec<std::uint32_t, N>;
  using I = vec<std::int32_t, N>;
  using F = vec<float, N>;
  const U u = bits_as<U>(x), sign = (u >> 16) & U(0x8000);
  const I a = bits_as<I>(u & U(0x7fffffff));
  const U normal = (bits_as<U>(a) - U(0x38000000) + U(0xfff) + ((bits_as<U>(a) >> 13) & U(1))) >> 13;
  const U subnormal = bits_as<U>(bits_as<F>(a) + F(0.5f)) - U(0x3f000000);  // the addition rounds at 2^-24
  U h = select(a >= I(0x38800000), normal, subnormal);
  h = select(a >= I(0x477ff000), U(0x7c00), h);
  h = select(a > I(0x7f800000), U(0x7e00), h);
  return h | sign;
}

/// x rounded to what a buffer of type T can hold.
template <dtype T, int N>
THUNDER_INLINE vec<float, N> rounded_to(const vec<float, N>& x) {
  if constexpr (T == dtype::bf16)
    return from_bf16(to_bf16(x));
  else if constexpr (T == dtype::f16)
    return from_f16(to_f16(x));
  else
    return x;
}

template <dtype T, int N>
THUNDER_INLINE vec<computed<T>, N> from_stored(const vec<stored<T>, N>& s) {
  if constexpr (T == dtype::b8)
    return convert<bool>(convert<std::int32_t>(s));
  else if constexpr (T == dtype::bf16)
    return from_bf16(convert<std::uint32_t>(s));
  else if constexpr (T == dtype::f16)
    return from_f16(convert<std::uint32_t>(s));
  else
    return s;
}
template <dtype T, int N>
THUNDER_INLINE vec<stored<T>, N> to_stored(const vec<computed<T>, N>& x) {
  if constexpr (T == dtype::b8)
    return convert<std::uint8_t>(convert<std::int32_t>(x));
  else if constexpr (T == dtype::bf16)
    return convert<std::uint16_t>(to_bf16(x));
  else if constexpr (T == dtype::f16)
    return convert<std::uint16_t>(to_f16(x));
  else
    return x;
}

// ---- memory
template <dtype T>
THUNDER_INLINE const stored<T>* element_at(const void* p, std::int64_t i) {
  return static_cast<const stored<T>*>(p) + i;
}
template <dtype T>
THUNDER_INLINE stored<T>* element_at(void* p, std::int64_t i) {
  return static_cast<stored<T>*>(p) + i;
}

/// Elements i, i+1, ... of a buffer.
template <dtype T, int N>
THUNDER_INLINE vec<computed<T>, N> load(const void* p, std::int64_t i) {
  vec<stored<T>, N> s;
  __builtin_memcpy(&s.v, element_at<T>(p, i), sizeof s.v);
  return from_stored<T>(s);
}
/// The first `count` of them; the other lanes repeat element i, so that they do nothing that it does not do.
template <dtype T, int N>
THUNDER_INLINE vec<computed<T>, N> load(const void* p, std::int64_t i, int count) {
  vec<stored<T>, N> s(*element_at<T>(p, i));
  __builtin_memcpy(&s.v, element_at<T>(p, i), static_cast<std::size_t>(count) * sizeof(stored<T>));
  return from_stored<T>(s);
}
/// Element i in all lanes.
template <dtype T, int N>
THUNDER_INLINE vec<computed<T>, N> broadcast(const void* p, std::int64_t i) {
  return from_stored<T>(vec<stored<T>, N>(*element_at<T>(p, i)));
}

template <dtype T, int N>
THUNDER_INLINE void store(void* p, std::int64_t i, const vec<computed<T>, N>& x) {
  const auto s = to_stored<T>(x);
  __builtin_memcpy(element_at<T>(p, i), &s.v, sizeof s.v);
}
template <dtype T, int N>
THUNDER_INLINE void store(void* p, std::int64_t i, const vec<computed<T>, N>& x, int count) {
  const auto s = to_stored<T>(x);
  __builtin_memcpy(element_at<T>(p, i), &s.v, static_cast<std::size_t>(count) * sizeof(stored<T>));
}

/// A store past the caches, to an address that is a multiple of the vector's size. Saves reading what is overwritten: a third
/// of the traffic of a copy. `finish_streaming` comes after the last one.
template <dtype T, int N>
THUNDER_INLINE void stream(void* p, std::int64_t i, const vec<computed<T>, N>& x) {
  auto s = to_stored<T>(x);
#if defined(__AVX__)
  if constexpr (sizeof s.v >= 16)
    asm volatile("vmovntps %1, %0" : "=m"(*reinterpret_cast<decltype(s)*>(element_at<T>(p, i))) : "v"(s.v));
  else
    store<T, N>(p, i, x);
#elif defined(__SSE2__)
  if constexpr (sizeof s.v >= 16)
    asm volatile("movntps %1, %0" : "=m"(*reinterpret_cast<decltype(s)*>(element_at<T>(p, i))) : "x"(s.v));
  else
    store<T, N>(p, i, x);
#else
  store<T, N>(p, i, x);
#endif
}
THUNDER_INLINE void finish_streaming() {
#if defined(__SSE2__)
  asm volatile("sfence" ::: "memory");
#endif
}

}  // namespace thunder::cpu
