// sort, argsort, top_k, take_along_axis.
#include "../typed.hpp"

#include <thunder/transforms/grad.hpp>

#include <doctest/doctest.h>

#include <limits>

using namespace thunder;
using namespace typed_tests;
namespace {

inline constexpr auto B = dim("batch");
constexpr arg<bf16, B, 4, 6> x{};
static_assert(is<bf16, B, 4, 6>(sort(x).first) && is<std::int32_t, B, 4, 6>(sort(x, axis<0>).second) && is<std::int32_t, B, 4, 6>(argsort(x, axis<1>)));
static_assert(is<bf16, B, 4, 2>(top_k<2>(x).first) && is<std::int32_t, B, 4, 2>(top_k<2>(x).second));
static_assert(is<float, 3, 1500>(top_k<1500>(arg<float, 3, 2000>{}).first));  // by a sort
static_assert(is<bf16, B, 4, 9>(take_along_axis(x, arg<std::int64_t, B, 4, 9>{})) && is<bf16, 5, 4, 6>(take_along_axis(arg<bf16, B, 4, 6>{}, arg<std::int32_t, 5, 4, 6>{}, axis<0>)));

const double nan = std::numeric_limits<double>::quiet_NaN(), infinite = std::numeric_limits<double>::infinity();
using V = arg<double, 8>;
const std::vector<reference_array> special{array({8}, {0.0, nan, -infinite, -0.0, 5, nan, infinite, -3})};
using M = arg<double, B, 3>;
const std::vector<reference_array> matrix{array({2, 3}, {3, -1, 4, 1, -5, 9})};
inline constexpr auto by_place = [](auto m) { return sum(sin(sort(m).first) * iota<double, B, 4>(axis<1>)); };

}  // namespace

TEST_CASE("equal elements keep their order, -0 equals 0, NaN is the largest") {
  const auto up = run<V>([](auto v) { return sort(v); }, special), down = run<V>([](auto v) { return sort<sort_order::descending>(v); }, special);
  CHECK(up[1].integers == std::vector<std::int64_t>{2, 7, 0, 3, 4, 6, 1, 5});
  CHECK(down[1].integers == std::vector<std::int64_t>{1, 5, 6, 4, 0, 3, 7, 2});
  CHECK((up[0].reals[0] == -infinite && !std::signbit(up[0].reals[2]) && std::signbit(up[0].reals[3]) && std::isnan(up[0].reals[7])));
  CHECK(run<V>([](auto v) { return top_k<6>(v); }, special)[1].integers == std::vector<std::int64_t>{1, 5, 6, 4, 0, 3});
}

TEST_CASE("along any axis") {
  CHECK(reals<M>([](auto m) { return sort(m); }, matrix) == std::vector<double>{-1, 3, 4, -5, 1, 9});
  CHECK(reals<M>([](auto m) { return sort(m, axis<0>).first; }, matrix) == std::vector<double>{1, -5, 4, 3, -1, 9});
  CHECK(integers<M>([](auto m) { return argsort<sort_order::descending>(m); }, matrix) == std::vector<std::int64_t>{2, 0, 1, 2, 0, 1});
  CHECK(integers<M>([](auto m) { return argsort(m, axis<0>); }, matrix) == std::vector<std::int64_t>{1, 1, 0, 0, 0, 1});
  CHECK(reals<M>([](auto m) { return top_k<2>(m); }, matrix) == std::vector<double>{4, 3, 9, 1});
  CHECK(integers<arg<bool, 3>>([](auto v) { return argsort(v); }, {whole({3}, {1, 0, 1}, dtype::b8)}) == std::vector<std::int64_t>{1, 0, 2});
}

TEST_CASE("take_along_axis is what sort does, and clamps") {
  CHECK(reals<M>([](auto m) { return take_along_axis(m, argsort(m)); }, matrix) == std::vector<double>{-1, 3, 4, -5, 1, 9});
  CHECK(reals<M, arg<std::int64_t, 1, 3>>([](auto m, auto i) { return take_along_axis(m, i, axis<0>); }, {matrix[0], whole({1, 3}, {1, 0, 7})}) == std::vector<double>{1, -1, 9});
}

TEST_CASE("gradients go where the elements came from") {
  using N = arg<double, 3, 4>;
  const std::vector<reference_array> in{array({3, 4}, wave(12))};
  constexpr auto f = [](auto m) {
    const auto [values, indices] = sort<sort_order::descending>(m);
    const auto [largest, where] = top_k<2>(m * 2_c);
    return sum(sin(values) * iota<double, 3, 4>(axis<1>)) + sum(square(largest) * iota<double, 3, 2>(axis<0>)) + sum(sort(m, axis<0>).first * iota<double, 3, 4>(axis<0>)) +
           sum(square(take_along_axis(m, where)));
  };
  CHECK(near(reals<N>(grad(f), in), differences<N>(f, in, 0), 1e-8));
  using D = arg<double, B, 4>;  // the number of rows is known when the program runs
  CHECK(near(reals<D>(grad(by_place), in), differences<D>(by_place, in, 0), 1e-8));
  constexpr auto slope = [](auto m) { return sum(sin(grad(by_place)(m))); };
  CHECK(near(reals<D>(grad(slope), in), differences<D>(slope, in, 0), 1e-6));
}
