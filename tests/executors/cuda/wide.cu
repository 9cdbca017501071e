// Rows that registers cannot hold, on the GPU, against the interpreter: in shared memory, and read again in part; rows that begin anywhere.
#include "both.hpp"

using namespace both;

// Results are scaled so that they are about 1, however long the row is.
constexpr auto loss_and_gradient = [](auto x, auto t) {
  auto [loss, gradient] = value_and_grad([](auto y, auto u) { return sum(cross_entropy_rows(y, u)); })(x, t);
  return std::tuple{cross_entropy_rows(x, t), loss, gradient * 65536_c};
};
constexpr auto scaled_softmax = [](auto x) { return softmax(x) * 65536_c; };

template <int R, int C> tensor<std::int32_t, R> labels() {
  auto t = tensor<std::int32_t, R>::full(0);
  for (std::int64_t i = 0; i < R; ++i) t.data()[i] = i == 0 ? 0 : i == 1 ? C - 1 : static_cast<std::int32_t>(random_word(std::int64_t{5}, i) % C);
  return t;
}
template <class T, int R, int C> void losses(double tolerance) { check("cross-entropy", tolerance, loss_and_gradient, numbers<T, R, C>(1), labels<R, C>()); }

TEST_CASE("cross-entropy") {
  if (!have_device()) return;
  losses<bf16, 9, 50257>(1e-2);
  losses<bf16, 8, 50304>(1e-2);
  losses<bf16, 5, 128256>(1e-2);
  losses<bf16, 3, 1000003>(1e-2);
  losses<float, 5, 50257>(1e-5);
  losses<float, 3, 128256>(1e-5);
}
TEST_CASE("softmax") {
  if (!have_device()) return;
  check("in bf16", 1e-2, scaled_softmax, numbers<bf16, 5, 50257>(1));
  check("a million columns", 1e-5, scaled_softmax, numbers<float, 2, 1000003>(1));
  check("more rows than blocks", 1e-5, scaled_softmax, numbers<float, 700, 16411>(1));
  check("backward", 1e-4, [](auto y, auto dy) { auto p = y * dy; return p - y * unsqueeze(sum(p, axis<-1>), axis<-1>); }, numbers<float, 3, 50257>(1), numbers<float, 3, 50257>(2));
  check("log", 1e-5, [](auto x) { return log_softmax(x); }, numbers<float, 3, 50304>(1));
}
TEST_CASE("norms") {
  if (!have_device()) return;
  const auto f = [](auto x, auto g, auto b) { return layer_norm(x, g, b); };
  check("in bf16", 3e-2, f, numbers<bf16, 4, 50304>(1), numbers<bf16, 50304>(2), numbers<bf16, 50304>(3));
  check("in float", 1e-4, f, numbers<float, 4, 50257>(1), numbers<float, 50257>(2), numbers<float, 50257>(3));
}
TEST_CASE("lengths known when the program runs") {
  if (!have_device()) return;
  static constexpr dim B = dim("batch"), N = dim("vocabulary");
  for (int n : {3, 1000, 50257}) check("softmax", 1e-5, scaled_softmax, numbers<float, B, N>(1, 5, n));
}
