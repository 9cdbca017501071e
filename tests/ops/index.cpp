// take, scatter_add, one_hot.
#include "../typed.hpp"

#include <doctest/doctest.h>

using namespace thunder;
using namespace typed_tests;
namespace {

inline constexpr auto B = dim("batch");
constexpr arg<float, 50, 8> table{};
constexpr arg<std::int32_t, B, 5> index{};
static_assert(is<float, B, 5, 8>(take(table, index)) && is<float, 8>(take(table, arg<std::int64_t>{})) && is<float, B, 5, 10>(one_hot<10>(index)));
static_assert(is<bf16, B, 5, 10>(one_hot<10, bf16>(index)));

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
