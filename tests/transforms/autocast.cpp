// autocast: which statements of a trace change, and that no type at its boundary does; values by the reference executor.
#include "../typed.hpp"

#include <thunder/ir/print.hpp>
#include <thunder/ir/verify.hpp>
#include <thunder/nn/transformer.hpp>
#include <thunder/transforms/autocast.hpp>
#include <thunder/transforms/inline.hpp>

#include <doctest/doctest.h>

using namespace thunder;
using namespace typed_tests;

namespace {

inline constexpr auto B = dim("batch");
using X = arg<float, B, 8>;
using L = arg<std::int32_t, B>;

inline constexpr auto network = [](auto x) { return nn::linear<"out", 3>(gelu(nn::linear<"hidden", 16>(x))); };
inline constexpr auto loss = [](auto x, auto labels) { return cross_entropy(network(x), labels); };
inline constexpr auto lowered = autocast<bf16>(loss);
inline constexpr auto before = [](auto x, auto y) { return value_and_grad(lowered, wrt_parameters)(x, y); };
inline constexpr auto after = autocast<bf16>([](auto x, auto y) { return value_and_grad(loss, wrt_parameters)(x, y); });

// What comes out has the types that it had.
static_assert(is<float, B, 3>(autocast<bf16>(network)(X{})) && is<float>(lowered(X{}, L{})));
static_assert(is<float>(before(X{}, L{}).first) && is<float, 8, 16>(before(X{}, L{}).second["hidden.weight"_p]));
static_assert(is<float>(after(X{}, L{}).first) && is<float, 16, 3>(after(X{}, L{}).second["out.weight"_p]));
static_assert(is<float, B, 8>(grad(autocast<f16>(loss))(X{}, L{})) && is<float, B, 8>(autocast<f16>(grad(loss))(X{}, L{})));
static_assert(is<bf16, B, 3>(autocast<f16>([](auto x) { return cast<bf16>(network(x)); })(X{})));

/// Of the flat graph: products, and those among them that have operands and results of type t.
struct counts {
  int products = 0, of_type = 0, others = 0;  // others: statements of a half type that are neither a product nor a cast
};
template <class F, class... A> counts count(dtype t) {
  const graph g = inline_calls(trace_t<F, A...>::body::view);
  CHECK(find_violation(g.view()) == nullptr);
  counts c;
  const list<bool> live = live_nodes(g.view());
  for (int i = 0; i < g.nodes.size(); ++i) {
    const node& n = g.nodes[i];
    if (!live[i]) continue;
    const dtype result = g.type(n.result).type;
    if (n.op->autocast) {
      ++c.products;
      c.of_type += result == t && g.type(g.operand(n, 0)).type == t && g.type(g.operand(n, 1)).type == t;
    } else if (result == dtype::bf16 || result == dtype::f16) c.others += n.op->id != table_of<ops::cast>()->id;
  }
  return c;
}

std::vector<reference_array> inputs() { return {array({4, 8}, wave(32), dtype::f32), whole({4}, {0, 2, 1, 2}, dtype::i32)}; }
interpreter<>::parameter_map weights() {
  interpreter<>::parameter_map p;
  p["hidden.weight"] = array({8, 16}, wave(128, 0.4), dtype::f32), p["hidden.bias"] = array({16}, wave(16, 0.2, 1), dtype::f32);
  p["out.weight"] = array({16, 3}, wave(48, 0.4, 2), dtype::f32), p["out.bias"] = array({3}, wave(3, 0.2, 3), dtype::f32);
  return p;
}

}  // namespace

TEST_CASE("products take and give the half type, and nothing else does") {
  const counts forward = count<decltype(lowered), X, L>(dtype::bf16);
  CHECK(forward.products == 2);
  CHECK(forward.of_type == 2);
  CHECK(forward.others == 0);
  for (const counts& c : {count<decltype(before), X, L>(dtype::bf16), count<decltype(after), X, L>(dtype::bf16)}) {
    CHECK(c.products == 5);
    CHECK(c.of_type == 5);
    CHECK(c.others == 0);
  }
  CHECK(count<decltype(autocast<f16>(loss)), X, L>(dtype::f16).of_type == 2);
}

