// A training step as users write it: a model of modules, a lambda where it is needed, types asked for by decltype. The .cu file
// beside it gives the same text to nvcc, whose host code spells every type that a function names; the numbers are the same.
#include <thunder/thunder.hpp>

#include <doctest/doctest.h>

#include <vector>

namespace {

using namespace thunder;
inline constexpr auto B = dim("batch");
inline constexpr int rows = 6, features = 8, classes = 4;

struct block {
  // (x: [B, N]) -> the same
  constexpr auto operator()(auto x) const {
    constexpr dim width = x.type.d[1];
    static_assert(width == features);
    return x + nn::linear<"down", features>(gelu(nn::linear<"up", 32>(x)));
  }
};
struct classifier {
  // (x: [B, features]) -> logits [B, classes]
  constexpr auto operator()(auto x) const {
    auto y = repeat<2, "h">(block{}, x);
    return scope<"head">([](auto v) { return nn::linear<"out", classes>(v * param<"gain", float, features>(initial::ones)); })(y);
  }
};
inline constexpr auto train_step = [](auto x, auto labels, auto rate) {
  auto loss = [](auto inputs, auto targets) { return cross_entropy(classifier{}(inputs), targets); };
  auto [value, gradients] = value_and_grad(loss, wrt_parameters)(x, labels);
  auto [clipped, norm] = optim::clip_by_global_norm(gradients, 0.5_c);
  const auto steps = buffer<"steps", float>();
  return std::tuple{value, norm, update(optim::adamw(clipped, rate)), update(named_value<"steps">(steps + 1_c))};
};

tensor<float, B, features> inputs(int n) {
  tensor<float, B, features> x(n);
  for (int i = 0; i < n * features; ++i) x.data()[i] = static_cast<float>(i % 11) * 0.1f - 0.5f;
  return x;
}
tensor<std::int32_t, B> labels(int n) {
  tensor<std::int32_t, B> y(n);
  for (int i = 0; i < n; ++i) y(i) = i % classes;
  return y;
}

template <class Program> int steps_of() { return Program::step_count; }

}  // namespace

TEST_CASE("five steps give the numbers that they gave before") {
  auto step = jit(train_step);
  state s = init(step, 1, inputs(rows), labels(rows), 0.01f);
  std::vector<double> losses, norms;
  for (int t = 0; t < 5; ++t) {
    const int n = t == 3 ? rows - 2 : rows;  // another batch size
    auto [loss, norm, parameters, counter] = step(s, inputs(n), labels(n), 0.01f);
    losses.push_back(static_cast<double>(loss.item()));
    norms.push_back(static_cast<double>(norm.item()));
  }
  const std::vector<double> expected_losses{1.52784, 1.4395651, 1.3602577, 1.3020325, 1.2172686}, expected_norms{0.60828543, 0.54974395, 0.51371813, 0.50966603, 0.49717754};
  for (std::size_t t = 0; t < 5; ++t) {
    CAPTURE(t);
    CHECK(losses[t] == doctest::Approx(expected_losses[t]).epsilon(2e-5));
    CHECK(norms[t] == doctest::Approx(expected_norms[t]).epsilon(2e-4));
  }
  CHECK(s["steps"].as<float>().item() == 5);
}

TEST_CASE("types of programs and results are named") {
  auto step = jit([](auto x, auto y) {
    auto [value, gradients] = value_and_grad([](auto a, auto b) { return mse(nn::linear<"fc", 1>(a), b); }, wrt_parameters)(x, y);
    return std::tuple{value, gradients};
  });
  const auto x = inputs(3);
  tensor<float, B, 1> y(3);
  const auto program = step.lower(x, y);
  using program_type = decltype(step.lower(x, y));
  CHECK(steps_of<decltype(program)>() == program_type::step_count);
  CHECK(program.memory(sizes({{B, 3}})).arguments > 0);
  using results = decltype(step(std::declval<state&>(), x, y));
  state s = init(step, 1, x, y);
  std::vector<results> all;
  all.push_back(step(s, x, y));
  CHECK(std::get<0>(all[0]).item() >= 0);
  auto again = [&](const auto& a, const auto& b) { return std::get<0>(step(s, a, b)).item(); };
  CHECK(again(x, y) == std::get<0>(all[0]).item());
}

TEST_CASE("gradients inside and outside of programs") {
  auto cubes = [](auto v) { return sum(v * v * v); };
  auto f = jit([=](auto x) {
    using gradient = decltype(grad(cubes)(x));
    static_assert(gradient::rank == 1);
    return gradient{} + grad([=](auto v) { return sum(v * x * grad(cubes)(v)); })(x);
  });
  const tensor<float, 3> x{1, 2, 3};
  CHECK(f(x)(1) == doctest::Approx(12 + 9 * 8));
  CHECK(grad(cubes)(x)(2) == doctest::Approx(27));
}
