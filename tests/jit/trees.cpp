// Tuples, aggregates and names in and out; modules and their parameters; initialisation.
#include "compare.hpp"

#include <doctest/doctest.h>

using namespace thunder;
using namespace jit_tests;

namespace {
template <class X, class Y> struct example {
  X image;
  Y label;
};
constexpr auto f = [](auto batch, auto scales) {
  auto [a, b] = scales;
  return std::tuple{example{batch.image * a, batch.label + 1_c}, std::pair{batch.image * b, std::tuple{a - b}}};
};
constexpr auto block = [](auto x) { return tanh(nn::linear<"fc", 3>(x)) + x; };
constexpr auto model = [](auto x) { return sum(repeat<3, "h">(block, x)) + sum(scope<"head">(block)(x) * param<"scale", float>(initial::constant(2_c))); };
}  // namespace

TEST_CASE("trees of tensors are arguments and results") {
  auto program = jit(f);
  const example<tensor<float, 2>, tensor<std::int32_t, 2>> batch{tensor<float, 2>{1, 2}, tensor<std::int32_t, 2>{3, 4}};
  const auto [first, second] = program(batch, std::tuple{2.0f, 5.0f});
  static_assert(std::is_same_v<std::remove_cvref_t<decltype(first)>, example<tensor<float, 2>, tensor<std::int32_t, 2>>>);
  CHECK(first.image(1) == 4);
  CHECK(first.label(0) == 4);
  CHECK(second.first(1) == 10);
  CHECK(std::get<0>(second.second).item() == -3);
}

TEST_CASE("named expressions become a state") {
  auto program = jit([](auto x) {
    auto loss = [](auto y) { return sum(square(nn::linear<"fc", 2>(y))); };
    return grad(loss, wrt_parameters)(x);
  });
  const auto x = wave<float, 4, 3>(0.1);
  state s = init(program, 1, x);
  const state g = program(s, x);
  CHECK(g.names() == std::vector<std::string>{"fc.weight", "fc.bias"});
  CHECK(g["fc.weight"].as<float, 3, 2>().rank == 2);
  const auto w = s["fc.weight"].as<float, 3, 2>();
  const auto b = s["fc.bias"].as<float, 2>();
  for (int j = 0; j < 2; ++j) {  // 2 y summed over the rows
    double expected = 0;
    for (int i = 0; i < 4; ++i) {
      double y = static_cast<double>(b(j));
      for (int k = 0; k < 3; ++k) y += static_cast<double>(x(i, k)) * static_cast<double>(w(k, j));
      expected += 2 * y;
    }
    CHECK(static_cast<double>(g["fc.bias"].as<float, 2>()(j)) == doctest::Approx(expected).epsilon(1e-5));
  }
}

TEST_CASE("modules, repeated modules and their parameters") {
  auto program = jit(model);
  const auto x = wave<float, 2, 3>(0.1);
  state s = init(program, 7, x);
  CHECK(s.names() == std::vector<std::string>{"h.0.fc.weight", "h.0.fc.bias", "h.1.fc.weight", "h.1.fc.bias", "h.2.fc.weight", "h.2.fc.bias", "head.fc.weight", "head.fc.bias", "scale"});
  CHECK(s["scale"].as<float>().item() == 2);
  CHECK(difference(leaves(program(s, x)), meaning(model, s, x)) < 1e-5);
  const state constant = s.copy();
  CHECK(program(constant, x).item() == program(s, x).item());
}

TEST_CASE("a parameter's first value depends on the key and its name alone") {
  auto program = jit(model);
  const auto x = wave<float, 2, 3>(0.1);
  const state a = init(program, 7, x), b = init(program, 7, x), c = init(program, 8, x);
  CHECK(a == b);
  CHECK_FALSE(a["h.0.fc.weight"].value == c["h.0.fc.weight"].value);
  CHECK_FALSE(a["h.0.fc.weight"].value == a["h.1.fc.weight"].value);
  const state d = init(jit([](auto y) { return sum(scope<"h.1">(block)(y)); }), 7, x);
  CHECK(d["h.1.fc.weight"].value == a["h.1.fc.weight"].value);
  const float bound = 1 / std::sqrt(3.0f);
  for (float v : a["h.0.fc.weight"].as<float, 3, 3>().span()) CHECK(std::abs(v) <= bound);
}

TEST_CASE("a type-erased program") {
  using signature = tensor<float>(state&, const tensor<float, 2, 3>&);
  program<signature> p = jit(model);
  const auto x = wave<float, 2, 3>(0.1);
  state s = init(jit(model), 7, x);
  CHECK(p(s, x).item() == jit(model)(s, x).item());
  program<signature> q = std::move(p);
  CHECK(q(s, x).item() == jit(model)(s, x).item());
  p = std::move(q);
  CHECK(p(s, x).item() == jit(model)(s, x).item());
}
