// Casts and promotion through jit.
#include "compare.hpp"

#include <doctest/doctest.h>

using namespace thunder;
using namespace jit_tests;

TEST_CASE("casts") {
  const auto x = wave<double, 7>(0.5);
  CHECK(error_of([](auto a) { return std::tuple{cast<float>(a), cast<std::int32_t>(a), cast<std::int64_t>(a), cast<bool>(a), cast<bf16>(a), cast<f16>(a)}; }, x) == 0);
  const auto i = wave<std::int32_t, 7>(0.5);
  CHECK(error_of([](auto a) { return std::tuple{cast<float>(a), cast<double>(a), cast<std::int64_t>(a), cast<bool>(a), cast<bf16>(a)}; }, i) == 0);
  const auto b = wave<bool, 7>(0);
  CHECK(error_of([](auto a) { return std::tuple{cast<float>(a), cast<std::int32_t>(a), cast<std::int64_t>(a)}; }, b) == 0);
  CHECK(error_of([](auto a) { return cast<float>(full<bf16, 7>(0.1_c)) + a; }, wave<float, 7>(0)) < 1e-2);
}

TEST_CASE("constants keep the element type of what they meet") {
  auto f = jit([](auto x) { return std::tuple{x * 0.1_c, x + 1_c}; });
  const auto [a, b] = f(tensor<bf16, 2>{1, 2});
  static_assert(std::is_same_v<std::remove_cvref_t<decltype(a)>, tensor<bf16, 2>>);
  CHECK(static_cast<float>(a(1)) == static_cast<float>(bf16(0.2f)));
  auto g = jit([](auto i) { return std::tuple{i + 1_c, i * 0.5_c}; });
  const auto [c, d] = g(tensor<std::int32_t, 2>{3, 5});
  static_assert(std::is_same_v<std::remove_cvref_t<decltype(c)>, tensor<std::int32_t, 2>> && std::is_same_v<std::remove_cvref_t<decltype(d)>, tensor<float, 2>>);
  CHECK(d(1) == 2.5f);
}

TEST_CASE("bools") {
  const auto x = wave<bool, 4, 3>(0), y = wave<bool, 4, 3>(1);
  CHECK(error_of([](auto a, auto b) { return std::tuple{logical_and(a, b), logical_or(a, b), !a, a == b, where(a, 1_c, cast<float>(b))}; }, x, y) == 0);
}

TEST_CASE("a number in a register, a tensor and a view are arguments") {
  auto f = jit([](auto x, auto a) { return x * a + 1_c; });
  tensor<float, 2, 2> x{1, 2, 3, 4};
  const auto y = f(x, 3.0f);
  CHECK(y(0, 0) == 4);
  CHECK(y(1, 1) == 13);
  const auto z = f(x.slice<1, 2>(), 2.0f);
  static_assert(decltype(z)::rank == 2);
  CHECK(z(0, 1) == 9);
  CHECK(f(2.0f, 5.0f).item() == 11);
}

TEST_CASE("hello, world") {
  auto add = jit([](auto a, auto b) { return a + b; });
  const tensor<float, 2, 3> x{1, 2, 3, 4, 5, 6}, y{10, 20, 30, 40, 50, 60};
  const auto z = add(x, y);
  static_assert(std::is_same_v<decltype(z), const tensor<float, 2, 3>>);
  for (int i = 0; i < 6; ++i) CHECK(z.data()[i] == static_cast<float>(11 * (i + 1)));
}
