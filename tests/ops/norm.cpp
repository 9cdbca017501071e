// var, var_mean, stddev, layer_norm and rms_norm against their closed forms.
#include "../typed.hpp"

#include <doctest/doctest.h>

using namespace thunder;
using namespace typed_tests;
namespace {

inline constexpr auto B = dim("batch");
constexpr arg<bf16, B, 5, 3> x{};
constexpr arg<float, 3> g{};
static_assert(is<bf16, B, 5, 3>(layer_norm(x, g, g)) && is<bf16, B, 5, 3>(rms_norm(x, g)) && is<bf16, B, 5>(var(x, axis<-1>)) && is<bf16>(var(x)));
static_assert(!std::same_as<decltype(rms_norm(x, g)), decltype(rms_norm(x, g, 1e-6_c))>);

struct moments {
  double mean = 0, variance = 0, square = 0;
  moments(const std::vector<double>& v, std::size_t at, std::size_t n) {
    for (std::size_t k = 0; k < n; ++k) mean += v[at + k] / static_cast<double>(n), square += v[at + k] * v[at + k] / static_cast<double>(n);
    for (std::size_t k = 0; k < n; ++k) variance += (v[at + k] - mean) * (v[at + k] - mean) / static_cast<double>(n);
  }
};

}  // namespace

TEST_CASE("closed forms") {
  const auto v = wave(24, 3), gamma = wave(4, 1, 1), beta = wave(4, 1, 2);
  const std::vector<reference_array> in{array({2, 3, 4}, v), array({4}, gamma), array({4}, beta)};
  using X = arg<double, B, 3, 4>;
  using R = arg<double, 4>;
  std::vector<double> layer, rms, variances;
  for (std::size_t i = 0; i < 24; ++i) {
    const moments m(v, i / 4 * 4, 4);
    layer.push_back((v[i] - m.mean) / std::sqrt(m.variance + 1e-5) * gamma[i % 4] + beta[i % 4]);
    rms.push_back(v[i] / std::sqrt(m.square + 0.5) * gamma[i % 4]);
    if (i % 4 == 0) variances.push_back(m.variance);
  }
  CHECK(near(reals<X, R, R>([](auto a, auto b, auto c) { return layer_norm(a, b, c); }, in), layer));
  const auto both = run<X, R, R>([](auto a, auto, auto) { return var_mean(a, axis<-1>); }, in);
  CHECK(near(both[0].reals, variances));
  CHECK(near(both[1].reals, reals<X, R, R>([](auto a, auto, auto) { return mean(a, axis<-1>); }, in)));
  CHECK(near(reals<X, R, R>([](auto a, auto, auto) { return square(stddev(a, axis<-1>)); }, in), variances));
  CHECK(near(reals<X, R, R>([](auto a, auto b, auto) { return rms_norm(a, b, 0.5_c); }, in), rms));
  CHECK(near(reals<X, R, R>([](auto a, auto, auto) { return var(a, axis<-1>); }, in), variances));
  CHECK(near(reals<X, R, R>([](auto a, auto, auto) { return var(a); }, in), {moments(v, 0, 24).variance}));
}

TEST_CASE("half types are reduced in float") {
  using body = trace_t<decltype([](auto v, auto w) { return layer_norm(v, w, w); }), arg<f16, B, 4>, arg<f16, 4>>::body;
  const graph parts = decompose(body::view, [](const op_info&) { return true; });
  int reductions = 0;
  for (int i = 0; i < parts.nodes.size(); ++i)
    if (parts.nodes[i].op->kind == op_kind::reduction) {
      CHECK(parts.type(parts.nodes[i].result).type == dtype::f32);
      ++reductions;
    }
  CHECK(reductions == 2);
}
