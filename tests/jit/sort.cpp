// Scans and sorts, and what is made of them, through jit.
#include "compare.hpp"

#include <doctest/doctest.h>

using namespace thunder;
using namespace jit_tests;
namespace {
inline constexpr auto B = dim("batch");
}

TEST_CASE("scans, between fused regions") {
  const auto x = wave<float, 6, 5, 9>(0.1);
  CHECK(error_of([](auto a) { return std::tuple{cumsum(a * a), cumsum<scan_order::reverse>(a, axis<0>) + 1_c, cumprod(a, axis<1>)}; }, x) < 1e-5);
  CHECK(error_of([](auto a) { return grad([](auto y) { return sum(sin(cumprod(y)) + cumsum(y, axis<1>)); })(a); }, wave<double, B, 4>(0.3, 5)) < 1e-12);
  CHECK(error_of([](auto a) { return cumsum(a); }, wave<bf16, 4, 40>(0.2)) < 4e-3);
}

TEST_CASE("sort: both results, one of them, its gradient") {
  const auto x = wave<float, B, 7, 33>(0.1, 3);
  CHECK(error_of([](auto a) { const auto [v, i] = sort(a); return std::tuple{v, i}; }, x) == 0);
  CHECK(error_of([](auto a) { return sort<sort_order::descending>(a, axis<1>).first * 2_c; }, x) == 0);
  CHECK(error_of([](auto a) { return argsort(a, axis<0>); }, x) == 0);
  CHECK(error_of([](auto a) { const auto [v, i] = top_k<3>(a); return std::tuple{v, i}; }, x) == 0);
  CHECK(error_of([](auto a) { const auto [v, i] = top_k<1100>(a); return std::tuple{v, i}; }, wave<float, 2, 1200>(0.1)) == 0);
  CHECK(error_of([](auto a) { return grad([](auto y) { return sum(sin(sort(y).first) * sort(y, axis<1>).first) + sum(square(top_k<4>(y).first)); })(a); }, wave<double, B, 7, 33>(0.1, 3)) < 1e-12);
  CHECK(error_of([](auto a, auto i) { return std::tuple{take_along_axis(a, i), take_along_axis(a, i, axis<0>)}; }, wave<float, 6, 6>(0.1), wave<std::int32_t, 6, 6>(0.2)) == 0);
}
