// Broadcasting through jit: in all positions, and where a region's masks are not simple.
#include "compare.hpp"

#include <doctest/doctest.h>

using namespace thunder;
using namespace jit_tests;

namespace {
constexpr auto combine = [](auto x, auto y) { return x * y + y; };
constexpr double tolerance = 1e-6;
}  // namespace

TEST_CASE("two operands of any shapes") {
  const auto m = wave<float, 4, 5>(0.1);
  const auto row = wave<float, 5>(0.2);
  CHECK(error_of(combine, m, row) < tolerance);
  CHECK(error_of(combine, row, m) < tolerance);
  CHECK(error_of(combine, m, wave<float, 4, 1>(0.3)) < tolerance);
  CHECK(error_of(combine, m, wave<float>(0.4)) < tolerance);
  CHECK(error_of(combine, wave<float, 1, 1>(0.4), m) < tolerance);
  CHECK(error_of(combine, wave<float, 3, 1, 5>(0.5), wave<float, 4, 1>(0.6)) < tolerance);
  CHECK(error_of(combine, wave<float, 2, 3, 4, 5>(0.5), wave<float, 3, 1, 5>(0.6)) < tolerance);
}

TEST_CASE("several operands in one region") {
  const auto f = [](auto x, auto a, auto b, auto c, auto d) { return tanh(x * a + b) * c + d * a; };
  CHECK(error_of(f, wave<float, 6, 3, 4>(0.1), wave<float, 4>(0.2), wave<float, 3, 1>(0.3), wave<float, 6, 1, 1>(0.4), wave<float>(0.5)) < tolerance);
  CHECK(error_of(f, wave<float, 6, 3, 4>(0.1), wave<float, 3, 4>(0.2), wave<float, 6, 1, 4>(0.3), wave<float, 1, 3, 1>(0.4), wave<float, 1>(0.5)) < tolerance);
}

TEST_CASE("a broadcast that is a result itself, constants that are results, and counters") {
  CHECK(error_of([](auto x) { return std::tuple{broadcast<3, 4>(x), full<float, 2, 2>(7_c), iota<std::int32_t, 3, 4>(axis<0>), iota<float, 3, 4>(axis<1>) + x, x}; }, wave<float, 4>(0.1)) == 0);
  CHECK(error_of([](auto x) { return sum(broadcast<3, 4>(x)); }, wave<float, 4>(0.1)) < tolerance);
  CHECK(error_of([](auto x) { return sum(broadcast<3, 4, 5>(unsqueeze(x, axis<-1>)), axis<0, 2>); }, wave<float, 4>(0.1)) < tolerance);
  CHECK(error_of([](auto x) { return max(broadcast<2, 4, 3>(unsqueeze(x, axis<-1>)), axis<1, 2>); }, wave<float, 4>(0.1)) == 0);
}

TEST_CASE("no elements at all") {
  auto f = jit([](auto x) { return std::tuple{x * 2_c, sum(x), sum(x, axis<0>), softmax(x)}; });
  tensor<float, 0, 3> none;
  const auto [y, s, columns, p] = f(none);
  CHECK(y.size() == 0);
  CHECK(s.item() == 0);
  CHECK(columns(2) == 0);
  CHECK(p.size() == 0);
}
