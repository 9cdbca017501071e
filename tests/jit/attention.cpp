// Attention and rope as compiled programs, against the reference executor; a cache that a program updates in place.
#include "compare.hpp"

#include <doctest/doctest.h>

using namespace thunder;
using namespace jit_tests;

namespace {

inline constexpr auto B = dim("batch"), T = dim("time");
constexpr auto causal = [](auto a, auto b, auto c) { return scaled_dot_product_attention<attention_options{.causal = true}>(a, b, c); };
constexpr auto turned = [](auto q, auto k) {
  const auto position = unsqueeze(iota<std::int32_t, 17>(axis<0>), axis<1>);
  return std::tuple{rope(q, position), rope(k, position)};
};
/// How many updates of a slice write where they read.
template <class P> int updates_in_place(const P&) {
  int n = 0;
  const auto& plan = P::plan::data;
  for (int k = 0; k < plan.size.steps; ++k) {
    const step_info& s = plan.steps[k];
    if (s.op && s.op->id == table_of<ops::dynamic_update_slice>()->id) n += plan.operands[s.input].slot == plan.operands[s.output].slot;
  }
  return n;
}
constexpr auto loss = [](auto a, auto b, auto c) { return mean(square(causal(a, b, c))); };

}  // namespace

TEST_CASE("attention over named dimensions, and its gradient") {
  const auto q = wave<float, B, 4, T, 8>(0.1, 2, 19);
  const auto k = wave<float, B, 2, T, 8>(0.2, 2, 19), v = wave<float, B, 2, T, 8>(0.3, 2, 19);
  CHECK(error_of([](auto a, auto b, auto c) { return std::tuple{causal(a, b, c), grad(loss, wrt<0, 1, 2>)(a, b, c)}; }, q, k, v) < 1e-5);
}

TEST_CASE("rope in both conventions") {
  CHECK(error_of([](auto x) { return std::pair{rope(x), rope<rope_options{.style = rope_style::interleaved}>(x)}; }, wave<float, B, 3, 17, 8>(0.4, 2)) < 1e-5);
}

TEST_CASE("rope is one pass over each operand, by tables that all share") {
  CHECK(jit(turned).lower(spec<bf16, B, 17, 4, 8>(), spec<bf16, B, 17, 2, 8>()).step_count == 3);
  constexpr auto back = [](auto q, auto k, auto dq, auto dk) {
    return grad([](auto x, auto y, auto dx, auto dy) {
      const auto [a, b] = turned(x, y);
      return sum(cast<float>(a) * cast<float>(dx)) + sum(cast<float>(b) * cast<float>(dy));
    }, wrt<0, 1>)(q, k, dq, dk);
  };
  CHECK(jit(back).lower(spec<bf16, B, 17, 4, 8>(), spec<bf16, B, 17, 2, 8>(), spec<bf16, B, 17, 4, 8>(), spec<bf16, B, 17, 2, 8>()).step_count == 3);
  const auto q = wave<float, 2, 17, 4, 8>(0.1), dq = wave<float, 2, 17, 4, 8>(0.2);
  const auto k = wave<float, 2, 17, 2, 8>(0.3), dk = wave<float, 2, 17, 2, 8>(0.4);
  CHECK(error_of(back, q, k, dq, dk) < 1e-5);
}

TEST_CASE("a cache is updated in place") {
  auto program = jit([](auto row, auto position) {
    const auto next = dynamic_update_slice<0>(buffer<"cache", float, 5, 3>(), reshape<1, 3>(row), position);
    return std::pair{sum(next), update(named_value<"cache">(next))};
  });
  const tensor<float, 3> row{1, 2, 4};
  state s = init(program, 0, row, 0);
  CHECK(program.lower(row, 0).memory().arena < 60);  // no second cache
  CHECK(updates_in_place(program.lower(row, 0)) == 1);
  for (const int position : {1, 3, 9}) program(s, row, position);
  CHECK(s["cache"].as<float, 5, 3>()(1, 2) == 4);
  CHECK(s["cache"].as<float, 5, 3>()(4, 0) == 1);
  CHECK(s["cache"].as<float, 5, 3>()(2, 0) == 0);
  auto [total, updated] = program(s, row, 0);
  CHECK(total.item() == 28);
}

TEST_CASE("a cache whose old value is needed later is copied") {
  auto program = jit([](auto row, auto position) {
    const auto old = buffer<"cache", float, 5, 3>();
    const auto next = dynamic_update_slice<0>(old, reshape<1, 3>(row), position);
    return std::tuple{matmul(next, transpose(old)), old, update(named_value<"cache">(next))};
  });
  const tensor<float, 3> row{1, 2, 4};
  CHECK(updates_in_place(program.lower(row, 0)) == 0);
  state s = init(program, 0, row, 0);
  program(s, row, 2);
  auto [product, old, updated] = program(s, row, 0);
  CHECK(old(0, 2) == 0);
  CHECK(old(2, 2) == 4);
  CHECK(product(0, 2) == 21);
  CHECK(product(0, 0) == 0);
  CHECK(s["cache"].as<float, 5, 3>()(0, 1) == 2);
}
