// rope against its definition, and its gradient.
#include "../typed.hpp"

#include <thunder/transforms/grad.hpp>

#include <doctest/doctest.h>

using namespace thunder;
using namespace typed_tests;
namespace {

inline constexpr auto B = dim("batch"), T = dim("time");
static_assert(is<bf16, B, 4, T, 6>(rope(arg<bf16, B, 4, T, 6>{})) && is<float, B, T, 2>(rope(arg<float, B, T, 2>{}, arg<std::int64_t, B, 1>{})));
static_assert(is<float, 4>(rope(arg<float, 4>{}, arg<std::int32_t>{})));

/// Rows of 4 numbers at their positions.
std::vector<double> turned(const std::vector<double>& x, bool halves, double base, std::vector<int> positions) {
  std::vector<double> y(x.size());
  for (std::size_t row = 0; row < x.size() / 4; ++row)
    for (std::size_t i = 0; i < 2; ++i) {
      const std::size_t a = 4 * row + (halves ? i : 2 * i), b = a + (halves ? 2 : 1);
      const double angle = positions[row % positions.size()] * std::pow(base, -static_cast<double>(i) / 2);
      y[a] = x[a] * std::cos(angle) - x[b] * std::sin(angle);
      y[b] = x[b] * std::cos(angle) + x[a] * std::sin(angle);
    }
  return y;
}
using X = arg<double, B, 3, 4>;
constexpr rope_options interleaved{.style = rope_style::interleaved, .base = 100.0};

}  // namespace

TEST_CASE("both conventions, positions given or counted") {
  const std::vector<reference_array> in{array({2, 3, 4}, wave(24))};
  CHECK(near(reals<X>([](auto x) { return rope(x); }, in), turned(wave(24), true, 10000, {0, 1, 2})));
  CHECK(near(reals<X>([](auto x) { return rope<interleaved>(x); }, in), turned(wave(24), false, 100, {0, 1, 2})));
  const std::vector<reference_array> at{array({2, 3, 4}, wave(24)), whole({2, 1}, {7, -2})};
  CHECK(near(reals<X, arg<std::int64_t, B, 1>>([](auto x, auto p) { return rope(x, p); }, at), turned(wave(24), true, 10000, {7, 7, 7, -2, -2, -2})));
}

TEST_CASE("the gradient turns back") {
  static constexpr auto f = [](auto x) { return sum(sin(rope(x)) + sin(2_c * rope<interleaved>(x))); };
  const std::vector<reference_array> in{array({2, 3, 4}, wave(24))};
  CHECK(near(reals<X>(grad(f), in), differences<X>(f, in, 0), 1e-8));
  constexpr auto second = [](auto x) { return sum(square(grad(f)(x))); };
  CHECK(near(reals<X>(grad(second), in), differences<X>(second, in, 0), 1e-7));
}
