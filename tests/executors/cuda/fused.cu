// Fused regions on the GPU against the interpreter: pointwise with broadcasting, row programs, column and full reductions, odd sizes.
#include "both.hpp"

using namespace both;

TEST_CASE("pointwise") {
  if (!have_device()) return;
  constexpr auto chain = [](auto x, auto w, auto b, auto r) { return gelu(x * w + b) + r; };
  check("columns", 1e-6, chain, numbers<float, 33, 768>(1), numbers<float, 768>(2), numbers<float, 768>(3), numbers<float, 33, 768>(4));
  check("odd columns", 1e-6, chain, numbers<float, 33, 1001>(1), numbers<float, 1001>(2), numbers<float, 1001>(3), numbers<float, 33, 1001>(4));
  check("full size", 1e-6, chain, numbers<float, 7, 13>(1), numbers<float, 7, 13>(2), numbers<float, 7, 13>(3), numbers<float, 7, 13>(4));
  check("bf16", 2e-2, chain, numbers<bf16, 33, 768>(1), numbers<bf16, 768>(2), numbers<bf16, 768>(3), numbers<bf16, 33, 768>(4));
  check("f16", 5e-3, chain, numbers<f16, 33, 770>(1), numbers<f16, 770>(2), numbers<f16, 770>(3), numbers<f16, 33, 770>(4));
  check("double", 1e-13, chain, numbers<double, 5, 6>(1), numbers<double, 6>(2), numbers<double, 6>(3), numbers<double, 5, 6>(4));
  check("rows", 1e-6, [](auto x, auto s) { return x / (2_c + unsqueeze(s, axis<-1>)); }, numbers<float, 9, 40>(1), numbers<float, 9>(2));
  check("outer", 1e-6, [](auto x, auto s) { return x + s; }, numbers<float, 4, 5, 6>(1), numbers<float, 5, 6>(2));
  check("middle", 1e-6, [](auto x, auto s) { return x + s; }, numbers<float, 4, 5, 6>(1), numbers<float, 4, 1, 6>(2));
  check("scalar", 1e-6, [](auto x) { return exp(x) * tanh(x); }, numbers<float>(1));
  check("compare", 0, [](auto x, auto y) { return where(x > y, x, y * 2_c); }, numbers<float, 1000>(1), numbers<float, 1000>(2));
  check("integers", 0, [](auto x, auto y) { return x * y + 3_c; }, numbers<std::int32_t, 1001>(1), numbers<std::int32_t, 1001>(2));
  check("functions", 2e-6, [](auto x) { return std::tuple{sin(x), cos(x), log(x + 2_c), sqrt(x + 2_c), erf(x), sigmoid(x), abs(x), floor(x * 7_c), expm1(x), log1p(x), pow(x + 2_c, 1.5_c)}; }, numbers<float, 4099>(1));
}

TEST_CASE("rows without elements, and no rows") {
  if (!have_device()) return;
  static constexpr auto n = dim("n");
  for (const std::int64_t size : {0, 3}) {
    check("no rows", 1e-5, [](auto x, auto v, auto s) {
      auto e = exp(s);
      return std::tuple{tanh(matmul(x, v)) * e, e, sum(x, axis<0>)};
    }, numbers<float, n, 6>(1, size), numbers<float, 6, 5>(2), numbers<float, 5>(3));
    check("empty rows", 1e-6, [](auto x, auto v, auto s) {
      auto e = exp(s);
      return std::tuple{tanh(matmul(v, x)) * unsqueeze(e, axis<1>), e};
    }, numbers<float, 6, n>(1, size), numbers<float, 5, 6>(2), numbers<float, 5>(3));
  }
}

template <int C> void rows() {
  const auto x = numbers<float, 37, C>(1), y = numbers<float, 37, C>(2);
  check("softmax", 2e-6, [](auto a) { return softmax(a); }, x);
  check("log_softmax", 4e-6, [](auto a) { return log_softmax(a); }, x);
  check("row sum", 2e-5, [](auto a) { return sum(a, axis<-1>); }, x);
  check("row max", 0, [](auto a) { return max(a, axis<-1>); }, x);
  check("column sum", 2e-5, [](auto a) { return sum(a, axis<0>); }, x);
  check("full sum", 1e-4, [](auto a) { return sum(a); }, x);
  check("norm and columns", 1e-4, [](auto a, auto b) {
    auto d = a - unsqueeze(mean(a, axis<-1>), axis<-1>);
    auto n = d * unsqueeze(rsqrt(mean(d * d, axis<-1>) + 1e-5_c), axis<-1>);
    return std::tuple{n, sum(n * b, axis<0>), sum(b, axis<0>)};
  }, x, y);
}
TEST_CASE("rows of 768 columns") { if (have_device()) rows<768>(); }
TEST_CASE("rows of 7 columns") { if (have_device()) rows<7>(); }
TEST_CASE("rows of 3000 columns") { if (have_device()) rows<3000>(); }

TEST_CASE("long rows") {
  if (!have_device()) return;
  check("softmax", 2e-6, [](auto a) { return softmax(a); }, numbers<float, 5, 50257>(1));
  check("softmax bf16", 1e-2, [](auto a) { return softmax(a); }, numbers<bf16, 5, 50304>(1));
  check("full sum", 1e-3, [](auto a) { return sum(a); }, numbers<float, 1000000>(1));
}
TEST_CASE("reductions of other axes") {
  if (!have_device()) return;
  const auto x = numbers<float, 6, 50, 33>(1);
  check("middle", 1e-5, [](auto a) { return sum(a, axis<1>); }, x);
  check("outer two", 1e-4, [](auto a) { return sum(a, axis<0, 1>); }, x);
  check("first and last", 1e-4, [](auto a) { return sum(a, axis<0, 2>); }, x);
  check("several", 1e-4, [](auto a) { return std::tuple{sum(a, axis<0>), sum(a, axis<0, 1>), sum(a), max(a, axis<1>)}; }, x);
}
