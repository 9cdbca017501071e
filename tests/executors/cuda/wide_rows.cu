// Softmax and norms of rows that registers cannot hold, on the GPU, against the interpreter.
#include "both.hpp"

using namespace both;

// Scaled, so that it is about 1, however long the row is.
constexpr auto scaled_softmax = [](auto x) { return softmax(x) * 65536_c; };

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
