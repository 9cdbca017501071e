// Transformer blocks in mixed precision: training as in float, by the reference executor, which rounds where the trace casts; a compiled
// block beside it.
#include "../jit/compare.hpp"

#include <doctest/doctest.h>

using namespace thunder;
using namespace jit_tests;

namespace {

constexpr nn::transformer_options small{.heads = 2, .layers = 2, .expansion = 2};
constexpr int vocabulary = 12, width = 16, length = 8;

inline constexpr auto text_loss = [](auto tokens, auto next) {
  const auto x = repeat<2, "h">(nn::transformer_block<small>{}, nn::embedding<"wte", vocabulary, width>(tokens));
  return cross_entropy(nn::linear<"head", vocabulary>(nn::layer_norm<"norm">(x)), next);
};
template <class Loss> struct text_step {
  Loss loss;
  constexpr auto operator()(auto tokens, auto next, auto rate) const {
    auto [value, gradients] = value_and_grad(loss, wrt_parameters)(tokens, next);
    return std::pair{value, update(optim::sgd(gradients, rate))};
  }
};
using tokens_type = tensor<std::int32_t, 4, length>;

/// Losses of a training run, step by step.
template <class Loss> std::vector<double> train(Loss, const state& initial, const tokens_type& tokens, const tokens_type& next, int steps) {
  using T = trace_t<text_step<Loss>, argument_of<tokens_type>::expression, argument_of<tokens_type>::expression, argument_of<float>::expression>;
  auto values = leaves(initial);
  for (const auto& [name, value] : leaves(initial)) {
    auto& v = values["sgd.v." + name] = value;
    for (double& x : v.reals) x = 0;
  }
  std::vector<double> losses;
  for (int i = 0; i < steps; ++i) {
    const auto results = interpret(T::body::view, leaves(tokens, next, 0.2f), values);
    losses.push_back(results[0].reals[0]);
    for (std::size_t k = 1; k < results.size(); ++k)
      for (auto& [name, value] : values)
        if (name_hash(name.c_str()) == names_in<typename T::result>::list.of[k]) {
          CHECK(results[k].type == dtype::f32);
          value = results[k];
        }
  }
  return losses;
}

}  // namespace

TEST_CASE("two layers train as in float") {
  tokens_type tokens, next;
  for (int b = 0; b < 4; ++b)
    for (int t = 0; t < length; ++t) tokens(b, t) = (b * 3 + t * (b + 1)) % vocabulary, next(b, t) = (b * 3 + (t + 1) * (b + 1)) % vocabulary;
  const state initial = init(jit(text_loss), 1, tokens, next);
  const auto exact = train(text_loss, initial, tokens, next, 50), got = train(autocast<bf16>(text_loss), initial, tokens, next, 50);
  CHECK(got[0] != exact[0]);
  for (std::size_t i = 0; i < exact.size(); ++i) {
    INFO(i);
    CHECK(std::abs(got[i] - exact[i]) < 0.03 * exact[0]);
  }
  CHECK(got.back() < 0.5 * got[0]);
}

TEST_CASE("a compiled block computes what its trace says") {
  constexpr auto block = autocast<bf16>([](auto x) { return nn::transformer_block<small>{}(x); });
  const auto x = wave<float, 2, length, width>(0.5);
  auto program = jit(block);
  const state s = init(program, 3, x);
  const auto lowered = program.lower(x);
  int products = 0, moved = 0;
  for (int i = 0; i < lowered.graph.node_count; ++i) {
    const node& n = lowered.graph.nodes[i];
    products += n.op->kind == op_kind::contraction && lowered.graph.type(lowered.graph.operand(n, 0)).type == dtype::bf16;
    moved += n.op->id == table_of<ops::transpose>()->id && lowered.graph.type(n.result).type == dtype::bf16;
  }
  CHECK(products == 8);
  CHECK(moved == 4);
  CHECK(difference(leaves(program(s, x)), meaning(block, s, x)) < 0x1p-8);
}
