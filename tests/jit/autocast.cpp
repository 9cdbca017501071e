// Mixed precision on the CPU: a training step under autocast beside the same step in float.
#include "compare.hpp"

#include <doctest/doctest.h>

using namespace thunder;
using namespace jit_tests;

namespace {

inline constexpr auto B = dim("batch");

inline constexpr auto network = [](auto x) { return nn::linear<"out", 4>(relu(nn::linear<"hidden", 32>(x))); };
inline constexpr auto loss = [](auto x, auto y) { return cross_entropy(network(x), y); };
/// One step of SGD; Step makes {loss, gradients}.
template <class Step> struct training {
  Step step;
  constexpr auto operator()(auto x, auto y, auto rate) const {
    auto [value, gradients] = step(x, y);
    return std::pair{value, update(optim::sgd(gradients, rate))};
  }
};
inline constexpr training in_float{value_and_grad(loss, wrt_parameters)};
inline constexpr training in_bf16{value_and_grad(autocast<bf16>(loss), wrt_parameters)};
/// f16 ends at 6e-8: gradients are scaled up on the way back, and down as floats.
inline constexpr auto scaled_f16 = [](auto x, auto y) {
  auto [value, gradients] = value_and_grad(autocast<f16>([](auto a, auto b) { return loss(a, b) * 1024_c; }), wrt_parameters)(x, y);
  return std::pair{value * (1_c / 1024_c), optim::scaled(1_c / 1024_c, gradients)};
};

/// Products whose operands are bf16, and how many there are.
template <class P> std::pair<int, int> half_products(const P&) {
  const graph_view& g = P::graph;
  int half = 0, all = 0;
  for (int i = 0; i < g.node_count; ++i) {
    const node& n = g.nodes[i];
    if (n.op->kind == op_kind::contraction) ++all, half += g.type(g.operand(n, 0)).type == dtype::bf16 && g.type(g.operand(n, 1)).type == dtype::bf16;
  }
  return {half, all};
}

/// Four classes of noisy points around the axes.
template <class Images, class Labels> void fill(Images& x, Labels& y, int n) {
  for (int i = 0; i < n; ++i) {
    y(i) = i % 4;
    for (int k = 0; k < 8; ++k)
      x(i, k) = static_cast<float>(random_word(std::int64_t{i}, std::int64_t{k}) >> 8) * 0x1p-23f - 1 + (k % 4 == i % 4 ? 1.5f : 0);
  }
}

}  // namespace

TEST_CASE("parameters, gradients and moments are floats") {
  auto program = jit(in_bf16);
  const state s = init(program, 1, spec<float, B, 8>(), spec<std::int32_t, B>(), 0.1f);
  for (const auto& [name, x] : s) {
    INFO(name);
    CHECK(x.dtype() == dtype::f32);
  }
  CHECK(half_products(program.lower(spec<float, B, 8>(), spec<std::int32_t, B>(), 0.1f)) == std::pair{5, 5});
  auto around = jit(autocast<bf16>(in_float));  // the whole step
  CHECK(half_products(around.lower(spec<float, B, 8>(), spec<std::int32_t, B>(), 0.1f)) == std::pair{5, 5});
}

TEST_CASE("a network trains as in float") {
  auto x = tensor<float, B, 8>::full(0, 64);
  auto y = tensor<std::int32_t, B>::full(0, 64);
  fill(x, y, 64);
  auto plain = jit(in_float);
  auto mixed = jit(in_bf16);
  auto scaled = jit(training<decltype(scaled_f16)>{});
  state a = init(plain, 1, x, y, 0.02f), b = init(mixed, 1, x, y, 0.02f), c = init(scaled, 1, x, y, 0.02f);
  float first = 0, last = 0;
  for (int i = 0; i < 100; ++i) {
    const float expected = plain(a, x, y, 0.02f).first.item(), got = mixed(b, x, y, 0.02f).first.item(), half = scaled(c, x, y, 0.02f).first.item();
    if (i == 0) {
      first = got;
      CHECK(got != expected);  // it does round
      CHECK(got == doctest::Approx(expected).epsilon(4 * 0x1p-8));
      CHECK(half == doctest::Approx(expected).epsilon(4 * 0x1p-11));
    }
    CHECK(std::abs(got - expected) < 0.02f * first);
    CHECK(std::abs(half - expected) < 0.005f * first);
    last = got;
  }
  CHECK(last < 0.1f * first);
}
