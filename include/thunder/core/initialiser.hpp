#pragma once
/// How a parameter starts: a small value that records can hold.
#include <cstdint>

namespace thunder {

/// A distribution of initial values. Written with the functions of namespace initialisers: initialisers::normal(0, 0.02f).
struct initialiser {
  enum rule : std::uint8_t {
    zeros, ones, constant, uniform, normal, xavier_uniform, xavier_normal, kaiming_uniform, kaiming_normal, fan_in_uniform,
  };
  rule kind = zeros;
  float a = 0, b = 0;
  constexpr bool operator==(const initialiser&) const = default;
};

namespace initialisers {

inline constexpr initialiser zeros{initialiser::zeros, 0, 0};
inline constexpr initialiser ones{initialiser::ones, 0, 0};
/// Every element is `value`.
constexpr initialiser constant(float value) { return {initialiser::constant, value, 0}; }
/// Uniform in [low, high).
constexpr initialiser uniform(float low = 0, float high = 1) { return {initialiser::uniform, low, high}; }
/// Normal with this mean and standard deviation.
constexpr initialiser normal(float mean = 0, float deviation = 1) { return {initialiser::normal, mean, deviation}; }
/// Uniform in +-gain sqrt(6 / (fan_in + fan_out)) (Glorot).
constexpr initialiser xavier_uniform(float gain = 1) { return {initialiser::xavier_uniform, gain, 0}; }
/// Normal with deviation gain sqrt(2 / (fan_in + fan_out)).
constexpr initialiser xavier_normal(float gain = 1) { return {initialiser::xavier_normal, gain, 0}; }
/// Uniform in +-sqrt(6 / ((1 + slope^2) fan_in)), for a (leaky) relu with this negative slope (He).
constexpr initialiser kaiming_uniform(float slope = 0) { return {initialiser::kaiming_uniform, slope, 0}; }
/// Normal with deviation sqrt(2 / ((1 + slope^2) fan_in)).
constexpr initialiser kaiming_normal(float slope = 0) { return {initialiser::kaiming_normal, slope, 0}; }
/// Uniform in +-scale / sqrt(fan_in): PyTorch's default for the weight and the bias of a linear layer or a convolution.
constexpr initialiser fan_in_uniform(float scale = 1) { return {initialiser::fan_in_uniform, scale, 0}; }

}  // namespace initialisers
}  // namespace thunder
