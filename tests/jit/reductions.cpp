// prod, any, all, argmin, stddev and var_mean through jit.
#include "compare.hpp"

#include <doctest/doctest.h>

using namespace thunder;
using namespace jit_tests;

TEST_CASE("in one region, and with a gradient") {
  const auto x = wave<float, 6, 50>(0.1);
  CHECK(error_of([](auto a) { return std::tuple{prod(a, axis<0>), prod(a * 0.5_c, axis<1>), any(a > 2.9_c, axis<1>), all(a > -2.9_c, axis<0>)}; }, x) < 1e-5);
  CHECK(error_of([](auto a) { return std::tuple{prod(a), prod(a, axis<1>)}; }, wave<std::int32_t, 3, 4>(0.7)) == 0);
  CHECK(error_of([](auto a) { return std::tuple{argmin(a, axis<0>), argmin(a, axis<1>), stddev(a), var_mean(a, axis<1>)}; }, x) < 1e-6);
  CHECK(error_of([](auto a) { return grad([](auto y) { return sum(sin(prod(y, axis<1>))) + stddev(y); })(a); }, wave<float, 6, 5>(0.1)) < 1e-5);
}
