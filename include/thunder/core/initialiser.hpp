#pragma once
/// How a parameter starts: a small value that records can hold. There is one vocabulary, namespace `initial`, for code that is traced and
/// for code that runs. What is written with constants is a type that a trace can hold, as in initial::normal(0_c, 0.02_c) (those functions
/// are in ops/initial.hpp, for they need constants); with plain numbers, as in initial::normal(0, 0.02f), it is a value. A type converts to
/// the value.
#include <bit>
#include <cstdint>

namespace thunder {

/// A distribution of initial values, as a value.
struct initialiser {
  enum rule : std::uint8_t {
    zeros, ones, constant, uniform, normal, xavier_uniform, xavier_normal, kaiming_uniform, kaiming_normal, fan_in_uniform,
  };
  rule kind = zeros;
  float a = 0, b = 0;
  constexpr bool operator==(const initialiser&) const = default;
};
/// A distribution of initial values, as a type: a rule and the bits of its two numbers (of fan_in_uniform: of a scale, and the number of
/// inputs as it is).
template <int Rule, std::int64_t A = 0, std::int64_t B = 0> struct initial_c {
  static constexpr initialiser value{static_cast<initialiser::rule>(Rule), static_cast<float>(std::bit_cast<double>(A)),
                                     Rule == initialiser::fan_in_uniform ? 0.0f : static_cast<float>(std::bit_cast<double>(B))};
  constexpr operator initialiser() const { return value; }
};

namespace initial {

inline constexpr std::int64_t bits_of_one = std::bit_cast<std::int64_t>(1.0);
inline constexpr initial_c<initialiser::zeros> zeros{};
inline constexpr initial_c<initialiser::ones> ones{};
/// Every element is `value`.
constexpr initialiser constant(float value) { return {initialiser::constant, value, 0}; }
/// Uniform in [low, high): in [0, 1) if nothing is said.
constexpr initialiser uniform(float low, float high) { return {initialiser::uniform, low, high}; }
constexpr auto uniform() { return initial_c<initialiser::uniform, 0, bits_of_one>{}; }
/// Normal with this mean and standard deviation: 0 and 1 if nothing is said.
constexpr initialiser normal(float mean, float deviation) { return {initialiser::normal, mean, deviation}; }
constexpr auto normal() { return initial_c<initialiser::normal, 0, bits_of_one>{}; }
/// Uniform in +-gain sqrt(6 / (fan_in + fan_out)) (Glorot).
constexpr initialiser xavier_uniform(float gain) { return {initialiser::xavier_uniform, gain, 0}; }
constexpr auto xavier_uniform() { return initial_c<initialiser::xavier_uniform, bits_of_one>{}; }
/// Normal with deviation gain sqrt(2 / (fan_in + fan_out)).
constexpr initialiser xavier_normal(float gain) { return {initialiser::xavier_normal, gain, 0}; }
constexpr auto xavier_normal() { return initial_c<initialiser::xavier_normal, bits_of_one>{}; }
/// Uniform in +-sqrt(6 / ((1 + slope^2) fan_in)), for a (leaky) relu with this negative slope (He).
constexpr initialiser kaiming_uniform(float slope) { return {initialiser::kaiming_uniform, slope, 0}; }
constexpr auto kaiming_uniform() { return initial_c<initialiser::kaiming_uniform>{}; }
/// Normal with deviation sqrt(2 / ((1 + slope^2) fan_in)).
constexpr initialiser kaiming_normal(float slope) { return {initialiser::kaiming_normal, slope, 0}; }
constexpr auto kaiming_normal() { return initial_c<initialiser::kaiming_normal>{}; }
/// Uniform in +-scale / sqrt(fan_in): PyTorch's default for the weight and the bias of a linear layer or a convolution. FanIn: the number
/// of inputs, where the parameter's own shape does not show it (a bias).
constexpr initialiser fan_in_uniform(float scale) { return {initialiser::fan_in_uniform, scale, 0}; }
template <int FanIn = 0> constexpr auto fan_in_uniform() { return initial_c<initialiser::fan_in_uniform, bits_of_one, FanIn>{}; }

}  // namespace initial
}  // namespace thunder
