// full, cast, broadcast and reshape.
#include "../typed.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace thunder;
using namespace typed_tests;
namespace {

inline constexpr auto B = dim("batch");
inline constexpr auto T = dim("seq");
constexpr arg<float, B, T, 6> x{};
static_assert(is<float, B * T, 6>(reshape<B * T, 6>(x)) && is<float, B, T, 2, 3>(reshape<B, T, 2, 3>(x)) && is<float, 6 * T, B>(reshape<6 * T, B>(x)));
static_assert(is<float, B, 6 * T>(reshape<B, -1>(x)) && is<float, 2, 3>(reshape<2, -1>(arg<float, 6>{})));
static_assert(std::same_as<decltype(reshape<B, T, 6>(x)), decltype(arg<float, B, T, 6>{})>);  // nothing to do
static_assert(is<float, B, 3, 2>(broadcast<B, 3, 2>(arg<float, 3, 1>{})) && is<float, B, 4>(full<float, B, 4>(0.5_c)) && is<bf16, 2>(zeros<bf16, 2>()));
static_assert(is<std::int64_t, B, T, 6>(cast<std::int64_t>(x)) && std::same_as<decltype(cast<float>(x)), arg<float, B, T, 6>>);

}  // namespace

TEST_CASE("broadcast") {
  const auto r = run<arg<double, 2, 1>>([](auto v) { return broadcast<3, 2, 2>(v); }, {array({2, 1}, {5, 6})});
  CHECK(r[0].extents == extents{3, 2, 2});
  CHECK(r[0].reals == std::vector<double>{5, 5, 6, 6, 5, 5, 6, 6, 5, 5, 6, 6});
  const auto s = run<arg<double, B, 1>, arg<double, T>>([](auto a, auto b) { return a * b; }, {array({2, 1}, {1, 10}), array({3}, {1, 2, 3})});
  CHECK(s[0].extents == extents{2, 3});
  CHECK(s[0].reals == std::vector<double>{1, 2, 3, 10, 20, 30});
}

TEST_CASE("reshape of named dimensions") {
  const auto r = run<arg<double, B, T, 2>>([](auto v) { return reshape<T, 2 * B>(v); }, {array({3, 2, 2}, wave(12))});
  CHECK(r[0].extents == extents{2, 6});
  CHECK(r[0].reals == wave(12));
}

TEST_CASE("cast") {
  const double big = 1e300, nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<reference_array> in{array({6}, {-1.9, 0.1, 2.5, big, -big, nan})};
  using V = arg<double, 6>;
  CHECK(integers<V>([](auto v) { return cast<std::int32_t>(v); }, in) == std::vector<std::int64_t>{-1, 0, 2, INT32_MAX, INT32_MIN, 0});
  CHECK(integers<V>([](auto v) { return cast<std::int64_t>(v); }, in) == std::vector<std::int64_t>{-1, 0, 2, INT64_MAX, INT64_MIN, 0});
  CHECK(integers<V>([](auto v) { return cast<bool>(v); }, in) == std::vector<std::int64_t>{1, 1, 1, 1, 1, 1});
  CHECK(reals<V>([](auto v) { return cast<float>(v); }, in)[1] == static_cast<double>(0.1f));
  CHECK(reals<V>([](auto v) { return cast<bf16>(v); }, in)[0] == -1.8984375);
  CHECK(reals<V>([](auto v) { return cast<f16>(v); }, in)[3] == std::numeric_limits<double>::infinity());
  CHECK(reals<arg<std::int32_t, 2>>([](auto v) { return cast<double>(v); }, {whole({2}, {3, -4}, dtype::i32)}) == std::vector<double>{3, -4});
}

TEST_CASE("full") {
  const auto r = run<arg<double, B>>([](auto v) { return v + full<double, B>(0.25_c); }, {array({2}, {1, 2})});
  CHECK(r[0].reals == std::vector<double>{1.25, 2.25});
  CHECK_THROWS_AS((run<arg<double>>([](auto v) { return v + full<double, T>(1_c); }, {scalar(1)})), shape_error);  // nothing binds seq
}
