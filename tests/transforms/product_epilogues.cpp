// product_epilogues: which statements become one with a product, which do not, and that the program means the same.
#include "../jit/compare.hpp"

#include <thunder/executors/cuda/product_library.hpp>
#include <thunder/transforms/product_epilogues.hpp>

#include <doctest/doctest.h>

#include <array>

using namespace thunder;
using namespace jit_tests;

namespace {

struct everything {
  static constexpr const char* name = "all";
  static constexpr bool has(epilogue, dtype, std::int64_t, std::int64_t, std::int64_t) { return true; }
};
/// How many products have no epilogue, and how many have each. The program's meaning is compared, too: exactly, where casts don't round, so
/// that it does not matter where they stand.
using counts = std::array<int, 6>;
template <class Library, class F, class... A> counts epilogues_of(F f, const A&... x) {
  unobserved o;
  constexpr interpret_options unrounded{.round_casts = false};
  const graph g = lower_graph<product_epilogues<Library>>(decltype(trace(f, x...))::view(), o);
  CHECK(difference(interpret<builtin_ops>(g.view(), leaves(x...), {}, unrounded), interpret<builtin_ops>(decltype(trace(f, x...))::view(), leaves(x...), {}, unrounded)) <= 1e-12);
  counts r{};
  const list<bool> live = live_nodes(g.view());
  for (int i = 0; i < g.nodes.size(); ++i) {
    const node& n = g.nodes[i];
    if (live[i] && n.op->id == table_of<ops::matmul_epilogue>()->id) ++r[static_cast<std::size_t>(g.word(n, 2))];
    if (live[i] && n.op->id == table_of<ops::matmul>()->id) ++r[0];
  }
  return r;
}
template <class F, class... A> counts epilogues(F f, const A&... x) { return epilogues_of<everything>(f, x...); }
constexpr auto block = [](auto x, auto w1, auto b1, auto w2, auto b2) { return matmul(gelu(matmul(x, w1) + b1), w2) + b2; };
constexpr auto with_relu = [](auto x, auto w1, auto b1, auto w2, auto b2) { return matmul(relu(matmul(x, w1) + b1), w2) + b2; };
constexpr auto relu_gradients = grad([](auto... x) { return sum(cast<float>(with_relu(x...))); }, wrt<0, 1, 2, 3, 4>);
constexpr auto gradients = grad([](auto... x) { return sum(cast<float>(block(x...))); }, wrt<0, 1, 2, 3, 4>);

template <class T> void cases() {
  const auto x = wave<T, 6, 8>(1);
  const auto w1 = wave<T, 8, 16>(2), w2 = wave<T, 16, 8>(3);
  const auto b1 = wave<T, 16>(4), b2 = wave<T, 8>(5);
  CHECK(epilogues(block, x, w1, b1, w2, b2) == counts{0, 1, 0, 1, 0, 0});
  CHECK(epilogues(gradients, x, w1, b1, w2, b2) == counts{3, 0, 0, 0, 1, 1});
  CHECK(epilogues(with_relu, x, w1, b1, w2, b2) == counts{0, 1, 1, 0, 0, 0});
  CHECK(epilogues(relu_gradients, x, w1, b1, w2, b2) == counts{4, 0, 1, 0, 0, 0});
}

}  // namespace

