// Reductions and the row programs of neural networks through jit.
#include "compare.hpp"

#include <doctest/doctest.h>

using namespace thunder;
using namespace jit_tests;

namespace {
constexpr double tolerance = 2e-6;
}

TEST_CASE("reductions over all sets of axes") {
  const auto x = wave<float, 3, 4, 5>(0.2);
  CHECK(error_of([](auto a) { return std::tuple{sum(a), sum(a, axis<0>), sum(a, axis<1>), sum(a, axis<2>), sum(a, axis<0, 1>), sum(a, axis<1, 2>), sum(a, axis<0, 2>)}; }, x) < tolerance);
  CHECK(error_of([](auto a) { return std::tuple{max(a), min(a, axis<0>), max(a, axis<1>), min(a, axis<-1>), mean(a), mean(a, axis<0, 2>), var(a, axis<1>)}; }, x) < tolerance);
  CHECK(error_of([](auto a) { return std::tuple{sum(a), max(a, axis<0>), min(a, axis<1>)}; }, wave<std::int32_t, 4, 5>(0.2)) == 0);
}

TEST_CASE("long sums are accurate, halves accumulate in float") {
  auto total = jit([](auto a) { return sum(a); });
  auto ones = tensor<float, 100'000>::full(0.1f);
  CHECK(total(ones).item() == doctest::Approx(10'000).epsilon(1e-5));
  auto halves = tensor<bf16, 4096>::full(1.0f);
  CHECK(static_cast<float>(total(halves).item()) == 4096);
}

TEST_CASE("softmax, log_softmax and logsumexp") {
  CHECK(error_of([](auto a) { return std::tuple{softmax(a), log_softmax(a), logsumexp(a)}; }, wave<float, 6, 37>(0.2)) < tolerance);
  CHECK(error_of([](auto a) { return std::tuple{softmax(a, axis<0>), logsumexp(a, axis<0, 1>)}; }, wave<float, 6, 7>(0.2)) < tolerance);
  auto p = jit([](auto a) { return softmax(a); });
  const auto y = p(tensor<float, 1, 3>{1000, 1000, -1000});
  CHECK(y(0, 0) == 0.5f);
  CHECK(y(0, 2) == 0);
}

TEST_CASE("norms, activations, losses") {
  const auto x = wave<float, 6, 16>(0.2);
  const auto gain = wave<float, 16>(0.4), offset = wave<float, 16>(0.5);
  CHECK(error_of([](auto a, auto g, auto b) { return layer_norm(a, g, b) + a; }, x, gain, offset) < 1e-5);
  CHECK(error_of([](auto a, auto g) { return rms_norm(gelu(a), g); }, x, gain) < 1e-5);
  CHECK(error_of([](auto a) { return std::tuple{gelu(a), gelu_exact(a), silu(a), softplus(a), relu(a), sigmoid(a)}; }, x) < tolerance);
  const tensor<std::int32_t, 6> labels{0, 5, 15, 3, 3, 8};
  CHECK(error_of([](auto a, auto l) { return std::tuple{cross_entropy(a, l), cross_entropy_rows(a, l)}; }, x, labels) < tolerance);
  CHECK(error_of([](auto a, auto b) { return mse(a, b); }, x, wave<float, 6, 16>(0.9)) < tolerance);
}

TEST_CASE("more reductions than a region holds, one after another") {
  CHECK(error_of([](auto a) {
          auto f = [](auto x) { return softmax(x * 3_c) + x; };
          return f(f(f(f(f(a)))));
        }, wave<float, 4, 9>(0.2)) < 1e-5);
}
