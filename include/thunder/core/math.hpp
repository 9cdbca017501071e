#pragma once
/// The functions that `evaluate` of the pointwise ops is written with (constexpr, so that nvcc compiles them for the GPU, too). Each is an object that calls the overload for its argument:
/// one for float and double, an executor's own for its vector type (found by argument-dependent lookup). These
/// and the ops take references: how g++ passes vectors wider than a register has changed, which it would say.
/// The compilers' builtins are what the functions of <cmath> call; the header itself takes g++ 0.15 s, for functions that nobody here needs.
#include <type_traits>

namespace thunder::math {

namespace scalar {
#define THUNDER_SCALAR(name)                                                     \
  template <class T> constexpr T name(T x) {                                     \
    if constexpr (std::is_same_v<T, float>) return __builtin_##name##f(x);       \
    else return __builtin_##name(x);                                             \
  }
THUNDER_SCALAR(ceil)
THUNDER_SCALAR(cos)
THUNDER_SCALAR(erf)
THUNDER_SCALAR(exp)
THUNDER_SCALAR(expm1)
THUNDER_SCALAR(floor)
THUNDER_SCALAR(log)
THUNDER_SCALAR(log1p)
THUNDER_SCALAR(nearbyint)
THUNDER_SCALAR(sin)
THUNDER_SCALAR(sqrt)
THUNDER_SCALAR(tanh)
THUNDER_SCALAR(trunc)
#undef THUNDER_SCALAR
template <class T> constexpr T pow(T x, T y) {
  if constexpr (std::is_same_v<T, float>) return __builtin_powf(x, y);
  else return __builtin_pow(x, y);
}
template <class T> constexpr T abs(T x) {
  if constexpr (std::is_integral_v<T>) return x < 0 ? -x : x;
  else if constexpr (std::is_same_v<T, float>) return __builtin_fabsf(x);
  else return __builtin_fabs(x);
}
template <class T> constexpr T rsqrt(T x) { return T(1) / sqrt(x); }
template <class T> constexpr T sigmoid(T x) { return T(1) / (T(1) + exp(-x)); }
/// x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3))
template <class T> constexpr T gelu(T x) { return x * sigmoid(x * (T(1.5957691216057308) + T(0.07135481627260025) * (x * x))); }
/// To the nearest integer, ties to even.
template <class T> constexpr T round(T x) { return nearbyint(x); }
template <class T> constexpr T select(bool c, T a, T b) { return c ? a : b; }
template <class T> constexpr T maximum(T a, T b) { return a != a ? a : b != b ? b : a > b ? a : b; }
template <class T> constexpr T minimum(T a, T b) { return a != a ? a : b != b ? b : a < b ? a : b; }
}  // namespace scalar

#define THUNDER_MATH(name)                                       \
  inline constexpr struct {                                      \
    template <class... T>                                        \
    [[gnu::always_inline]] constexpr auto operator()(const T&... x) const { \
      using scalar::name;                                        \
      return name(x...);                                         \
    }                                                            \
  } name{};
THUNDER_MATH(abs)
THUNDER_MATH(ceil)
THUNDER_MATH(cos)
THUNDER_MATH(erf)
THUNDER_MATH(exp)
THUNDER_MATH(expm1)
THUNDER_MATH(floor)
THUNDER_MATH(log)
THUNDER_MATH(log1p)
THUNDER_MATH(pow)
THUNDER_MATH(sin)
THUNDER_MATH(sqrt)
THUNDER_MATH(tanh)
THUNDER_MATH(trunc)
THUNDER_MATH(rsqrt)
THUNDER_MATH(sigmoid)
THUNDER_MATH(gelu)
THUNDER_MATH(round)
THUNDER_MATH(select)
THUNDER_MATH(maximum)
THUNDER_MATH(minimum)
#undef THUNDER_MATH

}  // namespace thunder::math
