// Half types on the CPU: sums that such a type could not hold on the way, and parameters of one.
#include "compare.hpp"

#include <doctest/doctest.h>

using namespace thunder;
using namespace jit_tests;

TEST_CASE("sums are taken in float and rounded once") {
  // 5000 times about 1/3: a bf16 sum of them would stop growing at 128.
  constexpr int rows = 5000;
  auto f = jit([](auto x, auto i, auto w) {
    constexpr auto looked_up = [](auto table, auto index) { return sum(take(table, index)); };
    constexpr auto biased = [](auto b, auto a) { return sum(a + b); };
    return std::tuple{sum(x),           sum(x, axis<0>),  sum(transpose(x), axis<1>),          mean(x, axis<0>), grad(biased)(slice<0, 0, 1>(w), x),
                      matmul(transpose(x), w), grad(looked_up)(slice<0, 0, 4>(w), i), var(x, axis<0>), extent<rows>()};
  });
  tensor<bf16, rows, 2> x;
  tensor<bf16, rows, 2> w;
  tensor<std::int32_t, rows> i;
  double total[2]{}, squares[2]{};
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < 2; ++c) {
      x(r, c) = bf16(0.25f + 0.125f * static_cast<float>((r + c) % 3)), w(r, c) = bf16(1), i(r) = r % 2;
      total[c] += static_cast<double>(float(x(r, c)));
      squares[c] += static_cast<double>(float(x(r, c)) * float(x(r, c)));
    }
  const auto near = [](bf16 got, double expected) { CHECK(std::abs(static_cast<double>(float(got)) - expected) <= 0x1p-8 * std::abs(expected)); };
  const auto [all, columns, across, means, bias, product, table, variance, count] = f(x, i, w);
  near(all.item(), total[0] + total[1]);
  for (int c = 0; c < 2; ++c) {
    near(columns(c), total[c]);
    near(across(c), total[c]);
    near(means(c), total[c] / rows);
    near(bias(0, c), rows);
    near(product(c, 0), total[c]);
    near(table(c, 0), rows / 2);
    near(variance(c), squares[c] / rows - total[c] * total[c] / rows / rows);
  }
  CHECK(count.item() == rows);
}

TEST_CASE("optimizers keep moments as floats, and parameters of a half type as such") {
  auto step = jit([](auto x) {
    auto loss = [](auto y) { return mean(square(matmul(y, param<"w", bf16, 4, 2>(initial::normal(0_c, 1_c))))); };
    auto [value, gradients] = value_and_grad(loss, wrt_parameters)(x);
    auto [clipped, norm] = optim::clip_by_global_norm(gradients, 1_c);
    return std::tuple{value, norm, update(optim::adamw(clipped, 0.05_c * full<float>(1_c)))};
  });
  const auto x = wave<bf16, 8, 4>(0.1);
  state s = init(step, 1, x);
  CHECK(s["w"].value.printed() == "bf16[4, 2]");
  CHECK(s["adamw.m.w"].value.printed() == "float[4, 2]");
  float first = 0, last = 0;
  for (int i = 0; i < 100; ++i) {
    auto [value, norm, done] = step(s, x);
    static_assert(decltype(value)::dtype == dtype::bf16 && decltype(norm)::dtype == dtype::f32);
    last = float(value.item());
    if (i == 0) first = last;
  }
  CHECK(last < 0.05f * first);
}