TEST_CASE("a block of two products, and its gradient") { cases<bf16>(), cases<f16>(), cases<float>(); }
TEST_CASE("products of doubles have none") {
  CHECK(epilogues([](auto a, auto w, auto b) { return relu(matmul(a, w) + b); }, wave<double, 6, 8>(1), wave<double, 8, 8>(2), wave<double, 8>(3)) == counts{1, 0, 0, 0, 0, 0});
}
// As a constant expression, in which no value is read before it is set.
constexpr auto no_product = [](auto x) { return std::tuple{gelu(x), gelu(exp(x))}; };
constexpr int gelus() {
  unobserved o;
  const graph g = lower_graph<product_epilogues<everything>>(decltype(trace(no_product, spec<bf16, 4>{}))::view(), o);
  int n = 0;
  for (int i = 0; i < g.nodes.size(); ++i) n += g.nodes[i].op->id == table_of<ops::gelu>()->id;
  return n;
}
static_assert(gelus() == 2);
TEST_CASE("what does not follow a product at once") {
  const auto x = wave<bf16, 6, 8>(1), r = wave<bf16, 6, 8>(3);
  const auto w = wave<bf16, 8, 8>(2);
  const auto b = wave<bf16, 8>(4);
  const auto of_rows = wave<bf16, 6, 1>(5);
  const auto plain = counts{1, 0, 0, 0, 0, 0};
  CHECK(epilogues([](auto a, auto v, auto c) { return matmul(a, v) + c; }, x, w, b) == counts{0, 1, 0, 0, 0, 0});
  CHECK(epilogues([](auto a, auto v, auto c) { return c + matmul(a, v); }, x, w, b) == counts{0, 1, 0, 0, 0, 0});
  CHECK(epilogues([](auto a, auto v, auto c) { return matmul(a, v) + c; }, x, w, of_rows) == plain);
  CHECK(epilogues([](auto a, auto v, auto c) { return matmul(a, v) + c; }, x, w, r) == plain);
  CHECK(epilogues([](auto a, auto v, auto c, auto d) { return (matmul(a, v) + c) * d; }, x, w, b, r) == plain);  // a region adds the bias
  CHECK(epilogues([](auto a, auto v, auto c) { auto p = matmul(a, v); return std::tuple{p, gelu(p + c)}; }, x, w, b) == plain);  // the product itself is asked for
  CHECK(epilogues([](auto a, auto v) { return gelu(matmul(a, v)); }, x, w) == counts{0, 0, 0, 1, 0, 0});  // without a bias
  CHECK(epilogues([](auto a, auto v) { return relu(matmul(a, v)); }, x, w) == counts{0, 0, 1, 0, 0, 0});
  CHECK(epilogues([](auto a, auto v) { auto p = matmul(a, v); return std::tuple{p, relu(p)}; }, x, w) == plain);
  CHECK(epilogues([](auto a, auto v) { auto p = matmul(a, v); return std::tuple{p, gelu(p)}; }, x, w) == counts{0, 0, 0, 0, 1, 0});
  CHECK(epilogues([](auto a, auto v, auto c) { auto u = matmul(a, v) + c; return std::tuple{u, gelu(u), exp(u)}; }, x, w, b) == counts{0, 0, 0, 0, 1, 0});
  CHECK(epilogues([](auto a, auto v, auto c) { return relu(matmul(a, v) + c); }, x, w, b) == counts{0, 0, 1, 0, 0, 0});
  CHECK(epilogues([](auto a, auto v, auto c) { auto u = matmul(a, v) + c; return std::tuple{u, relu(u)}; }, x, w, b) == plain);
  CHECK(epilogues([](auto a, auto v, auto c, auto d) { return relu(matmul(a, v) + c) * d; }, x, w, b, r) == plain);  // a region computes relu
  CHECK(epilogues([](auto a, auto v, auto c, auto d) { return gelu(matmul(a, v) + c) * d; }, x, w, b, r) == plain);
}
TEST_CASE("products of batches") {
  const auto x = wave<bf16, 2, 6, 8>(1);
  const auto y = wave<bf16, 2, 8, 8>(3);
  const auto w = wave<bf16, 8, 8>(2);
  const auto b = wave<bf16, 8>(4);
  constexpr auto linear = [](auto a, auto v, auto c) { return gelu(matmul(a, v) + c); };
  CHECK(epilogues(linear, x, w, b) == counts{0, 0, 0, 1, 0, 0});
  CHECK(epilogues(linear, x, y, b) == counts{1, 0, 0, 0, 0, 0});  // a product of each pair: cuBLASLt's epilogues are for one product
}
// Under autocast what follows a product is computed in float, and rounded where the next product reads it.
TEST_CASE("products under autocast") {
  const auto x = wave<float, 6, 8>(1);
  const auto w1 = wave<float, 8, 16>(2);
  const auto w2 = wave<float, 16, 8>(3);
  constexpr auto of_gelu = [](auto a, auto v1, auto v2) { return matmul(gelu(matmul(a, v1)), v2); };
  constexpr auto of_relu = [](auto a, auto v1, auto v2) { return matmul(relu(matmul(a, v1)), v2); };
  auto counted = [&](auto f) { return epilogues_of<everything>(autocast<bf16>(f), x, w1, w2); };
  auto of_gradients = [&](auto f) { return counted(grad([=](auto... a) { return sum(square(f(a...))); }, wrt<0, 1, 2>)); };
  CHECK(counted(of_gelu) == counts{1, 0, 0, 1, 0, 0});
  CHECK(counted(of_relu) == counts{1, 0, 1, 0, 0, 0});
  CHECK(of_gradients(of_gelu) == counts{4, 0, 0, 0, 1, 1});
  CHECK(of_gradients(of_relu) == counts{5, 0, 1, 0, 0, 0});
}
inline constexpr auto B = dim("batch");
TEST_CASE("what the library of the GPU has") {
  auto counted = [](auto f, const auto&... x) { return epilogues_of<cuda::product_library>(f, x...); };
  constexpr auto smooth = [](auto a, auto w, auto b) { return gelu(matmul(a, w) + b); };
  constexpr auto kept = [](auto a, auto w, auto b) { auto u = matmul(a, w) + b; return std::tuple{u, gelu(u)}; };
  const auto small = wave<float, 16, 8>(1);
  const auto some = wave<float, B, 8>(1, 16);
  const auto longer = wave<float, 16, 264>(1);
  CHECK(counted(kept, small, wave<float, 8, 12>(2), wave<float, 12>(3)) == counts{0, 0, 0, 0, 1, 0});
  CHECK(counted(kept, some, wave<float, 8, 16>(2), wave<float, 16>(3)) == counts{1, 0, 0, 0, 0, 0});  // perhaps not small
  CHECK(counted(smooth, some, wave<float, 8, 16>(2), wave<float, 16>(3)) == counts{0, 0, 0, 1, 0, 0});
  CHECK(counted(smooth, some, wave<float, 8, 12>(2), wave<float, 12>(3)) == counts{1, 0, 0, 0, 0, 0});  // cuBLASLt wants aligned rows
  CHECK(counted(kept, longer, wave<float, 264, 16>(2), wave<float, 16>(3)) == counts{1, 0, 0, 0, 0, 0});
  CHECK(counted(kept, wave<bf16, 16, 8>(1), wave<bf16, 8, 16>(2), wave<bf16, 16>(3)) == counts{0, 0, 0, 0, 1, 0});
}
