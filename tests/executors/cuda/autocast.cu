// Mixed precision on the GPU: gradients under autocast against the interpreter, which rounds where the trace casts; a training step
// beside the CPU's.
#include "both.hpp"

using namespace both;

namespace {

inline constexpr auto B = dim("batch");

inline constexpr auto loss = [](auto x, auto w1, auto w2) { return mean(square(matmul(relu(matmul(x, w1)), w2))); };
inline constexpr auto smooth_loss = [](auto x, auto w1, auto w2) { return mean(square(matmul(gelu(matmul(x, w1)), w2))); };
inline constexpr auto attend = [](auto x) {
  const auto q = nn::split_heads<2>(x);
  return sum(square(nn::join_heads(scaled_dot_product_attention<attention_options{.causal = true}>(q, q, q))));
};

struct mixed_model {
  constexpr auto operator()(auto x) const { return nn::linear<"out", 3>(gelu(nn::linear<"hidden", 16>(x))); }
};
inline constexpr auto mixed_step = [](auto x, auto y, auto rate) {
  auto labelled = [](auto inputs, auto labels) { return cross_entropy(mixed_model{}(inputs), labels); };
  auto [value, gradients] = value_and_grad(autocast<bf16>(labelled), wrt_parameters)(x, y);
  return std::pair{value, update(optim::sgd(gradients, rate))};
};

}  // namespace

TEST_CASE("gradients") {
  if (!have_device()) return;
  check("bf16", 0x1p-7, [](auto x, auto w1, auto w2) { return grad(autocast<bf16>(loss), wrt<1, 2>)(x, w1, w2); },
        numbers<float, 24, 40>(1), numbers<float, 40, 32>(2), numbers<float, 32, 8>(3));
  check("bf16, gelu", 0x1p-7, [](auto x, auto w1, auto w2) { return grad(autocast<bf16>(smooth_loss), wrt<1, 2>)(x, w1, w2); },
        numbers<float, 24, 40>(1), numbers<float, 40, 32>(2), numbers<float, 32, 8>(3));
  check("attention, f16", 0x1p-9, [](auto x) { return autocast<f16>(grad(attend))(x); }, numbers<float, 2, 33, 32>(1));
}

TEST_CASE("a training step follows the CPU's") {
  if (!have_device()) return;
  auto here = jit(mixed_step);
  auto there = jit<device::cuda>(mixed_step);
  const auto x = numbers<float, B, 8>(1, 12);
  auto y = tensor<std::int32_t, B>::full(0, 12);
  for (int i = 0; i < 12; ++i) y(i) = i % 3;
  state a = init(here, 1, x, y, 0.1f), b = init(there, 1, x, y, 0.1f);
  float first = 0, last = 0;
  for (int i = 0; i < 50; ++i) {
    const float expected = here(a, x, y, 0.1f).first.item(), got = there(b, x, y, 0.1f).first.item();
    CHECK(std::abs(got - expected) < 0.01f);
    if (i == 0) first = got;
    last = got;
  }
  CHECK(last < 0.9f * first);
  for (const auto& [name, value] : b) {
    INFO(name);
    CHECK(value.dtype() == dtype::f32);
  }
}
