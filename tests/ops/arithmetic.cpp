// Arithmetic, comparisons and where: types, promotion, values.
#include "../typed.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace thunder;
using namespace typed_tests;
namespace {

inline constexpr auto B = dim("batch");
constexpr arg<float, B, 3> x{};
constexpr arg<double, 3> wide{};
constexpr arg<bf16, 3> half{};
constexpr arg<std::int32_t, B, 3> i{};
constexpr arg<bool, 3> flag{};

// promotion and broadcasting
static_assert(is<float, B, 3>(x + x) && is<double, B, 3>(x * wide) && is<float, B, 3>(half - x) && is<float, B, 3>(i / x));
static_assert(is<bf16, 3>(half * 0.5_c) && is<float, B, 3>(2_c - x) && is<std::int32_t, B, 3>(i + 1_c) && is<float, B, 3>(i + 0.5_c));
static_assert(is<float>(arg<float>{} + arg<float>{}) && is<float, B, 4, 3>(arg<float, B, 1, 3>{} + arg<float, 4, 1>{}));
static_assert(is<bool, B, 3>(x > wide) && is<bool, B, 3>(i == 0_c) && is<bool, 3>(!flag) && is<bool, B, 3>(logical_and(x > 0_c, flag)));
static_assert(is<float, B, 3>(where(flag, x, 0_c)) && is<double, B, 3>(where(x > 0_c, x, wide)));
static_assert(is<float, B, 3>(abs(x)) && is<std::int32_t, B, 3>(sign(i)) && is<float, B, 3>(-x) && is<float, B, 3>(maximum(x, half)));
// equal programs have equal types
static_assert(std::same_as<decltype(x * x + 1_c), decltype(x * x + 1_c)> && !std::same_as<decltype(x + 1_c), decltype(x + 2_c)>);
// constants fold
static_assert(std::same_as<decltype(2_c * 3_c), number<bits_of(6)>>);

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
using V = arg<double, 4>;
using N = arg<std::int64_t, 4>;

}  // namespace

TEST_CASE("numbers that no integer holds, and infinities") {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  CHECK(reals<arg<double>>([](auto x) { return minimum(x * 1e20_c, number<bits_of(1e300)>{}) + number<bits_of(infinity)>{}; }, {scalar(2)}) == std::vector<double>{infinity});
  CHECK(reals<arg<std::int32_t>>([](auto x) { return x * 1e20_c; }, {whole({}, {3}, dtype::i32)})[0] == doctest::Approx(3e20));
}

TEST_CASE("arithmetic") {
  const std::vector<reference_array> in{array({4}, {1, -2, 0, 4}), array({4}, {2, 4, -1, 0.5})};
  auto check = [&](auto f, std::vector<double> expected) { CHECK(reals<V, V>(f, in) == expected); };
  check([](auto a, auto b) { return a + b; }, {3, 2, -1, 4.5});
  check([](auto a, auto b) { return a - b; }, {-1, -6, 1, 3.5});
  check([](auto a, auto b) { return a * b; }, {2, -8, 0, 2});
  check([](auto a, auto b) { return a / b; }, {0.5, -0.5, 0, 8});
  check([](auto a, auto b) { return maximum(a, b); }, {2, 4, 0, 4});
  check([](auto a, auto b) { return minimum(a, b); }, {1, -2, -1, 0.5});
  check([](auto a, auto) { return -abs(a) + sign(a); }, {0, -3, 0, -3});
  check([](auto a, auto b) { return where(a > b, a, 7_c); }, {7, 7, 0, 4});
}

TEST_CASE("integers") {
  const std::vector<reference_array> in{whole({4}, {7, -7, 5, INT64_MIN}), whole({4}, {2, 2, 0, -1})};
  CHECK(integers<N, N>([](auto a, auto b) { return a / b; }, in) == std::vector<std::int64_t>{3, -3, 0, INT64_MIN});
  CHECK(integers<N, N>([](auto a, auto b) { return cast<std::int32_t>(a) * 1'000'000'000_c + cast<std::int32_t>(b); }, in) ==
        std::vector<std::int64_t>{static_cast<std::int32_t>(7'000'000'002ull), static_cast<std::int32_t>(-6'999'999'998ll), 705'032'704, -1});
}

TEST_CASE("comparisons and NaN") {
  const std::vector<reference_array> in{array({4}, {1, not_a_number, 3, 0}), array({4}, {1, 1, not_a_number, -0.0})};
  auto check = [&](auto f, std::vector<std::int64_t> expected) { CHECK(integers<V, V>(f, in) == expected); };
  check([](auto a, auto b) { return a == b; }, {1, 0, 0, 1});
  check([](auto a, auto b) { return a != b; }, {0, 1, 1, 0});
  check([](auto a, auto b) { return logical_or(a < b, a > b); }, {0, 0, 0, 0});
  check([](auto a, auto b) { return logical_and(a <= b, !(a < b)); }, {1, 0, 0, 1});
  const auto m = reals<V, V>([](auto a, auto b) { return maximum(a, b) + minimum(a, b); }, in);
  CHECK(std::isnan(m[1]));
  CHECK(std::isnan(m[2]));
}
