#pragma once
/// The number that kernels compute floating-point statements with: a float whose functions are the machine's. `evaluate` of the ops
/// finds them by argument-dependent lookup, as it finds those of the CPU's vectors.
#include <cstdint>

#include "portable.hpp"

namespace thunder::cuda {

/// Machine: gpu, or emulated. Fast: the result is rounded to 16 bits anyway, so functions need no more than 11 bits.
template <class Machine, bool Fast> struct real {
  float v;
  real() = default;
  THUNDER_ANYWHERE constexpr real(float x) : v(x) {}
  THUNDER_ANYWHERE constexpr explicit real(double x) : v(static_cast<float>(x)) {}
  THUNDER_ANYWHERE constexpr explicit real(int x) : v(static_cast<float>(x)) {}

  THUNDER_ANYWHERE friend constexpr real operator+(real a, real b) { return a.v + b.v; }
  THUNDER_ANYWHERE friend constexpr real operator-(real a, real b) { return a.v - b.v; }
  THUNDER_ANYWHERE friend constexpr real operator*(real a, real b) { return a.v * b.v; }
  THUNDER_ANYWHERE friend constexpr real operator-(real a) { return -a.v; }
  THUNDER_ANYWHERE friend constexpr bool operator==(real a, real b) { return a.v == b.v; }
  THUNDER_ANYWHERE friend constexpr bool operator!=(real a, real b) { return a.v != b.v; }
  THUNDER_ANYWHERE friend constexpr bool operator<(real a, real b) { return a.v < b.v; }
  THUNDER_ANYWHERE friend constexpr bool operator<=(real a, real b) { return a.v <= b.v; }
  THUNDER_ANYWHERE friend constexpr bool operator>(real a, real b) { return a.v > b.v; }
  THUNDER_ANYWHERE friend constexpr bool operator>=(real a, real b) { return a.v >= b.v; }

  THUNDER_DEVICE friend real operator/(real a, real b) { return Machine::template divide<Fast>(a.v, b.v); }
  THUNDER_DEVICE friend real exp(real x) { return Machine::template exp<Fast>(x.v); }
  THUNDER_DEVICE friend real tanh(real x) { return Machine::template tanh<Fast>(x.v); }
  THUNDER_DEVICE friend real log(real x) { return Machine::log(x.v); }
  THUNDER_DEVICE friend real rsqrt(real x) { return Machine::template rsqrt<Fast>(x.v); }
  THUNDER_DEVICE friend real sigmoid(real x) {  // (half of tanh plus a half would lose the small results)
    return Machine::template divide<Fast>(1.0f, 1.0f + Machine::template exp<Fast>(-x.v));
  }
  THUNDER_DEVICE friend real gelu(real x) { return x * sigmoid(x * (real(1.5957691216057308f) + real(0.07135481627260025f) * (x * x))); }
  THUNDER_DEVICE friend real sqrt(real x) { return Machine::sqrt(x.v); }
  THUNDER_DEVICE friend real erf(real x) { return Machine::erf(x.v); }
  THUNDER_DEVICE friend real expm1(real x) { return Machine::expm1(x.v); }
  THUNDER_DEVICE friend real log1p(real x) { return Machine::log1p(x.v); }
  THUNDER_DEVICE friend real sin(real x) { return Machine::sin(x.v); }
  THUNDER_DEVICE friend real cos(real x) { return Machine::cos(x.v); }
  THUNDER_DEVICE friend real pow(real a, real b) { return Machine::pow(a.v, b.v); }
  THUNDER_DEVICE friend real floor(real x) { return Machine::floor(x.v); }
  THUNDER_DEVICE friend real ceil(real x) { return Machine::ceil(x.v); }
  THUNDER_DEVICE friend real trunc(real x) { return Machine::trunc(x.v); }
  THUNDER_DEVICE friend real round(real x) { return Machine::round(x.v); }
  THUNDER_DEVICE friend real abs(real x) { return Machine::abs(x.v); }
  THUNDER_DEVICE friend real maximum(real a, real b) { return Machine::maximum(a.v, b.v); }
  THUNDER_DEVICE friend real minimum(real a, real b) { return Machine::minimum(a.v, b.v); }
  THUNDER_ANYWHERE friend constexpr real select(bool c, real a, real b) { return c ? a.v : b.v; }
};

}  // namespace thunder::cuda
