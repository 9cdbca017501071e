#pragma once
/// Attention: softmax(q k^T) v as one statement and its gradient as another, so that an executor may claim either whole. Of half types,
/// scores, probabilities and sums are float, and what goes into a product is rounded to the half type, as fused attention kernels do.
#include "matmul.hpp"
#include "softmax.hpp"

namespace thunder {

struct attention_options {
  bool causal = false;  // key j takes part in query i where j <= i
  setting scale = 0;    // of the scores; 0: 1 / sqrt(d)
};

namespace ops {

/// q: [.., h, t, d], k: [.., g, s, d], v: [.., g, s, e]; h is a multiple of g, and h / g heads of q in a row share one of k and v.
struct attention_types {
  static constexpr bool same(const meta& a, const meta& b, int axis) { return a.d[axis] == b.d[axis]; }
  /// How many heads of q share one of k; 0 if that is no whole number.
  static constexpr std::int64_t group(const dim& h, const dim& g) {
    if (h == g) return 1;
    return h.named() || g.named() || g.size < 1 || h.size % g.size != 0 ? 0 : h.size / g.size;
  }
  static constexpr void check(const arguments& x, inference& r, const meta* mask) {
    const meta &q = x[0], &k = x[1], &v = x[2];
    if (!is_floating(q.type)) return r.refuse(mistake::needs_floating);
    if (q.type != k.type || q.type != v.type) return r.refuse(mistake::dtypes_differ);
    const int n = q.rank;
    if (n < 2 || k.rank != n || v.rank != n) return r.refuse(mistake::attention_shapes, n, k.rank != n ? k.rank : v.rank);
    for (int i = 0; i < n - 2; ++i) {
      if (!same(k, v, i)) return r.refuse(mistake::attention_shapes, k.d[i], v.d[i]);
      if (i == n - 3 && group(q.d[i], k.d[i]) == 0) return r.refuse(mistake::attention_heads, q.d[i], k.d[i]);
      if (i < n - 3 && !same(q, k, i)) return r.refuse(mistake::attention_shapes, q.d[i], k.d[i]);
    }
    if (!same(q, k, n - 1)) return r.refuse(mistake::attention_shapes, q.d[n - 1], k.d[n - 1]);
    if (!same(k, v, n - 2)) return r.refuse(mistake::attention_shapes, k.d[n - 2], v.d[n - 2]);
    if (!mask) return;
    const meta s = scores(q, k);
    meta both;
    if ((mask->type != dtype::b8 && !is_floating(mask->type)) || mask->rank > n || !broadcast_shapes(s, *mask, both) || !both.same_shape(s))
      r.refuse(mistake::attention_mask, mask->rank, n);
  }
  /// [.., h, t, s]
  static constexpr meta scores(const meta& q, const meta& k) {
    meta m = q;
    m.d[m.rank - 1] = k.d[k.rank - 2];
    return m;
  }
  static constexpr meta output(const meta& q, const meta& v) {
    meta m = q;
    m.d[m.rank - 1] = v.d[v.rank - 1];
    return m;
  }
};

/// What the statement and its gradient share, computed once in a program that has both: operands in float at least, those of q grouped
/// ([.., h, t, n] as [.., g, h / g * t, n]), and the probabilities [.., h, t, s].
struct attention_parts {
  value q, k, v, mask, p;  // mask: none, or as given
  value scale;             // a constant like the scores

