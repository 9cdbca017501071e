// cumsum, cumprod.
#include "../typed.hpp"

#include <thunder/transforms/grad.hpp>

#include <doctest/doctest.h>

using namespace thunder;
using namespace typed_tests;
namespace {

inline constexpr auto B = dim("batch");
constexpr arg<bf16, B, 4, 6> x{};
static_assert(is<bf16, B, 4, 6>(cumsum(x)) && is<bf16, B, 4, 6>(cumprod<scan_order::reverse>(x, axis<0>)) && is<std::int32_t, 3>(cumsum(arg<std::int32_t, 3>{})));

using M = arg<double, B, 3>;
const std::vector<reference_array> matrix{array({2, 3}, {3, -1, 4, 1, -5, 9})};

}  // namespace

TEST_CASE("scans of rows and columns, from both ends") {
  CHECK(reals<M>([](auto m) { return cumsum(m); }, matrix) == std::vector<double>{3, 2, 6, 1, -4, 5});
  CHECK(reals<M>([](auto m) { return cumsum<scan_order::reverse>(m, axis<-1>); }, matrix) == std::vector<double>{6, 3, 4, 5, 4, 9});
  CHECK(reals<M>([](auto m) { return cumsum(m, axis<0>); }, matrix) == std::vector<double>{3, -1, 4, 4, -6, 13});
  CHECK(reals<M>([](auto m) { return cumsum<scan_order::reverse>(m, axis<0>); }, matrix) == std::vector<double>{4, -6, 13, 1, -5, 9});
  CHECK(reals<M>([](auto m) { return cumprod(m); }, matrix) == std::vector<double>{3, -3, -12, 1, -5, -45});
  CHECK(reals<M>([](auto m) { return cumprod<scan_order::reverse>(m, axis<0>); }, matrix) == std::vector<double>{3, 5, 36, 1, -5, 9});
  CHECK(reals<M>([](auto m) { return cumsum(m, axis<0>); }, {array({0, 3}, {})}).empty());
  CHECK(integers<arg<std::int32_t, 3>>([](auto v) { return cumsum(v); }, {whole({3}, {INT32_MAX, 1, 1}, dtype::i32)}) == std::vector<std::int64_t>{INT32_MAX, INT32_MIN, INT32_MIN + 1});
}

TEST_CASE("gradients of scans") {
  using V = arg<double, 2, 5>;
  constexpr auto f = [](auto v) { return sum(sin(cumsum(v)) * cumsum<scan_order::reverse>(v * v, axis<0>)); };
  const std::vector<reference_array> in{array({2, 5}, wave(10))};
  CHECK(near(reals<V>(grad(f), in), differences<V>(f, in, 0), 1e-8));
  constexpr auto g = [](auto v) { return sum(sin(cumprod(v)) + cumprod<scan_order::reverse>(v, axis<0>) * v); };
  CHECK(near(reals<V>(grad(g), in), differences<V>(g, in, 0), 1e-8));
  const std::vector<reference_array> zeros{array({2, 5}, {2, 0, 3, 5, -1, 4, 0.5, 0, 0, 7})};  // one in the first row, two in the second
  CHECK(near(reals<V>(grad(g), zeros), differences<V>(g, zeros, 0), 1e-8));
  constexpr auto slope = [](auto v) { return sum(square(grad([](auto w) { return sum(sin(cumprod(w))); })(v))); };
  CHECK(near(reals<V>(grad(slope), in), differences<V>(slope, in, 0), 1e-6));
}