TEST_CASE("attention and its gradient are products, their masks are not") {
  constexpr auto attend = [](auto q, auto mask) { return sum(scaled_dot_product_attention(q, q, q, mask)); };
  using Q = arg<float, 2, 4, 5, 8>;
  using M = arg<float, 5, 5>;
  constexpr auto both = autocast<bf16>([=](auto q, auto mask) { return grad(attend, wrt<0, 1>)(q, mask); });
  static_assert(is<float, 2, 4, 5, 8>(std::get<0>(both(Q{}, M{}))) && is<float, 5, 5>(std::get<1>(both(Q{}, M{}))));
  const counts c = count<decltype(both), Q, M>(dtype::bf16);
  CHECK(c.products == 1);
  CHECK(c.of_type == 1);
  CHECK(c.others == 0);
}

TEST_CASE("other types stay, and the inner one of two counts") {
  using D = arg<double, 3, 3>;
  using H = arg<bf16, 3, 3>;
  using F = arg<float, 3, 3>;
  constexpr auto product = [](auto x) { return matmul(x, x); };
  CHECK(count<decltype(autocast<bf16>(product)), D>(dtype::f64).of_type == 1);
  CHECK(count<decltype(autocast<f16>(product)), H>(dtype::bf16).of_type == 1);
  constexpr auto nested = autocast<f16>([=](auto x) { return matmul(autocast<bf16>(product)(x), x); });
  CHECK(count<decltype(nested), F>(dtype::bf16).of_type == 1);
  CHECK(count<decltype(nested), F>(dtype::f16).of_type == 1);
}

TEST_CASE("a callable that captures an expression") {
  constexpr auto outer = [](auto w, auto x) { return grad(autocast<bf16>([w](auto y) { return sum(matmul(y, w)); }))(x) + x; };
  using F = arg<float, 3, 3>;
  static_assert(is<float, 3, 3>(outer(F{}, F{})));
  const std::vector<reference_array> in{array({3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9}, dtype::f32), array({3, 3}, wave(9), dtype::f32)};
  const std::vector<double> r = reals<F, F>(outer, in);
  for (std::size_t i = 0; i < 9; ++i) CHECK(r[i] == doctest::Approx(in[1].reals[i] + std::vector<double>{6, 15, 24}[i % 3]));
}

TEST_CASE("values are those of float within the rounding of the products' operands and results") {
  // One product: |error| <= (2 u + u^2) |x| |w| + u |x w|, with u half a unit in the last place of 1.
  using F = arg<float, 4, 8>;
  using W = arg<float, 8, 3>;
  constexpr auto product = [](auto x, auto w) { return matmul(x, w); };
  const std::vector<reference_array> in{array({4, 8}, wave(32), dtype::f32), array({8, 3}, wave(24, 0.7, 1), dtype::f32)};
  std::vector<reference_array> sizes = in;
  for (auto& a : sizes)
    for (double& v : a.reals) v = std::abs(v);
  const auto exact = reals<F, W>(product, in), bound = reals<F, W>(product, sizes);
  const auto check = [&](const std::vector<double>& got, double u) {
    bool rounded = false;
    for (std::size_t i = 0; i < exact.size(); ++i) {
      CHECK(std::abs(got[i] - exact[i]) <= 1.001 * ((2 * u + u * u) * bound[i] + u * std::abs(exact[i])));
      rounded = rounded || std::abs(got[i] - exact[i]) > 0.01 * u * bound[i];
    }
    CHECK(rounded);
  };
  check(reals<F, W>(autocast<bf16>(product), in), 0x1p-8);
  check(reals<F, W>(autocast<f16>(product), in), 0x1p-11);
}

TEST_CASE("gradients before and after, as of float") {
  constexpr auto plain = [](auto x, auto y) { return value_and_grad(loss, wrt_parameters)(x, y); };
  const auto p = weights();
  const auto expected = run<X, L>(plain, inputs(), p), a = run<X, L>(before, inputs(), p), b = run<X, L>(after, inputs(), p);
  REQUIRE(a.size() == 5);
  REQUIRE(b.size() == 5);
  for (std::size_t k = 0; k < 5; ++k) {
    CHECK(a[k].type == dtype::f32);
    CHECK(b[k].type == dtype::f32);
    double size = 0;
    for (double v : expected[k].reals) size = std::max(size, std::abs(v));
    // three products in a row, each of which rounds three times, relative to the largest element
    CHECK(near(a[k].reals, expected[k].reals, 9 * 0x1p-8 * size));
    CHECK(near(b[k].reals, expected[k].reals, 9 * 0x1p-8 * size));
  }
}
