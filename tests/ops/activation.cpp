// gelu, silu and softplus against their closed forms.
#include "../typed.hpp"

#include <doctest/doctest.h>

using namespace thunder;
using namespace typed_tests;
namespace {

inline constexpr auto B = dim("batch");
constexpr arg<bf16, B, 3> x{};
static_assert(is<bf16, B, 3>(gelu(x)) && is<bf16, B, 3>(gelu_exact(x)) && is<bf16, B, 3>(silu(x)) && is<bf16, B, 3>(softplus(x)));

const std::vector<double> points{-800, -5, -1, -0.1, 0, 0.3, 2, 6, 800};
using V = arg<double, 9>;
template <class F, class G> bool equal(F f, G g) {
  std::vector<double> expected;
  for (double v : points) expected.push_back(g(v));
  return near(reals<V>(f, {array({9}, points)}), expected, 1e-14);
}

}  // namespace

TEST_CASE("closed forms") {
  CHECK(equal([](auto v) { return gelu(v); }, [](double v) { return 0.5 * v * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (v + 0.044715 * v * v * v))); }));
  CHECK(equal([](auto v) { return gelu_exact(v); }, [](double v) { return 0.5 * v * (1 + std::erf(v / std::sqrt(2.0))); }));
  CHECK(equal([](auto v) { return silu(v); }, [](double v) { return v / (1 + std::exp(-v)); }));
  CHECK(equal([](auto v) { return softplus(v); }, [](double v) { return v > 30 ? v : std::log1p(std::exp(v)); }));
}
