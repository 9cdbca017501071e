#pragma once
/// The simple functions of core/math.hpp for vectors: absolute value, maximum and minimum, rounding, roots.
#include <cstdint>
#include <limits>

#include "../../core/math.hpp"
#include "vec.hpp"

namespace thunder::cpu {

template <class T>
inline constexpr T infinity = std::numeric_limits<T>::infinity();
template <class T>
inline constexpr T not_a_number = std::numeric_limits<T>::quiet_NaN();

/// Whether a vector is one register, as an instruction takes it.
template <class V>
inline constexpr bool is_register = sizeof(V) >= 16 && sizeof(V) <= THUNDER_REGISTER_BYTES;
/// f of each lane in turn.
template <class T, int N, class F>
THUNDER_INLINE vec<T, N> each_lane(const vec<T, N>& x, F f) {
  vec<T, N> r;
  for (int i = 0; i < N; ++i) r.v[i] = f(x.v[i]);
  return r;
}

// ---- bits
template <int N>
THUNDER_INLINE vec<std::int32_t, N> to_bits(const vec<float, N>& x) {
  return bits_as<vec<std::int32_t, N>>(x);
}
template <int N>
THUNDER_INLINE vec<std::int64_t, N> to_bits(const vec<double, N>& x) {
  return bits_as<vec<std::int64_t, N>>(x);
}
template <int N>
THUNDER_INLINE vec<float, N> from_bits(const vec<std::int32_t, N>& x) {
  return bits_as<vec<float, N>>(x);
}
template <int N>
THUNDER_INLINE vec<double, N> from_bits(const vec<std::int64_t, N>& x) {
  return bits_as<vec<double, N>>(x);
}
template <class T>
using bits_of_float = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
template <class T>
inline constexpr bits_of_float<T> sign_bit = std::numeric_limits<bits_of_float<T>>::min();

/// |x|.
template <class T, int N>
THUNDER_INLINE vec<T, N> abs(const vec<T, N>& x) {
  if constexpr (std::is_floating_point_v<T>)
    return from_bits(to_bits(x) & vec<bits_of_float<T>, N>(~sign_bit<T>));
  else
    return select(x < vec<T, N>(0), -x, x);
}
/// |x| with the sign of y.
template <class T, int N>
THUNDER_INLINE vec<T, N> copysign(const vec<T, N>& x, const vec<T, N>& y) {
  const vec<bits_of_float<T>, N> sign(sign_bit<T>);
  return from_bits((to_bits(x) & ~sign) | (to_bits(y) & sign));
}

/// a < b ? a : b and a > b ? a : b, b where either is NaN: one instruction, which g++ 12 does not find for constants.
template <class T, int N>
THUNDER_INLINE vec<T, N> smaller(const vec<T, N>& a, const vec<T, N>& b) {
#if defined(__AVX__) && !defined(__clang__)
  if constexpr (std::is_floating_point_v<T> && is_register<vec<T, N>>) {
    vec<T, N> r = a;
    if constexpr (sizeof(T) == 4)
      asm("vminps %1, %0, %0" : "+v"(r.v) : "v"(b.v));
    else
      asm("vminpd %1, %0, %0" : "+v"(r.v) : "v"(b.v));
    return r;
  }
#endif
  return select(a < b, a, b);
}
template <class T, int N>
THUNDER_INLINE vec<T, N> larger(const vec<T, N>& a, const vec<T, N>& b) {
#if defined(__AVX__) && !defined(__clang__)
  if constexpr (std::is_floating_point_v<T> && is_register<vec<T, N>>) {
    vec<T, N> r = a;
    if constexpr (sizeof(T) == 4)
      asm("vmaxps %1, %0, %0" : "+v"(r.v) : "v"(b.v));
    else
      asm("vmaxpd %1, %0, %0" : "+v"(r.v) : "v"(b.v));
    return r;
  }
#endif
  return select(a > b, a, b);
}
/// x between low and high; NaN stays NaN.
template <class T, int N>
THUNDER_INLINE vec<T, N> clamp(const vec<T, N>& x, T low, T high) {
  return larger(vec<T, N>(low), smaller(vec<T, N>(high), x));
}
/// The larger and the smaller; NaN if either is NaN.
template <class T, int N>
THUNDER_INLINE vec<T, N> maximum(const vec<T, N>& a, const vec<T, N>& b) {
  if constexpr (std::is_floating_point_v<T>)
    return select(a != a, a, larger(a, b));
  else
    return select(a > b, a, b);
}
template <class T, int N>
THUNDER_INLINE vec<T, N> minimum(const vec<T, N>& a, const vec<T, N>& b) {
  if constexpr (std::is_floating_point_v<T>)
    return select(a != a, a, smaller(a, b));
  else
    return select(a < b, a, b);
}

// ---- rounding, exact: adding 2^23 (2^52) leaves no bits for a fraction
/// To the nearest integer, ties to even.
template <class T, int N>
THUNDER_INLINE vec<T, N> round(const vec<T, N>& x) {
  const vec<T, N> whole(sizeof(T) == 4 ? T(0x1p23) : T(0x1p52)), a = abs(x);
  return select(a < whole, copysign((a + whole) - whole, x), x);
}
template <class T, int N>
THUNDER_INLINE vec<T, N> floor(const vec<T, N>& x) {
  const auto r = round(x);
  return select(r > x, r - vec<T, N>(1), r);
}
template <class T, int N>
THUNDER_INLINE vec<T, N> ceil(const vec<T, N>& x) {
  const auto r = round(x);
  return select(r < x, copysign(r + vec<T, N>(1), x), r);
}
template <class T, int N>
THUNDER_INLINE vec<T, N> trunc(const vec<T, N>& x) {
  const auto a = abs(x), r = round(a);
  return copysign(select(r > a, r - vec<T, N>(1), r), x);
}

// ---- roots
/// Correctly rounded.
template <class T, int N>
THUNDER_INLINE vec<T, N> sqrt(const vec<T, N>& x) {
  // math::sqrt may set errno, which keeps compilers from using the vector instruction.
#if defined(__SSE2__)
  if constexpr (is_register<vec<T, N>>) {
    vec<T, N> r = x;
#if defined(__AVX__)
    if constexpr (sizeof(T) == 4)
      asm("vsqrtps %0, %0" : "+v"(r.v));
    else
      asm("vsqrtpd %0, %0" : "+v"(r.v));
#else
    if constexpr (sizeof(T) == 4)
      asm("sqrtps %0, %0" : "+x"(r.v));
    else
      asm("sqrtpd %0, %0" : "+x"(r.v));
#endif
    return r;
  }
#endif
  return each_lane(x, math::sqrt);
}
/// 1 / sqrt(x): 1.5 ulp.
template <class T, int N>
THUNDER_INLINE vec<T, N> rsqrt(const vec<T, N>& x) {
  return vec<T, N>(1) / sqrt(x);
}

}  // namespace thunder::cpu
