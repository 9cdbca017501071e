#pragma once
/// The functions of core/math.hpp for vec<float, N> and vec<double, N>, found by argument-dependent lookup. Branch-free for
/// floats; right for the whole domain (infinities, NaN, subnormals, overflow). The error bounds in ulp are the largest errors
/// that tests/executors/cpu/math.cpp finds among 2.5e8 floats, with and without fused multiply-add.
///
/// Sources: the reductions are those of Cody and Waite, "Software manual for the elementary functions" (1980); logarithm and
/// erf follow N. Juffa's published minimax approximations; sine and cosine the Cephes library (S. Moshier); exp and log of
/// doubles fdlibm (Sun Microsystems). The coefficients of tanh and exp are our own fits.
#include <cstdint>

#include "../../core/math.hpp"
#include "rounding.hpp"

namespace thunder::cpu {

/// The polynomial in x with these coefficients, highest power first.
template <class V, class... C>
THUNDER_INLINE V polynomial(const V& x, typename V::element first, C... rest) {
  V r(first);
  ((r = r * x + V(rest)), ...);
  return r;
}

// ---- exponentials
/// x = n ln 2 + r, |r| <= ln 2 / 2.
template <int N>
struct reduced_exponent {
  vec<float, N> n, r;
};
template <int N>
THUNDER_INLINE reduced_exponent<N> reduce_exponent(const vec<float, N>& x) {
  using F = vec<float, N>;
  const F magic(0x1.8p23f), n = (x * F(0x1.715476p+0f) + magic) - magic;
  return {n, (x - n * F(0x1.62e400p-1f)) - n * F(0x1.7f7d1cp-20f)};
}
/// 2^n for a whole number -126 <= n <= 127: the sum holds n + 127 in its low bits, which move to the exponent.
template <int N>
THUNDER_INLINE vec<float, N> power_of_two(const vec<float, N>& n) {
  return from_bits(to_bits(n + vec<float, N>(0x1.8p23f + 127)) << 23);
}

/// e^x: 1.5 ulp. The exponent is rounded to an even one, so that its power is the square of one that is in range.
template <int N>
THUNDER_INLINE vec<float, N> exp(const vec<float, N>& given) {
  using F = vec<float, N>;
  const F x = clamp(given, -104.0f, 89.0f), magic(0x1.8p23f), t = x * F(0x1.715476p-1f) + (magic + F(127.0f)),
          n = t - (magic + F(127.0f));                                          // half of the exponent
  const F r = (x - n * F(0x1.62e400p+0f)) - n * F(0x1.7f7d1cp-19f), s = r * r;  // |r| <= ln 2
  const F p =
      (F(0.5f) + F(0.166666700371f) * r) + s * ((F(4.16666700328e-2f) + F(8.33277253825e-3f) * r) +
                                                s * polynomial(r, 2.50343912594e-5f, 2.00742859475e-4f, 1.38883287569e-3f));
  const F half = from_bits(to_bits(t) << 23);
  return ((s * p + r) + F(1.0f)) * half * half;
}
/// e^x - 1: 1.8 ulp.
template <int N>
THUNDER_INLINE vec<float, N> expm1(const vec<float, N>& given) {
  using F = vec<float, N>;
  const auto [n, r] = reduce_exponent(clamp(given, -30.0f, 89.0f));
  const F p = (r * r) * polynomial(r, 1.39261835877e-3f, 8.36317905272e-3f, 4.16665546172e-2f, 0.166665769897f, 0.5f) + r;
  const auto large = n > F(127.0f);
  const F s = power_of_two(smaller(n, F(127.0f))), y = p * s + (s - F(1.0f));
  const F doubled = (p * s + s) + (p * s + s);
  return select(given == F(0.0f), given, select(large, doubled, y));
}

/// 1 / (1 + e^-x): 3.4 ulp where x > -88, and less than 2^-126 below. No square of a power as in exp: where e^-x overflows, the
/// result is 0.
template <int N>
THUNDER_INLINE vec<float, N> sigmoid(const vec<float, N>& given) {
  using F = vec<float, N>;
  const F x = clamp(given, -89.0f, 87.0f), magic(0x1.8p23f + 127), t = magic - x * F(0x1.715476p+0f), n = t - magic;
  const F r = (x + n * F(0x1.62e400p-1f)) + n * F(0x1.7f7d1cp-20f), s = r * r;  // -x = n ln 2 - r
  const F p = (F(1.0f) - r) + s * ((F(0.49999231f) - F(0.16667114f) * r) + s * (F(4.18902e-2f) - F(8.3125159e-3f) * r));
  return F(1.0f) / (F(1.0f) + p * from_bits(to_bits(t) << 23));
}
/// gelu in its tanh form. 2^f rather than e^f, as its argument is a polynomial whose coefficients take the factor. 3.3 ulp where
/// x > -1; further down the rounding of the exponent shows: 15 ulp at -4, 150 at -9.5, and 0 below -10.
template <int N>
THUNDER_INLINE vec<float, N> gelu(const vec<float, N>& x) {
  using F = vec<float, N>;
  const F given = x * (F(-2.30220819f) - F(0.102943242f) * (x * x));  // -2u / ln 2
  const F magic(0x1.8p23f + 127), z = clamp(given, -127.0f, 128.0f), t = z + magic, f = z - (t - magic), s = f * f;
  const F p = (F(1.0f) + F(0.693147004f) * f) +
              s * ((F(0.240222424f) + F(5.55073395e-2f) * f) + s * (F(9.67153441e-3f) + F(1.32647343e-3f) * f));
  return x / (F(1.0f) + p * from_bits(to_bits(t) << 23));
}
/// Hyperbolic tangent: 2.5 ulp. m / (m + y) with y = e^-2|x|, as a power of two, and m = (1 - y) / 2 before the remainder is
/// added.
template <int N>
THUNDER_INLINE vec<float, N> tanh(const vec<float, N>& x) {
  using F = vec<float, N>;
  const F a = smaller(F(10.0f), abs(x)), magic(0x1.8p23f + 127), t = magic - a * F(0x1.715476p+1f), n = t - magic;
  const F r = a + n * F(0x1.62e430p-2f), s = r * r;  // 2a = -n ln 2 + 2r
  const F w = (F(1.0f) + F(0.666663079588f) * r) +
              s * ((F(0.3333324369f) + F(0.13381086484f) * r) + s * F(4.456378747e-2f));  // (e^2r - 1 - 2r) / 2r^2
  const F y = from_bits(to_bits(t) << 23), m = s * w + (r + (F(0.5f) - F(0.5f) * y));
  return copysign(m, x) / (m + y);
}

/// The error function: 1.2 ulp. 1 - exp(-a polynomial) outside of 0.93, x + x times a polynomial inside.
template <int N>
THUNDER_INLINE vec<float, N> erf(const vec<float, N>& x) {
  using F = vec<float, N>;
  const F s = x * x, a = abs(x);
  const F t = smaller(F(4.0f), a);
  const F high = polynomial(t, -1.72853470e-5f, 3.83197126e-4f, -3.88396438e-3f, 2.42546219e-2f, -1.06777877e-1f, -6.34846687e-1f,
                            -1.28717512e-1f);
  const F outer = copysign(F(1.0f) - exp(high * t - t), x);
  const F low = polynomial(s, -5.96761703e-4f, 4.99119423e-3f, -2.67681349e-2f, 1.12819925e-1f, -3.76125336e-1f, 1.28379166e-1f);
  return select(a > F(0.927734375f), outer, low * x + x);
}

// ---- logarithms
/// The natural logarithm: 1 ulp.
template <int N>
THUNDER_INLINE vec<float, N> log(const vec<float, N>& x) {
  using F = vec<float, N>;
  using I = vec<std::int32_t, N>;
  const auto tiny = x < F(0x1p-126f);
  const I b = to_bits(select(tiny, x * F(0x1p23f), x));
  const I e = (b - I(0x3f2aaaab)) & I(-0x800000);  // x = 2^(e / 2^23) (1 + m), |m| <= 1/3
  const F m = from_bits(b - e) - F(1.0f), s = m * m;
  const F i = convert<float>(e) * F(0x1p-23f) - select(tiny, F(23.0f), F(0.0f));
  F r = polynomial(s, -0.130310059f, -0.121483512f, -0.166846126f, -0.249996200f);
  const F t = polynomial(s, 0.140869141f, 0.139814854f, 0.200120345f);
  r = ((t * m + r) * m + F(0.333331972f)) * m + F(-0.5f);
  r = i * F(0x1.62e400p-1f) + (m + (s * r + i * F(0x1.7f7d1cp-20f)));
  const F outside = select(x == F(0.0f), F(-infinity<float>), select(x < F(0.0f), F(not_a_number<float>), x));
  return select((x > F(0.0f)) & (x < F(infinity<float>)), r, outside);
}
/// log(1 + x): 1.5 ulp. That of the rounded sum, and what the rounding lost.
template <int N>
THUNDER_INLINE vec<float, N> log1p(const vec<float, N>& x) {
  using F = vec<float, N>;
  const F u = F(1.0f) + x, lost = (x - (u - F(1.0f))) / u;
  return select(x == F(0.0f), x, log(u) + select(lost == lost, lost, F(0.0f)));
}

// ---- doubles
/// e^x: 1 ulp.
template <int N>
THUNDER_INLINE vec<double, N> exp(const vec<double, N>& given) {
  using D = vec<double, N>;
  using I = vec<std::int64_t, N>;
  const D x = clamp(given, -746.0, 710.0), magic(0x1.8p52), t = x * D(1.44269504088896338700) + magic, n = t - magic;
  const D high = x - n * D(6.93147180369123816490e-01), low = n * D(1.90821492927058770002e-10), r = high - low, s = r * r;
  const D c = r - s * polynomial(s, 4.13813679705723846039e-08, -1.65339022054652515390e-06, 6.61375632143793436117e-05,
                                 -2.77777777770155933842e-03, 1.66666666666666019037e-01);
  const D y = D(1.0) - ((low - (r * c) / (D(2.0) - c)) - high);
  // n / 2 rounded down, kept positive: vectors of 64 bits shift fastest without a sign
  const I k = to_bits(t) - to_bits(magic) + I(2048);
  const I half = bits_as<I>(bits_as<vec<std::uint64_t, N>>(k) >> 1);
  return y * from_bits((half - I(1024 - 1023)) << 52) * from_bits((k - half - I(1024 - 1023)) << 52);
}
/// The natural logarithm: 1 ulp.
template <int N>
THUNDER_INLINE vec<double, N> log(const vec<double, N>& x) {
  using D = vec<double, N>;
  using I = vec<std::int64_t, N>;
  const auto tiny = x < D(0x1p-1022);
  const I b = to_bits(select(tiny, x * D(0x1p52), x)) - I(0x3fe6a09e00000000);  // the exponent's steps lie at sqrt(1/2) 2^k
  const I m = (b & I(0xfffffffffffff)) + I(0x3fe6a09e00000000);
  const I e = bits_as<I>(bits_as<vec<std::uint64_t, N>>(b + I(0x4000000000000000)) >> 52);  // biased by 1024
  const D k = from_bits(e | to_bits(D(0x1p52))) - D(0x1p52 + 1024) - select(tiny, D(52.0), D(0.0));
  const D f = from_bits(m) - D(1.0), s = f / (D(2.0) + f), z = s * s, half = D(0.5) * f * f;
  const D r =
      z * polynomial(z, 1.479819860511658591e-01, 1.531383769920937332e-01, 1.818357216161805012e-01, 2.222219843214978396e-01,
                     2.857142874366239149e-01, 3.999999999940941908e-01, 6.666666666666735130e-01);
  const D y = k * D(6.93147180369123816490e-01) - ((half - (s * (half + r) + k * D(1.90821492927058770002e-10))) - f);
  const D outside = select(x == D(0.0), D(-infinity<double>), select(x < D(0.0), D(not_a_number<double>), x));
  return select((x > D(0.0)) & (x < D(infinity<double>)), y, outside);
}
template <int N>
THUNDER_INLINE vec<double, N> sigmoid(const vec<double, N>& x) {
  using D = vec<double, N>;
  return D(1.0) / (D(1.0) + exp(-x));
}
template <int N>
THUNDER_INLINE vec<double, N> gelu(const vec<double, N>& x) {
  using D = vec<double, N>;
  return x * sigmoid(x * (D(1.5957691216057308) + D(0.07135481627260025) * (x * x)));
}
// The others one lane at a time, with the C library's error.
template <int N>
THUNDER_INLINE vec<double, N> tanh(const vec<double, N>& x) {
  return each_lane(x, math::tanh);
}
template <int N>
THUNDER_INLINE vec<double, N> erf(const vec<double, N>& x) {
  return each_lane(x, math::erf);
}
template <int N>
THUNDER_INLINE vec<double, N> expm1(const vec<double, N>& x) {
  return each_lane(x, math::expm1);
}
template <int N>
THUNDER_INLINE vec<double, N> log1p(const vec<double, N>& x) {
  return each_lane(x, math::log1p);
}
template <int N>
THUNDER_INLINE vec<double, N> sin(const vec<double, N>& x) {
  return each_lane(x, math::sin);
}
template <int N>
THUNDER_INLINE vec<double, N> cos(const vec<double, N>& x) {
  return each_lane(x, math::cos);
}
template <int N>
THUNDER_INLINE vec<double, N> pow(const vec<double, N>& x, const vec<double, N>& y) {
  vec<double, N> r;
  for (int i = 0; i < N; ++i) r.v[i] = math::pow(x.v[i], y.v[i]);
  return r;
}

// ---- floats by way of doubles
/// x^y: correctly rounded but for the rarest cases (0.51 ulp), with the special cases of the C standard.
template <int N>
THUNDER_INLINE vec<float, N> pow(const vec<float, N>& x, const vec<float, N>& y) {
  using F = vec<float, N>;
  const F a = abs(x), inf(infinity<float>);
  F r = convert<float>(exp(convert<double>(y) * log(convert<double>(a))));
  r = select((a == F(1.0f)) & ((abs(y) == inf) | (x == a)), F(1.0f), r);
  const F half = y * F(0.5f);
  const auto negative = to_bits(x) < vec<std::int32_t, N>(0), whole = floor(y) == y,
             odd = whole & (floor(half) != half) & (abs(y) < inf);
  r = select(negative & odd, -r, r);
  r = select((x < F(0.0f)) & (a < inf) & !whole & (y == y), F(not_a_number<float>), r);
  return select(y == F(0.0f), F(1.0f), r);
}

/// Sine (Odd = 0) and cosine (Odd = 1): 1.6 ulp up to 10^6, beyond that the C library's.
template <int Odd, int N>
THUNDER_INLINE vec<float, N> sine(const vec<float, N>& x) {
  using F = vec<float, N>;
  using D = vec<double, N>;
  using I = vec<std::int32_t, N>;
  // The remainder modulo pi/2 in double precision: exact products up to 2^20 quarter turns.
  const D d = convert<double>(x), magic(0x1.8p52), t = d * D(6.36619772367581382433e-01) + magic, n = t - magic;
  const F r = convert<float>((d - n * D(1.57079632673412561417)) - n * D(6.07710050650619224932e-11)), s = r * r;
  const I quarter = convert<std::int32_t>(to_bits(t) - to_bits(magic)) + I(Odd);
  const F sine = r + r * s * polynomial(s, -1.9515295891e-4f, 8.3321608736e-3f, -1.6666654611e-1f);
  const F cosine =
      F(1.0f) - F(0.5f) * s + s * s * polynomial(s, 2.443315711809948e-5f, -1.388731625493765e-3f, 4.166664568298827e-2f);
  const F y = select((quarter & I(1)) == I(0), sine, cosine);
  const F signed_y = from_bits(to_bits(y) ^ ((quarter & I(2)) << 30));
  const auto far = abs(x) > F(1e6f);
  if (any(far)) [[unlikely]]
    return select(far, each_lane(x, [](float z) { return Odd ? math::cos(z) : math::sin(z); }), signed_y);
  return signed_y;
}
template <int N>
THUNDER_INLINE vec<float, N> sin(const vec<float, N>& x) {
  return select(x == vec<float, N>(0.0f), x, sine<0>(x));
}
template <int N>
THUNDER_INLINE vec<float, N> cos(const vec<float, N>& x) {
  return sine<1>(x);
}

}  // namespace thunder::cpu
