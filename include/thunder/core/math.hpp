#pragma once
/// The scalar functions that `evaluate` of the pointwise ops is written with, for float and double. An executor's vector type
/// brings overloads of the same names, found by argument-dependent lookup.
#include <cmath>
#include <cstdint>

namespace thunder::math {

using std::abs, std::ceil, std::cos, std::erf, std::exp, std::expm1, std::floor, std::log, std::log1p, std::pow, std::sin, std::sqrt, std::tanh, std::trunc;

template <class T> T rsqrt(T x) { return T(1) / std::sqrt(x); }
/// To the nearest integer, ties to even.
template <class T> T round(T x) { return std::nearbyint(x); }
/// c ? a : b, both evaluated.
template <class T> constexpr T select(bool c, T a, T b) { return c ? a : b; }
/// The larger; NaN if either is NaN (like IEEE 754-2019 maximum, and JAX and PyTorch).
template <class T> constexpr T maximum(T a, T b) { return a != a ? a : b != b ? b : a > b ? a : b; }
template <class T> constexpr T minimum(T a, T b) { return a != a ? a : b != b ? b : a < b ? a : b; }

}  // namespace thunder::math
