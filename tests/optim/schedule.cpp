// Learning-rate schedules, and which parameters AdamW decays.
#include <thunder/thunder.hpp>

#include <doctest/doctest.h>

using namespace thunder;

TEST_CASE("a line up, half a cosine down") {
  const optim::warmup_cosine rate{.peak = 1, .floor = 0.1, .warmup = 4, .steps = 24};
  CHECK(rate(0) == 0.25f);
  CHECK(rate(3) == 1);
  CHECK(rate(4) == 1);
  CHECK(rate(14) == doctest::Approx(0.55));
  CHECK(rate(23) > 0.1f);
  CHECK(rate(24) == 0.1f);
  CHECK(rate(1000) == 0.1f);
  CHECK(optim::warmup_cosine{.peak = 2, .steps = 10}(0) == 2);
}

TEST_CASE("AdamW decays matrices only, if asked to") {
  constexpr auto step = []<bool Only>(std::bool_constant<Only>) {
    return [](auto x, auto rate) {
      const auto loss = [](auto y) { return 0_c * sum(matmul(y, param<"w", float, 2, 2>(initial::ones)) + param<"b", float, 2>(initial::ones)); };
      return update(optim::adamw<optim::adamw_options{.weight_decay = 0.5, .decay_matrices_only = Only}>(grad(loss, wrt_parameters)(x), rate));
    };
  };
  const tensor<float, 1, 2> x{1, 2};
  auto all = jit(step(std::true_type{}));
  state s = init(all, 0, x, 0.5f);
  all(s, x, 0.5f);
  CHECK(s["w"].as<float, 2, 2>()(0, 1) == 0.75f);
  CHECK(s["b"].as<float, 2>()(1) == 1);
  auto each = jit(step(std::false_type{}));
  each(s, x, 0.5f);
  CHECK(s["b"].as<float, 2>()(1) == 0.75f);
}
