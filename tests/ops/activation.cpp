// gelu, silu and softplus against their closed forms.
#include "../typed.hpp"

#include <thunder/transforms/grad.hpp>

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

TEST_CASE("swiglu and its gradients") {
  static_assert(is<bf16, B, 3>(swiglu(x, x)));
  using P = arg<double, 2, 3>;
  const std::vector<reference_array> in{array({2, 3}, wave(6, 3)), array({2, 3}, wave(6, 2, 1))};
  std::vector<double> expected;
  for (std::size_t i = 0; i < 6; ++i) expected.push_back(in[0].reals[i] / (1 + std::exp(-in[0].reals[i])) * in[1].reals[i]);
  CHECK(near(reals<P, P>([](auto a, auto b) { return swiglu(a, b); }, in), expected, 1e-14));
  constexpr auto f = [](auto a, auto b) { return sum(sin(swiglu(a, b))); };
  const auto g = run<P, P>(grad(f, wrt<0, 1>), in);
  for (std::size_t i = 0; i < 2; ++i) CHECK(near(g[i].reals, differences<P, P>(f, in, i), 1e-8));
}
