// softmax, log_softmax, logsumexp against their closed forms.
#include "../typed.hpp"

#include <thunder/transforms/grad.hpp>

#include <doctest/doctest.h>

using namespace thunder;
using namespace typed_tests;
namespace {

inline constexpr auto B = dim("batch");
constexpr arg<bf16, B, 5, 3> x{};
static_assert(is<bf16, B, 5, 3>(softmax(x)) && is<bf16, B, 5, 3>(log_softmax(x, axis<1>)) && is<bf16, B, 5>(logsumexp(x)) && is<bf16, 3>(logsumexp(x, axis<0, 1>)));

/// log(sum(exp(x))) of n elements from `at`, a stride apart.
double log_sum(const std::vector<double>& v, std::size_t at, std::size_t n, std::size_t stride) {
  double s = 0;
  for (std::size_t k = 0; k < n; ++k) s += std::exp(v[at + k * stride]);
  return std::log(s);
}

}  // namespace

TEST_CASE("closed forms, along rows and columns") {
  const auto v = wave(12, 3);
  const std::vector<reference_array> in{array({4, 3}, v)};
  std::vector<double> rows, columns, log_rows, sums;
  for (std::size_t i = 0; i < 12; ++i) {
    rows.push_back(std::exp(v[i] - log_sum(v, i / 3 * 3, 3, 1)));
    log_rows.push_back(v[i] - log_sum(v, i / 3 * 3, 3, 1));
    columns.push_back(std::exp(v[i] - log_sum(v, i % 3, 4, 3)));
  }
  for (std::size_t i = 0; i < 3; ++i) sums.push_back(log_sum(v, i, 4, 3));
  using M = arg<double, B, 3>;
  CHECK(near(reals<M>([](auto m) { return softmax(m); }, in), rows));
  CHECK(near(reals<M>([](auto m) { return softmax(m, axis<0>); }, in), columns));
  CHECK(near(reals<M>([](auto m) { return log_softmax(m); }, in), log_rows));
  CHECK(near(reals<M>([](auto m) { return logsumexp(m, axis<0>); }, in), sums));
  CHECK(near(reals<M>([](auto m) { return sum(softmax(m, axis<0, 1>)); }, in), {1}));
}

TEST_CASE("large inputs do not overflow") {
  const std::vector<reference_array> in{array({3}, {1e5, 1e5 + 1, -1e5})};
  using V = arg<double, 3>;
  const double p = 1 / (1 + std::exp(1));
  CHECK(near(reals<V>([](auto v) { return softmax(v); }, in), {p, 1 - p, 0}, 1e-9));
  CHECK(near(reals<V>([](auto v) { return log_softmax(v); }, in), {std::log(p), std::log(1 - p), -2e5 + std::log(1 - p) - 1}, 1e-9));
  CHECK(near(reals<V>([](auto v) { return logsumexp(v); }, in), {1e5 + std::log(1 + std::exp(1))}));
}

TEST_CASE("infinite rows") {
  constexpr double infinite = std::numeric_limits<double>::infinity();
  const std::vector<reference_array> in{array({4, 2}, {-infinite, -infinite, -infinite, 1, infinite, 0, 1, 1})};
  using M = arg<double, 4, 2>;
  CHECK(reals<M>([](auto m) { return logsumexp(m); }, in) == std::vector<double>{-infinite, 1, infinite, 1 + std::log(2)});
  // a masked row has a gradient, one that is -inf everywhere has none (NaN), and leaves the others alone
  const auto slope = reals<M>(grad([](auto m) { return sum(logsumexp(m)); }), in);
  CHECK(std::isnan(slope[0]));
  CHECK(std::vector<double>(slope.begin() + 2, slope.begin() + 4) == std::vector<double>{0, 1});
  CHECK(std::vector<double>(slope.begin() + 6, slope.end()) == std::vector<double>{0.5, 0.5});
}

TEST_CASE("half types are computed in float, and rounded at the end") {
  const std::vector<reference_array> in{array({4}, {0.5, 1, -2, 0.25}, dtype::bf16)};
  const auto exact = reals<arg<double, 4>>([](auto v) { return softmax(v); }, {array({4}, {0.5, 1, -2, 0.25})});
  const auto half = reals<arg<bf16, 4>>([](auto v) { return softmax(v); }, in);
  for (std::size_t i = 0; i < 4; ++i) CHECK(half[i] == rounded_to(dtype::bf16, exact[i]));
  using body = trace_t<decltype([](auto v) { return softmax(v); }), arg<bf16, 4>>::body;
  const graph parts = decompose(body::view, [](const op_info&) { return true; });
  for (int i = 0; i < parts.nodes.size(); ++i)
    if (parts.nodes[i].op->kind == op_kind::reduction) CHECK(parts.type(parts.nodes[i].result).type == dtype::f32);
}
