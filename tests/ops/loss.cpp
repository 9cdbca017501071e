// cross_entropy and mse against their closed forms.
#include "../typed.hpp"

#include <doctest/doctest.h>

using namespace thunder;
using namespace typed_tests;
namespace {

inline constexpr auto B = dim("batch");
constexpr arg<float, B, 7, 10> logits{};
constexpr arg<std::int64_t, B, 7> labels{};
static_assert(is<float>(cross_entropy(logits, labels)) && is<float, B, 7>(cross_entropy_rows(logits, labels)));
static_assert(is<bf16>(cross_entropy(arg<bf16, B, 10>{}, arg<std::int32_t, B>{})) && is<float, B>(cross_entropy_rows(arg<bf16, B, 10>{}, arg<std::int32_t, B>{})));
static_assert(is<float>(mse(logits, logits)) && is<float>(mse(logits, 1_c)) && is<f16>(mse(arg<f16, B>{}, arg<f16, B>{})));

}  // namespace

TEST_CASE("cross_entropy") {
  const auto v = wave(12, 4);
  const std::vector<std::int64_t> label{2, 0, 1, 1};
  const std::vector<reference_array> in{array({4, 3}, v), whole({4}, label, dtype::i32)};
  std::vector<double> rows;
  double mean = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    rows.push_back(std::log(std::exp(v[3 * i]) + std::exp(v[3 * i + 1]) + std::exp(v[3 * i + 2])) - v[3 * i + static_cast<std::size_t>(label[i])]);
    mean += rows.back() / 4;
  }
  using X = arg<double, B, 3>;
  using L = arg<std::int32_t, B>;
  CHECK(near(reals<X, L>([](auto x, auto l) { return cross_entropy_rows(x, l); }, in), rows));
  CHECK(near(reals<X, L>([](auto x, auto l) { return cross_entropy(x, l); }, in), {mean}));
}

TEST_CASE("cross_entropy of confident logits") {
  const std::vector<reference_array> in{array({2, 2}, {1e4, -1e4, 1e4, -1e4}), whole({2}, {0, 1})};
  CHECK(near(reals<arg<double, 2, 2>, arg<std::int64_t, 2>>([](auto x, auto l) { return cross_entropy_rows(x, l); }, in), {0, 2e4}));
}

TEST_CASE("mse") {
  const std::vector<reference_array> in{array({2, 2}, {1, 2, 3, 4}), array({2}, {0, 4})};
  CHECK(near(reals<arg<double, B, 2>, arg<double, 2>>([](auto a, auto b) { return mse(a, b); }, in), {(1 + 4 + 9 + 0) / 4.0}));
}
