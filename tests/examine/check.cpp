// Checked calls: programs that are right, and an executor with a mistake, found by its step.
#include "mistaken.hpp"

#include <doctest/doctest.h>

#include <sstream>

using namespace thunder;

using namespace mistakes;

namespace {

inline constexpr auto block = [](auto x) { return x + nn::linear<"fc", 4>(gelu(x)); };
inline constexpr auto train = [](auto x, auto y, auto key, auto rate) {
  auto loss = [](auto a, auto labels, auto k) { return cross_entropy(dropout(repeat<1, "h">(block, a), 0.25_c, k), labels); };
  auto [value, gradients] = value_and_grad(loss, wrt_parameters)(x, y, key);
  return std::tuple{value, update(optim::sgd(gradients, rate))};
};

}  // namespace

TEST_CASE("a training step agrees, step by step") {
  const auto x = numbers(6);
  const tensor<std::int32_t, B> y = [] {
    auto labels = tensor<std::int32_t, B>::full(0, 6);
    for (int i = 0; i < 6; ++i) labels(i) = i % 4;
    return labels;
  }();
  auto step = jit(train);
  state s = init(step, 1, x, y, std::int64_t{7}, 0.01f);
  const check_report r = check(step, s, x, y, std::int64_t{7}, 0.01f);
  std::ostringstream text;
  text << r;
  CHECK_MESSAGE(r.passed(), text.str());
  CHECK(r.steps == step.lower(x, y, std::int64_t{7}, 0.01f).step_count);
  CHECK(text.str() == "all " + std::to_string(r.steps) + " steps agree with the reference executor\n");
  CHECK(s.at("h.0.fc.weight").value.size() > 0);
}

TEST_CASE("the step of a mistake is named, with its worst element") {
  const tensor<float, 4, 2> w{1, 2, 3, 4, 5, 6, 7, 8};
  const auto x = numbers(3);
  const check_report r = check(mistaken_jit<fuel::unlimited>(f), x, w);
  REQUIRE(r.differences.size() == 1);
  const step_difference& d = r.differences[0];
  CHECK(d.step == 0);
  CHECK(d.name == "fused loop");
  CHECK(d.path == "mlp");
  CHECK(d.index == std::vector<std::int64_t>{1, 3});
  CHECK(d.type == "f32[batch, 4]");
  const double right = std::exp(std::tanh(0.5 * static_cast<double>(x(1, 3)))) + 1;
  CHECK(d.expected == doctest::Approx(right));
  CHECK(d.got == doctest::Approx(right + 0.25));
  std::ostringstream text;
  text << r;
  CHECK(text.str().starts_with("step 0 (fused loop of mlp): output 0, f32[batch, 4], at [1, 3] is "));
  CHECK(check(tolerance{1e6}, mistaken_jit<fuel::unlimited>(f), x, w).passed());
}

TEST_CASE("distances") {
  const reference_array a(dtype::f32, {4}, std::vector<double>{1, -100, 0, INFINITY}),
      b(dtype::f32, {4}, std::vector<double>{1.5, -100, 0, INFINITY});
  CHECK(distance_of(a, a).error == 0);
  CHECK(distance_of(b, a).error == doctest::Approx(0.5 / 101));
  CHECK(distance_of(reference_array(dtype::f32, {1}, std::vector<double>{NAN}),
                    reference_array(dtype::f32, {1}, std::vector<double>{1.0}))
            .error == INFINITY);
  const reference_array i(dtype::i32, {3}, std::vector<std::int64_t>{1, 2, 3}),
      j(dtype::i32, {3}, std::vector<std::int64_t>{1, 2, 4});
  CHECK(distance_of(i, i).error == 0);
  CHECK(distance_of(j, i).error == 1);
  CHECK(distance_of(j, i).element == 2);
}
