// transpose, slice, pad, concatenate, iota, unsqueeze, tril, triu.
#include "../typed.hpp"

#include <thunder/transforms/grad.hpp>

#include <doctest/doctest.h>

using namespace thunder;
using namespace typed_tests;
namespace {

inline constexpr auto B = dim("batch");
constexpr arg<float, B, 4, 6> x{};
static_assert(is<float, B, 6, 4>(transpose(x)) && is<float, 6, B, 4>(transpose(x, axis<-1, 0, 1>)) && is<float, 4>(transpose(arg<float, 4>{})));
static_assert(is<float, B, 2, 6>(slice<1, 1, 3>(x)) && is<float, B, 4, 3>(slice<-1, 0, -1, 2>(x)) && is<float, B, 4, 2>(slice<2, 1, 6, 4>(x)));
static_assert(is<float, B, 4, 9>(pad<-1, 1, 2>(x)) && is<float, B, 4, 12>(concatenate(axis<-1>, x, x)) && is<float, B, 4, 6>(concatenate(axis<1>, x)));
static_assert(is<std::int32_t, B, 4>(iota<std::int32_t, B, 4>(axis<0>)) && is<float, B, 1, 4, 6>(unsqueeze(x, axis<1>)) && is<float, B, 4, 6, 1>(unsqueeze(x, axis<-1>)));
static_assert(is<std::int64_t>(extent<B * 3>()));

std::vector<double> count(std::int64_t n) {
  std::vector<double> r;
  for (std::int64_t i = 0; i < n; ++i) r.push_back(static_cast<double>(i));
  return r;
}
using M = arg<double, 2, 3>;
const std::vector<reference_array> matrix{array({2, 3}, count(6))};

}  // namespace

TEST_CASE("transpose") {
  CHECK(reals<M>([](auto m) { return transpose(m); }, matrix) == std::vector<double>{0, 3, 1, 4, 2, 5});
  const auto r = run<arg<double, B, 2, 3>>([](auto m) { return transpose(m, axis<2, 0, 1>); }, {array({2, 2, 3}, count(12))});
  CHECK(r[0].extents == extents{3, 2, 2});
  CHECK(r[0].reals == std::vector<double>{0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11});
}

TEST_CASE("slice and pad") {
  CHECK(reals<M>([](auto m) { return slice<1, 1, 3>(m); }, matrix) == std::vector<double>{1, 2, 4, 5});
  CHECK(reals<M>([](auto m) { return slice<1, 0, -1, 2>(m); }, matrix) == std::vector<double>{0, 2, 3, 5});
  CHECK(reals<M>([](auto m) { return slice<0, 1, 2>(slice<1, 2, 3>(m)); }, matrix) == std::vector<double>{5});
  CHECK(reals<M>([](auto m) { return pad<1, 1, 0>(m); }, matrix) == std::vector<double>{0, 0, 1, 2, 0, 3, 4, 5});
  CHECK(reals<arg<double, 3>>([](auto v) { return make<ops::pad, words<1, 0, 2>>(v); }, {array({3}, {1, 2, 3})}) == std::vector<double>{0, 1, 0, 0, 2, 0, 0, 3});
}

TEST_CASE("concatenate") {
  CHECK(reals<M>([](auto m) { return concatenate(axis<1>, m, slice<1, 0, 1>(m)); }, matrix) == std::vector<double>{0, 1, 2, 0, 3, 4, 5, 3});
  CHECK(reals<M>([](auto m) { return concatenate(axis<0>, slice<0, 1, 2>(m), m); }, matrix) == std::vector<double>{3, 4, 5, 0, 1, 2, 3, 4, 5});
}

TEST_CASE("gradients by what has no elements") {
  using none = arg<double, 0>;
  constexpr auto f = [](auto e, auto x) { return sum(square(concatenate(axis<0>, e, x))) + sum(pad<0, 1, 1>(e)); };
  const auto r = run<none, arg<double, 2>>(grad(f, wrt<0, 1>), {array({0}, {}), array({2}, {1, 2})});
  REQUIRE(r.size() == 2);
  CHECK(r[0].reals.empty());
  CHECK(r[1].reals == std::vector<double>{2, 4});
}

TEST_CASE("iota and extent") {
  const std::vector<reference_array> in{array({2, 3}, count(6))};
  CHECK(integers<arg<double, B, 3>>([](auto m) { return iota<std::int32_t, B, 3>(axis<1>) + 0_c * cast<std::int32_t>(m); }, in) == std::vector<std::int64_t>{0, 1, 2, 0, 1, 2});
  CHECK(reals<arg<double, B, 3>>([](auto m) { return iota<double, B, 3>(axis<0>) + 0_c * m; }, in) == std::vector<double>{0, 0, 0, 1, 1, 1});
  CHECK(integers<arg<double, B, 3>>([](auto) { return extent<B * 5>(); }, in) == std::vector<std::int64_t>{10});
}

TEST_CASE("triangles") {
  using S = arg<double, 2, 2, 3>;
  const std::vector<reference_array> in{array({2, 2, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})};
  CHECK(reals<S>([](auto m) { return tril(m); }, in) == std::vector<double>{1, 0, 0, 4, 5, 0, 7, 0, 0, 10, 11, 0});
  CHECK(reals<S>([](auto m) { return tril<-1>(m) + 100_c * triu<2>(m); }, in) == std::vector<double>{0, 0, 300, 4, 0, 0, 0, 0, 900, 10, 0, 0});
  CHECK(reals<S>(grad([](auto m) { return sum(tril<1>(m) * m); }), in) == std::vector<double>{2, 4, 0, 8, 10, 12, 14, 16, 0, 20, 22, 24});
}
