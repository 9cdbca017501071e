// 16-bit floats: every bit pattern there and back, and every rounding against the two neighbours.
#include <thunder/core/half.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>
#include <limits>

using namespace thunder;

namespace {

template <class H> H of_bits(std::uint32_t bits) {
  H h;
  h.bits = static_cast<std::uint16_t>(bits);
  return h;
}
template <class H> void check_patterns() {
  int wrong = 0;
  for (std::uint32_t k = 0; k < 65536; ++k) {
    const H h = of_bits<H>(k);
    const float x = h;
    if (std::isnan(x)) wrong += !std::isnan(static_cast<float>(H(x)));
    else wrong += H(x).bits != k;
  }
  CHECK(wrong == 0);
}
/// Between each two neighbours: a little below and above the middle, and the middle itself, which goes to the even one.
template <class H> void check_rounding(std::uint32_t infinity) {
  int wrong = 0;
  for (std::uint32_t k = 0; k + 1 < infinity; ++k) {
    const float low = of_bits<H>(k), high = of_bits<H>(k + 1);
    const float middle = low + (high - low) / 2;  // exact: float has more than one bit more
    const std::uint32_t even = k % 2 == 0 ? k : k + 1;
    for (const float sign : {1.f, -1.f}) {
      const std::uint32_t minus = sign < 0 ? 0x8000u : 0u;
      wrong += H(sign * middle).bits != (even | minus);
      wrong += H(sign * std::nextafter(middle, high)).bits != ((k + 1) | minus);
      wrong += H(sign * std::nextafter(middle, low)).bits != (k | minus);
    }
  }
  CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("every bit pattern comes back") {
  check_patterns<bf16>();
  check_patterns<f16>();
}
TEST_CASE("a store rounds to nearest, ties to even") {
  check_rounding<bf16>(0x7f80);
  check_rounding<f16>(0x7c00);
}
TEST_CASE("what is too large is infinite") {
  CHECK(f16(65519.f).bits == 0x7bff);
  CHECK(f16(65520.f).bits == 0x7c00);
  CHECK(f16(-1e30f).bits == 0xfc00);
  CHECK(bf16(std::numeric_limits<float>::max()).bits == 0x7f80);
  CHECK(std::isnan(static_cast<float>(bf16(std::numeric_limits<float>::signaling_NaN()))));
}
