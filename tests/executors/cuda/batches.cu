// Equal regions that do not depend on one another, in one launch, against the interpreter.
#include "both.hpp"

using namespace both;

/// How many regions of a program are launched with others.
template <class F, class... A> int batched(F f, const A&... x) {
  using plan = typename decltype(jit<device::cuda>(f).lower(x...))::plan;
  int n = 0;
  for (int k = 0; k < plan::data.size.steps; ++k)
    if (plan::data.steps[k].batch > 1) n += plan::data.steps[k].batch;
  return n;
}

TEST_CASE("tensors of many sizes") {
  const auto a = numbers<float, 1>(1);
  const auto b = numbers<float, 5000>(2);
  const auto c = numbers<float, 70000>(3);
  const auto d = numbers<float, 0>(4);
  const auto e = numbers<float, 33, 31>(5);
  constexpr auto pointwise = [](auto u, auto v, auto w, auto x, auto y) {
    auto f = [](auto z) { return tanh(z * 0.5_c) + z; };
    return std::tuple{f(u), f(v), f(w), f(x), f(y)};
  };
  // (Of one element there is a region of its own.)
  CHECK(batched(pointwise, a, b, c, d, e) == 4);
  if (have_device()) check("pointwise", 1e-6, pointwise, a, b, c, d, e);
  constexpr auto squares = [](auto u, auto v, auto w, auto x, auto y) {
    auto f = [](auto z) { return sum(z * z); };
    return std::tuple{f(u), f(v), f(w), f(x), f(y), sqrt(f(u) + f(v) + f(w) + f(x) + f(y))};
  };
  CHECK(batched(squares, a, b, c, d, e) == 4);
  if (have_device()) check("sums", 1e-3, squares, a, b, c, d, e);
}
TEST_CASE("rows and columns") {
  const auto a = numbers<float, 37, 768>(1), b = numbers<float, 37, 768>(2), c = numbers<float, 37, 768>(3);
  constexpr auto rows = [](auto x, auto y, auto z) { return std::tuple{softmax(x), softmax(y), softmax(z)}; };
  CHECK(batched(rows, a, b, c) == 3);
  if (have_device()) check("rows", 2e-6, rows, a, b, c);
  constexpr auto columns = [](auto x, auto y, auto z) { return std::tuple{sum(x * x, axis<0>), sum(y * y, axis<0>), sum(z * z, axis<0>)}; };
  CHECK(batched(columns, a, b, c) == 3);
  if (have_device()) check("columns", 1e-4, columns, a, b, c);
}