  static constexpr attention_parts of(auto q, auto k, auto v, auto mask, bool causal, std::int64_t scale_bits) {
    attention_parts a;
    a.k = thunder::wide(k), a.v = thunder::wide(v), a.q = a.grouped(thunder::wide(q)), a.mask = mask;
    value s = thunder::reshape_to(matmul::product(a.q, a.k, false, true), attention_types::scores(thunder::wide(q).type(), k.type()));
    const meta m = s.type();
    a.scale = scale_of(q, m, std::bit_cast<double>(scale_bits));
    s = s * a.scale;
    if (mask.exists()) {
      if (is_bool(mask)) s = thunder::where(thunder::spread_to(mask, m), s, masked);
      else s = thunder::maximum(s + thunder::spread_to(thunder::cast_to(mask, m.type), m), masked);
    }
    if (causal) s = thunder::where(causal_mask(s), s, hidden);  // last: no mask brings a later key back
    a.p = softmax::make(s, row(m));
    return a;
  }
  constexpr value grouped(auto x) const {
    meta m = x.type();
    const int n = m.rank;
    if (n < 3 || m.d[n - 3] == k.type().d[n - 3]) return x;
    m.d[n - 2] = m.d[n - 2] * dim(attention_types::group(m.d[n - 3], k.type().d[n - 3]));
    m.d[n - 3] = k.type().d[n - 3];
    return thunder::reshape_to(x, m);
  }
  /// x as an operand of a product, beside operands of type t: in a half type's precision.
  static constexpr value as_operand(auto x, dtype t) { return thunder::wide(thunder::cast_to(x, t)); }
  static constexpr bool is_bool(auto mask) { return mask.type().type == dtype::b8; }
  static constexpr std::int64_t row(const meta& m) { return std::int64_t{1} << (m.rank - 1); }

 private:
  /// What a score is where its key takes no part: its exponential is 0 beside any other, and a row of nothing else stays finite. Keys
  /// after the query are 0 beside masked ones, too.
  static constexpr number<bits_of(-1e38)> masked{};
  static constexpr number<bits_of(-3e38)> hidden{};
  /// [t, s], spread over the heads: the layers of a model share it, in memory.
  static constexpr value causal_mask(auto s) {
    const meta m = s.type();
    meta square{dtype::i32, 2, {}};
    square.d[0] = m.d[m.rank - 2], square.d[1] = m.d[m.rank - 1];
    return thunder::spread_to(thunder::iota_like(s.g, square, 1) <= thunder::iota_like(s.g, square, 0), m);
  }
  static constexpr value scale_of(auto q, const meta& m, double scale) {
    const dim d = q.type().d[q.type().rank - 1];
    if (scale != 0) return thunder::full_like(q.g, scale, m);
    if (!d.named()) return thunder::full_like(q.g, d.size ? 1 / square_root(static_cast<double>(d.size)) : 1, m);
    return thunder::expand(thunder::rsqrt(thunder::count_along(thunder::wide(q), row(q.type()))), all_axes(m.rank), m);
  }
};

/// (q, k, v, cotangent of the result, mask if there is one) -> dq, dk, dv, and d mask of a floating mask. words: as below.
struct scaled_dot_product_attention_gradient : composite_op<scaled_dot_product_attention_gradient> {
  static constexpr const char* name = "thunder.scaled_dot_product_attention_gradient";
  static constexpr unsigned autocast = 0b1111;
  static constexpr void infer(const arguments& x, inference& r) {
    if (x.count < 4 || x.count > 5) return r.refuse(mistake::attention_shapes, x.count, 4);
    attention_types::check(x, r, x.count > 4 ? &x[4] : nullptr);
    if (r.error != mistake::none) return;
    if (!(x[3] == attention_types::output(x[0], x[2]))) return r.refuse(mistake::attention_shapes, x[3].rank, x[0].rank);
    r.result = x[0];
    r.more.push(x[1]), r.more.push(x[2]);
    if (x.count > 4 && x[4].type != dtype::b8) r.more.push(x[4]);
  }
  static constexpr void decompose(auto c) {
    const bool masked = c.operand_count() > 4;
    const value q = c.operand(0), k = c.operand(1), v = c.operand(2), mask = masked ? c.operand(4) : value{};
    const auto a = attention_parts::of(q, k, v, mask, c.word(0) != 0, c.word(1));
    const value ct = a.grouped(thunder::wide(c.operand(3))), p = a.grouped(attention_parts::as_operand(a.p, q.type().type));
    const value dp = thunder::reshape_to(matmul::product(ct, a.v, false, true), a.p.type());
    const std::int64_t row = attention_parts::row(dp.type());
    value ds = a.p * (dp - thunder::expand(thunder::sum(a.p * dp, row), row, dp.type()));  // as the gradient of softmax
    if (masked && attention_parts::is_bool(mask)) ds = thunder::where(thunder::spread_to(mask, ds.type()), ds, 0_c);
    const value each = a.grouped(attention_parts::as_operand(ds * a.scale, q.type().type));
    c.give(as(matmul::product(each, a.k, false, false), q.type()));
    c.give(as(matmul::product(each, a.q, true, false), k.type()));
    c.give(as(matmul::product(p, ct, true, false), v.type()));
    if (masked && !attention_parts::is_bool(mask)) c.give(as(over_repeats(ds, mask.type()), mask.type()));
  }

