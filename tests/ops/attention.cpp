// scaled_dot_product_attention against loops in double precision, and its gradient against central differences.
#include "../typed.hpp"

#include <thunder/transforms/grad.hpp>

#include <doctest/doctest.h>

using namespace thunder;
using namespace typed_tests;
namespace {

inline constexpr auto B = dim("batch");
constexpr arg<bf16, B, 4, 3, 2> q{};
constexpr arg<bf16, B, 2, 5, 2> k{};
constexpr arg<bf16, B, 2, 5, 6> v{};
static_assert(is<bf16, B, 4, 3, 6>(scaled_dot_product_attention(q, k, v)) && is<bf16, B, 4, 3, 6>(scaled_dot_product_attention(q, k, v, arg<bool, 5>{})));
static_assert(is<float, 3, 2>(scaled_dot_product_attention(arg<float, 3, 2>{}, arg<float, B, 2>{}, arg<float, B, 2>{})));
static_assert(is<bool, 3, 3>(causal_mask<3>()) && is<bool, 3, B>(causal_mask<3, B>()));

using numbers = std::vector<double>;
struct problem {
  std::size_t batch = 2, heads = 4, kv_heads = 2, t = 3, s = 3, d = 2, e = 3;
  bool causal = false;
  double scale = 1 / std::sqrt(2.0);
  numbers q = wave(48), k = wave(24, 1, 1), v = wave(36, 1, 2);
  /// What is added to the score of a query and a key of a head.
  double (*mask)(std::size_t head, std::size_t i, std::size_t j) = [](std::size_t, std::size_t, std::size_t) { return 0.0; };

  numbers result() const {
    numbers y;
    for (std::size_t b = 0; b < batch; ++b)
      for (std::size_t h = 0; h < heads; ++h)
        for (std::size_t i = 0; i < t; ++i) {
          const std::size_t other = b * kv_heads + h / (heads / kv_heads);
          numbers p;
          double sum = 0;
          for (std::size_t j = 0; j < s; ++j) {
            double score = mask(h, i, j);
            for (std::size_t c = 0; c < d; ++c) score += scale * q[((b * heads + h) * t + i) * d + c] * k[(other * s + j) * d + c];
            p.push_back(causal && j > i ? 0 : std::exp(score)), sum += p.back();
          }
          for (std::size_t c = 0; c < e; ++c) {
            double y1 = 0;
            for (std::size_t j = 0; j < s; ++j) y1 += p[j] / sum * v[(other * s + j) * e + c];
            y.push_back(y1);
          }
        }
    return y;
  }
  std::vector<reference_array> inputs() const {
    auto n = [](std::size_t x) { return static_cast<std::int64_t>(x); };
    return {array({n(batch), n(heads), n(t), n(d)}, q), array({n(batch), n(kv_heads), n(s), n(d)}, k), array({n(batch), n(kv_heads), n(s), n(e)}, v)};
  }
};
using Q = arg<double, B, 4, 3, 2>;
using K = arg<double, B, 2, 3, 2>;
using V = arg<double, B, 2, 3, 3>;
template <class... X> std::vector<reference_array> with(std::vector<reference_array> in, X... more) {
  (in.push_back(more), ...);
  return in;
}
/// A loss that tells all elements of the result apart.
constexpr auto weighted(auto y) { return sum(y * sin(2_c * iota<double, B, 4, 3, 3>(axis<3>) + iota<double, B, 4, 3, 3>(axis<2>) * 3_c + iota<double, B, 4, 3, 3>(axis<1>))); }

constexpr auto dropped = [](auto a, auto b, auto c, auto keep, auto key) { return scaled_dot_product_attention<attention_options{.dropout = 0.5}>(a, b, c, keep, key); };

}  // namespace

TEST_CASE("grouped queries, causal, a scale") {
  problem p;
  CHECK(near(reals<Q, K, V>([](auto a, auto b, auto c) { return scaled_dot_product_attention(a, b, c); }, p.inputs()), p.result()));
  p.causal = true, p.scale = 0.25;
  CHECK(near(reals<Q, K, V>([](auto a, auto b, auto c) { return scaled_dot_product_attention<attention_options{.causal = true, .scale = 0.25}>(a, b, c); }, p.inputs()), p.result()));
}

