// Arithmetic through jit: every element type.
#include "compare.hpp"

#include <doctest/doctest.h>

using namespace thunder;
using namespace jit_tests;

namespace {
constexpr auto chain = [](auto x, auto y) { return std::tuple{x + y, x * y - x, -x, maximum(x, y) - minimum(x, y), abs(x), sign(y), x / (y * y + 1_c)}; };
constexpr auto compares = [](auto x, auto y) { return std::tuple{x < y, x <= y, x > y, x >= y, x == y, x != y, where(x < y, x, y)}; };

template <class T> void check_type(double tolerance) {
  const auto x = wave<T, 3, 5>(0.2), y = wave<T, 3, 5>(1.1);
  CHECK(error_of(chain, x, y) <= tolerance);
  CHECK(error_of(compares, x, y) == 0);
}
}  // namespace

TEST_CASE("arithmetic and comparisons of every element type") {
  SUBCASE("float") { check_type<float>(1e-6); }
  SUBCASE("double") { check_type<double>(1e-14); }
  SUBCASE("int32") { check_type<std::int32_t>(0); }
  SUBCASE("int64") { check_type<std::int64_t>(0); }
  SUBCASE("bf16") { check_type<bf16>(2e-2); }
  SUBCASE("f16") { check_type<f16>(2e-3); }
}
