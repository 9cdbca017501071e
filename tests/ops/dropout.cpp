// dropout: rate, scale, and the same mask again in the backward pass.
#include "../typed.hpp"

#include <thunder/transforms/grad.hpp>

#include <doctest/doctest.h>

using namespace thunder;
using namespace typed_tests;
namespace {

inline constexpr auto B = dim("batch");
constexpr arg<bf16, B, 3> x{};
constexpr arg<std::int64_t> key{};
static_assert(is<bf16, B, 3>(dropout(x, 0.1_c, key)) && std::same_as<decltype(dropout(x, 0_c, key)), arg<bf16, B, 3>>);

using X = arg<double, 100, 100>;
using K = arg<std::int64_t>;

}  // namespace

TEST_CASE("dropout") {
  const std::vector<reference_array> in{array({100, 100}, std::vector<double>(10000, 3)), whole({}, {11})};
  const auto y = reals<X, K>([](auto v, auto k) { return dropout(v, 0.25_c, k); }, in);
  int zeros = 0;
  for (double v : y) {
    CHECK((v == 0 || v == 4));
    zeros += v == 0;
  }
  CHECK(zeros == doctest::Approx(2500).epsilon(0.06));
  // the derivative is the mask, times the scale
  const auto d = reals<X, K>(grad([](auto v, auto k) { return sum(dropout(v, 0.25_c, k)); }), in);
  for (std::size_t i = 0; i < y.size(); ++i) REQUIRE(d[i] == y[i] / 3);
  // and is not stored: forward and backward share the draw
  using body = trace_t<decltype([](auto v, auto k) { return value_and_grad([](auto a, auto b) { return sum(dropout(a, 0.25_c, b)); })(v, k); }), X, K>::body;
  const graph parts = decompose(*body::view.producer(body::view.outputs[0]).body, [](const op_info&) { return true; });
  int draws = 0;
  for (int i = 0; i < parts.nodes.size(); ++i) draws += parts.nodes[i].op->id == table_of<ops::random_uniform>()->id;
  CHECK(draws == 1);
  const auto other = reals<X, K>([](auto v, auto k) { return dropout(v, 0.25_c, fold_in(k, 1_c)); }, in);
  CHECK(other != y);
}
