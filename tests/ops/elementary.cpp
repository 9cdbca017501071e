// Elementary functions: types and values against the standard library.
#include "../typed.hpp"

#include <doctest/doctest.h>

using namespace thunder;
using namespace typed_tests;
namespace {

inline constexpr auto B = dim("batch");
constexpr arg<f16, B> h{};
constexpr arg<float, B, 2> x{};
static_assert(is<f16, B>(exp(h)) && is<float, B, 2>(tanh(x)) && is<float, B, 2>(relu(x)) && is<float, B, 2>(pow(x, 2_c)) && is<float, B, 2>(square(x)));
static_assert(is<std::int32_t, 3>(stop_gradient(arg<std::int32_t, 3>{})));

const std::vector<double> points{-2.5, -1, -0.5, 0, 0.5, 1.5, 2};
const std::vector<double> positive{0.1, 0.5, 1, 2, 7, 30, 1e6};
using V = arg<double, 7>;
template <class F, class G> bool equal(F f, G g, const std::vector<double>& at) {
  std::vector<double> expected;
  for (double v : at) expected.push_back(g(v));
  return near(reals<V>(f, {array({7}, at)}), expected, 1e-15);
}

}  // namespace

TEST_CASE("elementary functions") {
  CHECK(equal([](auto v) { return exp(v); }, [](double v) { return std::exp(v); }, points));
  CHECK(equal([](auto v) { return expm1(v); }, [](double v) { return std::expm1(v); }, points));
  CHECK(equal([](auto v) { return sin(v); }, [](double v) { return std::sin(v); }, points));
  CHECK(equal([](auto v) { return cos(v); }, [](double v) { return std::cos(v); }, points));
  CHECK(equal([](auto v) { return tanh(v); }, [](double v) { return std::tanh(v); }, points));
  CHECK(equal([](auto v) { return erf(v); }, [](double v) { return std::erf(v); }, points));
  CHECK(equal([](auto v) { return sigmoid(v); }, [](double v) { return 1 / (1 + std::exp(-v)); }, points));
  CHECK(equal([](auto v) { return relu(v); }, [](double v) { return v > 0 ? v : 0; }, points));
  CHECK(equal([](auto v) { return log(v); }, [](double v) { return std::log(v); }, positive));
  CHECK(equal([](auto v) { return log1p(v); }, [](double v) { return std::log1p(v); }, positive));
  CHECK(equal([](auto v) { return sqrt(v); }, [](double v) { return std::sqrt(v); }, positive));
  CHECK(equal([](auto v) { return rsqrt(v); }, [](double v) { return 1 / std::sqrt(v); }, positive));
  CHECK(equal([](auto v) { return pow(v, 1.5_c); }, [](double v) { return std::pow(v, 1.5); }, positive));
}

TEST_CASE("rounding") {
  CHECK(equal([](auto v) { return floor(v); }, [](double v) { return std::floor(v); }, points));
  CHECK(equal([](auto v) { return ceil(v); }, [](double v) { return std::ceil(v); }, points));
  CHECK(equal([](auto v) { return trunc(v); }, [](double v) { return std::trunc(v); }, points));
  CHECK(reals<V>([](auto v) { return round(v); }, {array({7}, points)}) == std::vector<double>{-2, -1, 0, 0, 0, 2, 2});
}
