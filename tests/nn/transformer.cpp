// Transformer blocks: parameters and how they start, token by token with caches as a whole text at once, dropout.
#include "../jit/compare.hpp"

#include <doctest/doctest.h>

using namespace thunder;
using namespace jit_tests;

namespace {

constexpr nn::transformer_options small{.heads = 4, .kv_heads = 2, .layers = 2};
constexpr nn::transformer_options dropping{.heads = 2, .layers = 2, .dropout = 0.5};
constexpr int width = 16, length = 6;

// (x: [B, length, width]) -> the same
constexpr auto whole_text = [](auto x) { return repeat<2, "h">(nn::transformer_block<small>{}, x); };
constexpr auto one_token = [](auto x, auto position) {
  const auto [y, caches] = nn::repeat_cached<2, "h", nn::cached_transformer_block<small, length>>(x, position);
  return std::pair{y, update(caches)};
};

}  // namespace

TEST_CASE("names, shapes and initial values") {
  auto program = jit(whole_text);
  const state s = init(program, 1, tensor<float, 2, length, width>());
  CHECK(s.size() == 2 * 16);
  CHECK(s["h.0.attention.key.weight"].value.printed() == "float[16, 8]");
  CHECK(s["h.1.mlp.hidden.bias"].value.printed() == "float[64]");
  auto deviation = [&](const char* name, auto view) {
    double sum = 0;
    for (float x : view.span()) sum += static_cast<double>(x * x);
    INFO(name);
    return std::sqrt(sum / static_cast<double>(view.span().size()));
  };
  CHECK(deviation("hidden", s["h.0.mlp.hidden.weight"].as<float, 16, 64>()) == doctest::Approx(0.02).epsilon(0.1));
  CHECK(deviation("output", s["h.0.mlp.output.weight"].as<float, 64, 16>()) == doctest::Approx(0.01).epsilon(0.1));
  CHECK(s["h.0.norm1.weight"].as<float, 16>()(3) == 1);
  CHECK(s["h.1.attention.output.bias"].as<float, 16>()(3) == 0);
}

TEST_CASE("a cache gives what the whole text gives") {
  auto whole = jit(whole_text);
  auto next = jit(one_token);
  const auto x = wave<float, 2, length, width>(0.5);
  tensor<float, 2, 1, width> token;
  state s = init(next, 5, token, 0);
  CHECK(s["h.1.attention.keys"].value.printed() == "float[2, 2, 6, 4]");
  const auto expected = whole(s, x);
  double worst = 0;
  for (int t = 0; t < length; ++t) {
    for (int b = 0; b < 2; ++b)
      for (int c = 0; c < width; ++c) token(b, 0, c) = x(b, t, c);
    auto [y, updated] = next(s, token, t);
    for (int b = 0; b < 2; ++b)
      for (int c = 0; c < width; ++c) worst = std::max(worst, static_cast<double>(std::abs(y(b, 0, c) - expected(b, t, c))));
  }
  CHECK(worst < 1e-5);
}

TEST_CASE("dropout by a key") {
  auto program = jit([](auto x, auto key) { return repeat<2, "h">(nn::transformer_block<dropping>{}, std::pair{x, key}); });
  const auto x = wave<float, 1, 3, 4>(0.5);
  state s = init(program, 5, x, std::int64_t{1});
  const auto first = program(s, x, std::int64_t{1}).first, again = program(s, x, std::int64_t{1}).first, other = program(s, x, std::int64_t{2}).first;
  bool same = true, differs = false;
  for (std::size_t i = 0; i < 12; ++i) same = same && first.span()[i] == again.span()[i], differs = differs || first.span()[i] != other.span()[i];
  CHECK(same);
  CHECK(differs);
}