TEST_CASE("as many heads, another length of the keys, no heads at all") {
  problem p;
  p.heads = 2, p.s = 4, p.q = wave(24), p.k = wave(32, 1, 1), p.v = wave(48, 1, 2);
  const auto plain = [](auto a, auto b, auto c) { return scaled_dot_product_attention(a, b, c); };
  CHECK(near(reals<arg<double, B, 2, 3, 2>, arg<double, B, 2, 4, 2>, arg<double, B, 2, 4, 3>>(plain, p.inputs()), p.result()));
  p.batch = p.heads = p.kv_heads = 1;
  const std::vector<reference_array> in{array({3, 2}, wave(6)), array({4, 2}, wave(8, 1, 1)), array({4, 3}, wave(12, 1, 2))};
  CHECK(near(reals<arg<double, 3, 2>, arg<double, 4, 2>, arg<double, 4, 3>>(plain, in), p.result()));
}

TEST_CASE("masks") {
  problem p;
  const auto f = [](auto a, auto b, auto c, auto m) { return scaled_dot_product_attention(a, b, c, m); };
  p.mask = [](std::size_t h, std::size_t, std::size_t j) { return 0.3 * static_cast<double>(h) - static_cast<double>(j); };
  numbers bias;
  for (std::size_t h = 0; h < 4; ++h)
    for (std::size_t j = 0; j < 3; ++j) bias.push_back(p.mask(h, 0, j));
  CHECK(near(reals<Q, K, V, arg<double, 4, 1, 3>>(f, with(p.inputs(), array({4, 1, 3}, bias))), p.result()));
  p.mask = [](std::size_t, std::size_t i, std::size_t j) { return (i + j) % 3 == 0 ? -1e300 : 0.0; };
  CHECK(near(reals<Q, K, V, arg<bool, 3, 3>>(f, with(p.inputs(), whole({3, 3}, {0, 1, 1, 1, 1, 0, 1, 0, 1}, dtype::b8))), p.result()));
  // no key at all: the mean of v
  const auto y = reals<Q, K, V, arg<bool, 3>>(f, with(p.inputs(), whole({3}, {0, 0, 0}, dtype::b8)));
  CHECK(y[1] == doctest::Approx((p.v[1] + p.v[4] + p.v[7]) / 3));
}

TEST_CASE("no mask brings back a key after the query") {
  const problem p;
  constexpr auto f = [](auto a, auto b, auto c, auto m) { return scaled_dot_product_attention<attention_options{.causal = true}>(a, b, c, m); };
  const auto keep = whole({3, 3}, {0, 1, 1, 1, 1, 1, 0, 1, 1}, dtype::b8);  // the first query has no key up to itself
  const auto bias = array({3, 3}, {-INFINITY, 0, 0, 0, 0, 0, -1e300, 0, 0});
  const auto kept = reals<Q, K, V, arg<bool, 3, 3>>(f, with(p.inputs(), keep)), added = reals<Q, K, V, arg<double, 3, 3>>(f, with(p.inputs(), bias));
  CHECK(near(kept, added));
  for (std::size_t c = 0; c < 3; ++c) CHECK(kept[c] == doctest::Approx(p.v[c]));
  constexpr auto loss = [](auto a, auto b, auto c, auto m) { return weighted(scaled_dot_product_attention<attention_options{.causal = true}>(a, b, c, m)); };
  const auto in = with(p.inputs(), keep);
  const auto g = run<Q, K, V, arg<bool, 3, 3>>(grad(loss, wrt<0, 1, 2>), in);
  for (std::size_t i = 0; i < 3; ++i) CHECK(near(g[i].reals, differences<Q, K, V, arg<bool, 3, 3>>(loss, in, i), 1e-8));
}

