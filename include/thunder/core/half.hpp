#pragma once
/// 16-bit floating-point types as bits, constexpr with every compiler. They are storage types: arithmetic happens
/// in float, and a store rounds to nearest, ties to even.
#include <bit>
#include <cstdint>

namespace thunder {

/// bfloat16: the upper half of a float (8 exponent bits, 7 stored mantissa bits).
struct bf16 {
  std::uint16_t bits = 0;
  constexpr bf16() = default;
  constexpr explicit bf16(float x) {
    const auto u = std::bit_cast<std::uint32_t>(x);
    const bool nan = (u & 0x7fffffffu) > 0x7f800000u;
    bits = static_cast<std::uint16_t>(nan ? (u >> 16) | 0x40u : (u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
  }
  constexpr operator float() const { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }
};

/// IEEE 754 binary16 (5 exponent bits, 10 stored mantissa bits), subnormals included.
struct f16 {
  std::uint16_t bits = 0;
  constexpr f16() = default;
  constexpr explicit f16(float x) {
    const auto u = std::bit_cast<std::uint32_t>(x);
    const std::uint32_t sign = (u >> 16) & 0x8000u, a = u & 0x7fffffffu;
    std::uint32_t h = 0;
    if (a > 0x7f800000u) h = 0x7e00u;                                       // NaN
    else if (a >= 0x477ff000u) h = 0x7c00u;                                 // rounds to infinity
    else if (a >= 0x38800000u) h = (a - 0x38000000u + 0xfffu + ((a >> 13) & 1u)) >> 13;  // normal
    else if (a >= 0x33000000u) {                                            // subnormal: shift the full mantissa
      const std::uint32_t m = (a & 0x7fffffu) | 0x800000u, s = 126u - (a >> 23);
      const std::uint32_t half = 1u << (s - 1);
      h = (m + half - 1u + ((m >> s) & 1u)) >> s;
    }
    bits = static_cast<std::uint16_t>(sign | h);
  }
  constexpr operator float() const {
    const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16, e = (bits >> 10) & 31u, m = bits & 0x3ffu;
    if (e == 31) return std::bit_cast<float>(sign | 0x7f800000u | (m << 13));
    if (e != 0) return std::bit_cast<float>(sign | ((e + 112u) << 23) | (m << 13));
    const float value = static_cast<float>(m) * 0x1p-24f;
    return sign ? -value : value;
  }
};

}  // namespace thunder
