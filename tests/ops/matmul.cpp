// matmul: types, batches and transposed operands.
#include "../typed.hpp"

#include <doctest/doctest.h>

using namespace thunder;
using namespace typed_tests;
namespace {

inline constexpr auto B = dim("batch");
static_assert(is<float, B, 5>(matmul(arg<float, B, 3>{}, arg<float, 3, 5>{})) && is<float, B, 7, 5>(matmul(arg<float, B, 7, 3>{}, arg<float, 3, 5>{})));
static_assert(is<float, B, 7, 5>(matmul(arg<float, B, 7, 3>{}, arg<float, B, 3, 5>{})) && is<float, B, 5>(matmul(arg<bf16, B, 3>{}, arg<float, 3, 5>{})));

/// [b, n, k] times [b or 1, k, m], element by element.
std::vector<double> product(int b, int n, int k, int m, const std::vector<double>& x, const std::vector<double>& y, bool shared) {
  std::vector<double> r;
  for (int q = 0; q < b; ++q)
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < m; ++j) {
        double s = 0;
        for (int p = 0; p < k; ++p) s += x[static_cast<std::size_t>((q * n + i) * k + p)] * y[static_cast<std::size_t>(((shared ? 0 : q) * k + p) * m + j)];
        r.push_back(s);
      }
  return r;
}

}  // namespace

TEST_CASE("matmul") {
  const auto x = wave(24), y = wave(40, 1, 2);
  CHECK(near(reals<arg<double, B, 4>, arg<double, 4, 5>>([](auto a, auto b) { return matmul(a, b); }, {array({6, 4}, x), array({4, 5}, wave(20, 1, 2))}),
             product(1, 6, 4, 5, x, wave(20, 1, 2), true)));
  CHECK(near(reals<arg<double, B, 3, 4>, arg<double, 4, 5>>([](auto a, auto b) { return matmul(a, b); }, {array({2, 3, 4}, x), array({4, 5}, wave(20, 1, 2))}),
             product(2, 3, 4, 5, x, wave(20, 1, 2), true)));
  CHECK(near(reals<arg<double, B, 3, 4>, arg<double, B, 4, 5>>([](auto a, auto b) { return matmul(a, b); }, {array({2, 3, 4}, x), array({2, 4, 5}, y)}),
             product(2, 3, 4, 5, x, y, false)));
}

TEST_CASE("transposed operands") {
  using X = arg<double, 2, 3, 4>;
  using Y = arg<double, 2, 4, 5>;
  const std::vector<reference_array> in{array({2, 3, 4}, wave(24)), array({2, 4, 5}, wave(40, 1, 2))};
  const auto expected = reals<X, Y>([](auto a, auto b) { return matmul(a, b); }, in);
  CHECK(near(reals<X, Y>([](auto a, auto b) { return make<ops::matmul, words<1, 0>>(transpose(a), b); }, in), expected));
  CHECK(near(reals<X, Y>([](auto a, auto b) { return make<ops::matmul, words<0, 1>>(a, transpose(b)); }, in), expected));
  CHECK(near(reals<X, Y>([](auto a, auto b) { return make<ops::matmul, words<1, 1>>(transpose(a), transpose(b)); }, in), expected));
}

TEST_CASE("an empty inner dimension gives zeros") {
  CHECK(reals<arg<double, 2, B>, arg<double, B, 1>>([](auto a, auto b) { return matmul(a, b); }, {array({2, 0}, {}), array({0, 1}, {})}) == std::vector<double>{0, 0});
}