TEST_CASE("gradients, causal and grouped") {
  const auto in = problem{}.inputs();
  constexpr auto f = [](auto a, auto b, auto c) { return weighted(scaled_dot_product_attention<attention_options{.causal = true}>(a, b, c)); };
  const auto g = run<Q, K, V>(grad(f, wrt<0, 1, 2>), in);
  REQUIRE(g.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(near(g[i].reals, differences<Q, K, V>(f, in, i), 1e-8));
}

TEST_CASE("gradients with masks, and of one that is added") {
  constexpr auto f = [](auto a, auto b, auto c, auto keep, auto bias) {
    return weighted(scaled_dot_product_attention(a, b, c, keep)) + weighted(scaled_dot_product_attention(a, b, c, bias));
  };
  using M = arg<bool, 3, 3>;
  using N = arg<double, 4, 1, 3>;
  const auto in = with(problem{}.inputs(), whole({3, 3}, {0, 0, 0, 1, 1, 0, 1, 0, 1}, dtype::b8), array({4, 1, 3}, wave(12)));  // one query has no key
  const auto g = run<Q, K, V, M, N>(grad(f, wrt<0, 1, 2, 4>), in);
  REQUIRE(g.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) CHECK(near(g[i].reals, differences<Q, K, V, M, N>(f, in, i < 3 ? i : 4), 1e-8));
}

TEST_CASE("one statement each; half types are computed in float") {
  using H = arg<f16, 2, 3, 2>;
  using body = trace_t<decltype(grad([](auto a) { return sum(scaled_dot_product_attention(a, a, a)); })), H>::body;
  const graph_view& derivative = *body::view.producer(body::view.outputs[0]).body;
  int forward = 0, backward = 0;
  for (int i = 0; i < derivative.node_count; ++i) {
    forward += derivative.nodes[i].op->id == table_of<ops::scaled_dot_product_attention>()->id;
    backward += derivative.nodes[i].op->id == table_of<ops::scaled_dot_product_attention_gradient>()->id;
  }
  CHECK(forward <= 1);
  CHECK(backward == 1);
  const graph parts = decompose(derivative, [](const op_info&) { return true; });
  for (int i = 0; i < parts.nodes.size(); ++i)
    if (parts.nodes[i].op->kind == op_kind::contraction) CHECK(parts.type(parts.nodes[i].result).type == dtype::f32);
}

TEST_CASE("dropout of the probabilities, and its gradient") {
  constexpr auto f = dropped;
  constexpr auto parts = [](auto a, auto b, auto c, auto keep, auto key) {
    const auto s = matmul(a, transpose(b)) * ratio<1, 2>;
    return matmul(dropout(softmax(where(keep, s, constant<-1000>)), 0.5_c, key), c);
  };
  using A = arg<double, B, 3, 4>;
  using M = arg<bool, 3, 3>;
  using I = arg<std::int64_t>;
  static_assert(is<double, B, 3, 4>(f(A{}, A{}, A{}, M{}, I{})) && is<double, B, 3, 4>(scaled_dot_product_attention<attention_options{.dropout = 0.1}>(A{}, A{}, A{}, I{})));
  static_assert(std::same_as<decltype(scaled_dot_product_attention(A{}, A{}, A{}, I{})), decltype(scaled_dot_product_attention(A{}, A{}, A{}))>);
  const std::vector<reference_array> in{array({2, 3, 4}, wave(24)), array({2, 3, 4}, wave(24, 1, 1)), array({2, 3, 4}, wave(24, 1, 2)),
                                        whole({3, 3}, {1, 1, 1, 1, 0, 1, 1, 1, 0}, dtype::b8), whole({}, {7})};
  const auto y = reals<A, A, A, M, I>(f, in);
  CHECK(near(y, reals<A, A, A, M, I>(parts, in)));
  CHECK(!near(y, reals<A, A, A, M, I>([](auto a, auto b, auto c, auto keep, auto key) { return dropped(a, b, c, keep, fold_in(key, 1_c)); }, in)));
  constexpr auto loss = [](auto a, auto b, auto c, auto keep, auto key) { return sum(dropped(a, b, c, keep, key) * cos(a + b)); };
  const auto g = run<A, A, A, M, I>(grad(loss, wrt<0, 1, 2>), in);
  for (std::size_t i = 0; i < 3; ++i) CHECK(near(g[i].reals, differences<A, A, A, M, I>(loss, in, i), 1e-8));
}
