// sum, max, min, prod, mean, any, all, argmax, argmin.
#include "../typed.hpp"

#include <thunder/transforms/grad.hpp>

#include <doctest/doctest.h>

#include <limits>

using namespace thunder;
using namespace typed_tests;
namespace {

inline constexpr auto B = dim("batch");
constexpr arg<float, B, 4, 6> x{};
static_assert(is<float>(sum(x)) && is<float, B, 6>(sum(x, axis<1>)) && is<float, 4>(max(x, axis<0, -1>)) && is<float, B, 4>(min(x, axis<-1>)) && is<float>(mean(x)));
static_assert(is<std::int32_t, B, 6>(argmax(x, axis<1>)) && is<std::int64_t>(sum(arg<std::int64_t, 3>{})) && is<float>(sum(arg<float>{})));

const std::vector<double> six{3, -1, 4, 1, -5, 9};
using M = arg<double, B, 3>;
const std::vector<reference_array> matrix{array({2, 3}, six)};

}  // namespace

TEST_CASE("reductions") {
  CHECK(reals<M>([](auto m) { return sum(m); }, matrix) == std::vector<double>{11});
  CHECK(reals<M>([](auto m) { return sum(m, axis<0>); }, matrix) == std::vector<double>{4, -6, 13});
  CHECK(reals<M>([](auto m) { return sum(m, axis<1>); }, matrix) == std::vector<double>{6, 5});
  CHECK(reals<M>([](auto m) { return max(m, axis<0>); }, matrix) == std::vector<double>{3, -1, 9});
  CHECK(reals<M>([](auto m) { return min(m); }, matrix) == std::vector<double>{-5});
  CHECK(near(reals<M>([](auto m) { return mean(m); }, matrix), {11.0 / 6}));
  CHECK(near(reals<M>([](auto m) { return mean(m, axis<0>); }, matrix), {2, -3, 6.5}));
}

TEST_CASE("reductions of integers, and NaN") {
  CHECK(integers<arg<std::int32_t, 3>>([](auto v) { return max(v); }, {whole({3}, {-7, -3, -9}, dtype::i32)}) == std::vector<std::int64_t>{-3});
  CHECK(integers<arg<std::int32_t, 2>>([](auto v) { return sum(v); }, {whole({2}, {INT32_MAX, 1}, dtype::i32)}) == std::vector<std::int64_t>{INT32_MIN});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(std::isnan(reals<arg<double, 3>>([](auto v) { return max(v); }, {array({3}, {1, nan, 2})})[0]));
}

TEST_CASE("reductions of nothing") {
  const std::vector<reference_array> none{array({0, 3}, {})};
  CHECK(reals<M>([](auto m) { return sum(m, axis<0>); }, none) == std::vector<double>{0, 0, 0});
  CHECK(reals<M>([](auto m) { return max(m); }, none) == std::vector<double>{-std::numeric_limits<double>::infinity()});
}

TEST_CASE("argmax is the first of equals") {
  CHECK(integers<M>([](auto m) { return argmax(m, axis<1>); }, matrix) == std::vector<std::int64_t>{2, 2});
  CHECK(integers<M>([](auto m) { return argmax(m, axis<0>); }, matrix) == std::vector<std::int64_t>{0, 0, 1});
  CHECK(integers<arg<double, 4>>([](auto v) { return argmax(v, axis<0>); }, {array({4}, {1, 5, 5, 2})}) == std::vector<std::int64_t>{1});
  CHECK(integers<arg<double, 3>>([](auto v) { return argmax(v, axis<0>); }, {array({3}, {1, std::numeric_limits<double>::quiet_NaN(), 9})}) == std::vector<std::int64_t>{1});
}

TEST_CASE("argmin is argmax upside down") {
  CHECK(integers<M>([](auto m) { return argmin(m, axis<1>); }, matrix) == std::vector<std::int64_t>{1, 1});
  CHECK(integers<arg<double, 3>>([](auto v) { return argmin(v, axis<0>); }, {array({3}, {1, std::numeric_limits<double>::quiet_NaN(), -9})}) == std::vector<std::int64_t>{1});
  CHECK(integers<arg<std::int32_t, 4>>([](auto v) { return argmin(v, axis<0>); }, {whole({4}, {-1, INT32_MAX, INT32_MIN, 0}, dtype::i32)}) == std::vector<std::int64_t>{2});
  CHECK(integers<arg<bool, 3>>([](auto v) { return argmin(v, axis<0>); }, {whole({3}, {1, 0, 0}, dtype::b8)}) == std::vector<std::int64_t>{1});
}

TEST_CASE("any and all") {
  static_assert(is<bool, B, 6>(any(x, axis<1>)) && is<bool>(all(x)));
  const std::vector<reference_array> some{array({2, 3}, {0, -0.0, 4, 0, 0, std::numeric_limits<double>::quiet_NaN()})};
  CHECK(integers<M>([](auto m) { return any(m, axis<0>); }, some) == std::vector<std::int64_t>{0, 0, 1});
  CHECK(integers<M>([](auto m) { return all(m, axis<0>); }, some) == std::vector<std::int64_t>{0, 0, 1});
  CHECK(integers<M>([](auto m) { return any(m > 4_c); }, some) == std::vector<std::int64_t>{0});
  CHECK(run<M>([](auto m) { return std::tuple{any(m, axis<0>), all(m, axis<0>)}; }, {array({0, 3}, {})})[0].integers == std::vector<std::int64_t>{0, 0, 0});
  CHECK(integers<M>([](auto m) { return all(m); }, {array({0, 3}, {})}) == std::vector<std::int64_t>{1});
}

TEST_CASE("prod, and its gradient at zeros") {
  CHECK(reals<M>([](auto m) { return prod(m, axis<1>); }, matrix) == std::vector<double>{-12, -45});
  CHECK(reals<M>([](auto m) { return prod(m); }, {array({0, 3}, {})}) == std::vector<double>{1});
  using N = arg<double, 3, 3>;
  constexpr auto f = [](auto m) { return sum(sin(prod(m, axis<1>))) + prod(m, axis<0, 1>); };
  const std::vector<reference_array> zeros{array({3, 3}, {2, 3, -1, 0, 5, 4, 0, 0.5, 0})};
  CHECK(near(reals<N>(grad(f), zeros), differences<N>(f, zeros, 0), 1e-8));
}
