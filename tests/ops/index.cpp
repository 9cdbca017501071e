// take, scatter_add, one_hot, dynamic_slice, dynamic_update_slice.
#include "../typed.hpp"

#include <thunder/transforms/grad.hpp>

#include <doctest/doctest.h>

using namespace thunder;
using namespace typed_tests;
namespace {

inline constexpr auto B = dim("batch");
constexpr arg<float, 50, 8> table{};
constexpr arg<std::int32_t, B, 5> index{};
static_assert(is<float, B, 5, 8>(take(table, index)) && is<float, 8>(take(table, arg<std::int64_t>{})) && is<float, B, 5, 10>(one_hot<10>(index)));
static_assert(is<bf16, B, 5, 10>(one_hot<10, bf16>(index)));
static_assert(is<float, 50, 3>(dynamic_slice<-1, 3>(table, arg<std::int64_t>{})) && is<float, 50, 8>(dynamic_update_slice<0>(table, arg<float, 7, 8>{}, arg<std::int32_t>{})));

}  // namespace

TEST_CASE("take clamps its index") {
  const auto r = run<arg<double, 3, 2>, arg<std::int32_t, 4>>([](auto x, auto i) { return take(x, i); },
                                                             {array({3, 2}, {0, 1, 10, 11, 20, 21}), whole({4}, {2, 0, -5, 9}, dtype::i32)});
  CHECK(r[0].extents == extents{4, 2});
  CHECK(r[0].reals == std::vector<double>{20, 21, 0, 1, 0, 1, 20, 21});
}

TEST_CASE("scatter_add adds what take picks") {
  const auto f = [](auto i, auto rows) { return make<ops::scatter_add, words<>, target_of<dtype::f64, shape_t<3, 2>>>(i, rows); };
  CHECK(reals<arg<std::int32_t, 4>, arg<double, 4, 2>>(f, {whole({4}, {2, 0, 2, 7}, dtype::i32), array({4, 2}, {1, 2, 3, 4, 5, 6, 7, 8})}) == std::vector<double>{3, 4, 0, 0, 13, 16});
}

TEST_CASE("one_hot") {
  CHECK(reals<arg<std::int64_t, 3>>([](auto i) { return one_hot<3, double>(i); }, {whole({3}, {1, 2, 5})}) == std::vector<double>{0, 1, 0, 0, 0, 1, 0, 0, 0});
}

TEST_CASE("dynamic slices clamp their start") {
  using M = arg<double, 2, 3>;
  using I = arg<std::int32_t>;
  const auto read = [](auto m, auto i) { return dynamic_slice<1, 2>(m, i); };
  const auto write = [](auto m, auto u, auto i) { return dynamic_update_slice<1>(m, u, i); };
  const std::vector<double> x{0, 1, 2, 10, 11, 12};
  const std::vector<std::vector<double>> parts{{0, 1, 10, 11}, {0, 1, 10, 11}, {1, 2, 11, 12}, {1, 2, 11, 12}};
  const std::vector<std::vector<double>> written{{-1, -2, 2, -3, -4, 12}, {-1, -2, 2, -3, -4, 12}, {0, -1, -2, 10, -3, -4}, {0, -1, -2, 10, -3, -4}};
  for (std::size_t i = 0; i < 4; ++i) {
    const auto start = whole({}, {static_cast<std::int64_t>(i) - 1}, dtype::i32);
    CHECK(reals<M, I>(read, {array({2, 3}, x), start}) == parts[i]);
    CHECK(reals<M, arg<double, 2, 2>, I>(write, {array({2, 3}, x), array({2, 2}, {-1, -2, -3, -4}), start}) == written[i]);
  }
}

TEST_CASE("gradients of dynamic slices, and of an embedding") {
  using M = arg<double, 4, 2>;
  using U = arg<double, 2, 2>;
  using I = arg<std::int32_t>;
  constexpr auto f = [](auto m, auto u, auto i) { return sum(sin(dynamic_update_slice<0>(m, u, i)) * m) + sum(square(dynamic_slice<0, 3>(m, i + 1_c))); };
  const std::vector<reference_array> in{array({4, 2}, wave(8)), array({2, 2}, wave(4, 1, 2)), whole({}, {1}, dtype::i32)};
  const auto g = run<M, U, I>(grad(f, wrt<0, 1>), in);
  CHECK(near(g[0].reals, differences<M, U, I>(f, in, 0), 1e-8));
  CHECK(near(g[1].reals, differences<M, U, I>(f, in, 1), 1e-8));
  constexpr auto picked = [](auto m, auto i) { return sum(sin(take(m, i)) * iota<double, 3, 2>(axis<0>)); };
  const std::vector<reference_array> rows{array({4, 2}, wave(8)), whole({3}, {2, 0, 2}, dtype::i32)};
  CHECK(near(reals<M, arg<std::int32_t, 3>>(grad(picked), rows), differences<M, arg<std::int32_t, 3>>(picked, rows, 0), 1e-8));
}