 private:
  static constexpr value as(auto x, const meta& m) { return thunder::cast_to(thunder::reshape_to(x, m.with(x.type().type)), m.type); }
  /// Sums over the dimensions along which a mask repeats.
  static constexpr value over_repeats(auto x, const meta& mask) {
    const meta m = x.type();
    return thunder::sum(x, all_axes(m.rank) & ~extension_of(mask, m).mask);
  }
};

/// (q: [.., h, t, d], k: [.., g, s, d], v: [.., g, s, e], mask: bool or floating, broadcasts to [.., h, t, s]) -> [.., h, t, e].
/// words: causal, the bits of the scale.
struct scaled_dot_product_attention : composite_op<scaled_dot_product_attention> {
  static constexpr const char* name = "thunder.scaled_dot_product_attention";
  static constexpr unsigned autocast = 0b111;
  static constexpr void infer(const arguments& x, inference& r) {
    if (x.count < 3 || x.count > 4) return r.refuse(mistake::attention_shapes, x.count, 3);
    attention_types::check(x, r, x.count > 3 ? &x[3] : nullptr);
    if (r.error == mistake::none) r.result = attention_types::output(x[0], x[2]);
  }
  static constexpr void decompose(auto c) {
    const value mask = c.operand_count() > 3 ? c.operand(3) : value{};
    const auto a = attention_parts::of(c.operand(0), c.operand(1), c.operand(2), mask, c.word(0) != 0, c.word(1));
    const value p = attention_parts::as_operand(a.p, c.result_type().type);
    const value y = matmul::product(a.grouped(p), a.v, false, false);
    c.give(thunder::cast_to(thunder::reshape_to(y, c.result_type().with(y.type().type)), c.result_type().type));
  }
  static constexpr void vjp(auto& c) {
    const std::int64_t w[]{c.word(0), c.word(1)};
    const int count = c.at().operands;
    const int x[]{c.operand(0).id, c.operand(1).id, c.operand(2).id, c.cotangent().id, count > 3 ? c.operand(3).id : -1};
    const value d = emit<scaled_dot_product_attention_gradient>(c.g, w, 2, x, count + 1);
    for (int k = 0; k < 3; ++k)
      if (c.wanted[k]) c.contribute(k, result_of(d, k));
    if (count > 3 && c.wanted[3]) c.contribute(3, result_of(d, 3));
  }
};

}  // namespace ops

/// softmax(scale q k^T + mask) v (Vaswani et al. 2017), one statement. Of each head of k and v, h / g heads of q in a row make use
/// (grouped queries). A bool mask is true where a key takes part, a floating one is added to the scores; a query for which no key takes part
/// gets the mean of v (with `causal` of its rows up to the query).
///
///     scaled_dot_product_attention<attention_options{.causal = true}>(q, k, v)
///
/// (q: floating [.., h, t, d], k: [.., g, s, d], v: [.., g, s, e], mask: broadcasts to [.., h, t, s]) -> [.., h, t, e] of q's element type
template <attention_options O = attention_options{}, typed Q, typed K, typed V> constexpr auto scaled_dot_product_attention(Q q, K k, V v) {
  return make<ops::scaled_dot_product_attention, words<O.causal, O.scale.bits>>(q, k, v);
}
template <attention_options O = attention_options{}, typed Q, typed K, typed V, typed M> constexpr auto scaled_dot_product_attention(Q q, K k, V v, M mask) {
  return make<ops::scaled_dot_product_attention, words<O.causal, O.scale.bits>>(q, k, v, mask);
}
/// causal_mask<T, S>(): bool [T, S], true where the column is not after the row.
template <auto T, auto S = T> constexpr auto causal_mask() { return iota<std::int32_t, T, S>(axis<1>) <= iota<std::int32_t, T, S>(axis<0>); }

}  // namespace thunder
