#pragma once
/// Attention: softmax(q k^T) v as one statement and its gradient as another, so that an executor may claim either whole. Of half types,
/// scores, probabilities and sums are float, and what goes into a product is rounded to the half type, as fused attention kernels do.
#include "dropout.hpp"
#include "matmul.hpp"
#include "softmax.hpp"

namespace thunder {

struct attention_options {
  bool causal = false;  // key j takes part in query i where j <= i
  setting scale = 0;    // of the scores; 0: 1 / sqrt(d)
  setting dropout = 0;  // of the probabilities: the rate, in [0, 1); a key is then the last operand
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

/// What ops of attention are made of: statements of the operands `fixed`, then a mask if there is one, then, if Dropped, a key.
/// words: causal, the bits of the scale, and of the rate if Dropped.
template <class Self, int Fixed, bool Dropped> struct attention_op : composite_op<Self> {
  static constexpr unsigned autocast = (1u << Fixed) - 1;
  static constexpr bool masked(int operands) { return operands > Fixed + Dropped; }
  static constexpr bool check(const arguments& x, inference& r) {
    if (x.count < Fixed + Dropped || x.count > Fixed + 1 + Dropped || x.word_count != 2 + Dropped) r.refuse(mistake::attention_shapes, x.count, Fixed);
    else attention_types::check(x, r, masked(x.count) ? &x[Fixed] : nullptr);
    if (Dropped && r.error == mistake::none && (x[x.count - 1].type != dtype::i64 || x[x.count - 1].rank != 0)) r.refuse(mistake::key_shape, x[x.count - 1].rank);
    return r.error == mistake::none;
  }
  static constexpr attention_parts parts(auto& c) {
    return attention_parts::of(c.operand(0), c.operand(1), c.operand(2), masked(c.operand_count()) ? c.operand(Fixed) : value{}, c.word(0) != 0, c.word(1));
  }
  /// Probabilities, or their cotangents, with those that are dropped.
  static constexpr value drop(auto& c, auto p) {
    if constexpr (Dropped) return dropout::masked(p, c.operand(c.operand_count() - 1), c.word(2));
    else return p;
  }
};

/// (q, k, v, cotangent of the result, mask if there is one, key if dropped) -> dq, dk, dv, and d mask of a floating mask.
template <class Self, bool Dropped> struct attention_gradient_op : attention_op<Self, 4, Dropped> {
  using base = attention_op<Self, 4, Dropped>;
  static constexpr void infer(const arguments& x, inference& r) {
    if (!base::check(x, r)) return;
    if (!(x[3] == attention_types::output(x[0], x[2]))) return r.refuse(mistake::attention_shapes, x[3].rank, x[0].rank);
    r.result = x[0];
    r.more.push(x[1]), r.more.push(x[2]);
    if (base::masked(x.count) && x[4].type != dtype::b8) r.more.push(x[4]);
  }
  static constexpr void decompose(auto c) {
    const auto a = base::parts(c);
    const value q = c.operand(0), k = c.operand(1), v = c.operand(2), mask = a.mask;
    const value ct = a.grouped(thunder::wide(c.operand(3))), p = a.grouped(attention_parts::as_operand(base::drop(c, a.p), q.type().type));
    const value dp = base::drop(c, thunder::reshape_to(matmul::product(ct, a.v, false, true), a.p.type()));
    const std::int64_t row = attention_parts::row(dp.type());
    value ds = a.p * (dp - thunder::expand(thunder::sum(a.p * dp, row), row, dp.type()));  // as the gradient of softmax
    if (mask.exists() && attention_parts::is_bool(mask)) ds = thunder::where(thunder::spread_to(mask, ds.type()), ds, 0_c);
    const value each = a.grouped(attention_parts::as_operand(ds * a.scale, q.type().type));
    c.give(as(matmul::product(each, a.k, false, false), q.type()));
    c.give(as(matmul::product(each, a.q, true, false), k.type()));
    c.give(as(matmul::product(p, ct, true, false), v.type()));
    if (mask.exists() && !attention_parts::is_bool(mask)) c.give(as(over_repeats(ds, mask.type()), mask.type()));
  }

 private:
  static constexpr value as(auto x, const meta& m) { return thunder::cast_to(thunder::reshape_to(x, m.with(x.type().type)), m.type); }
  /// Sums over the dimensions along which a mask repeats.
  static constexpr value over_repeats(auto x, const meta& mask) {
    const meta m = x.type();
    return thunder::sum(x, all_axes(m.rank) & ~extension_of(mask, m).mask);
  }
};

/// (q: [.., h, t, d], k: [.., g, s, d], v: [.., g, s, e], mask: bool or floating, broadcasts to [.., h, t, s]; key: i64 [] if dropped)
/// -> [.., h, t, e]
template <class Self, class Gradient, bool Dropped> struct attention_forward_op : attention_op<Self, 3, Dropped> {
  using base = attention_op<Self, 3, Dropped>;
  static constexpr void infer(const arguments& x, inference& r) {
    if (base::check(x, r)) r.result = attention_types::output(x[0], x[2]);
  }
  static constexpr void decompose(auto c) {
    const auto a = base::parts(c);
    const value p = attention_parts::as_operand(base::drop(c, a.p), c.result_type().type);
    const value y = matmul::product(a.grouped(p), a.v, false, false);
    c.give(thunder::cast_to(thunder::reshape_to(y, c.result_type().with(y.type().type)), c.result_type().type));
  }
  static constexpr void vjp(auto& c) {
    const std::int64_t w[]{c.word(0), c.word(1), Dropped ? c.word(2) : 0};
    const int count = c.at().operands;
    int x[6]{c.operand(0).id, c.operand(1).id, c.operand(2).id, c.cotangent().id};
    for (int k = 3; k < count; ++k) x[k + 1] = c.operand(k).id;
    const value d = emit<Gradient>(c.g, w, 2 + Dropped, x, count + 1);
    for (int k = 0; k < 3; ++k)
      if (c.wanted[k]) c.contribute(k, result_of(d, k));
    if (base::masked(count) && c.wanted[3]) c.contribute(3, result_of(d, 3));
  }
};

struct scaled_dot_product_attention_gradient : attention_gradient_op<scaled_dot_product_attention_gradient, false> {
  static constexpr const char* name = "thunder.scaled_dot_product_attention_gradient";
};
struct scaled_dot_product_attention : attention_forward_op<scaled_dot_product_attention, scaled_dot_product_attention_gradient, false> {
  static constexpr const char* name = "thunder.scaled_dot_product_attention";
};
/// With dropout: ops of their own, so that who claims those above need not know of it.
struct dropped_attention_gradient : attention_gradient_op<dropped_attention_gradient, true> {
  static constexpr const char* name = "thunder.dropped_attention_gradient";
};
struct dropped_attention : attention_forward_op<dropped_attention, dropped_attention_gradient, true> {
  static constexpr const char* name = "thunder.dropped_attention";
};

}  // namespace ops

/// softmax(scale q k^T + mask) v (Vaswani et al. 2017), one statement. Of each head of k and v, h / g heads of q in a row make use
/// (grouped queries). A bool mask is true where a key takes part, a floating one is added to the scores; a query for which no key takes part
/// gets the mean of v (with `causal` of its rows up to the query).
///
/// With dropout, probabilities become 0 or 1 / (1 - rate) times what they are, by a key as `dropout` takes it.
///
///     scaled_dot_product_attention<attention_options{.causal = true}>(q, k, v)
///     scaled_dot_product_attention<attention_options{.causal = true, .dropout = 0.1}>(q, k, v, key)
///
/// (q: floating [.., h, t, d], k: [.., g, s, d], v: [.., g, s, e], mask: broadcasts to [.., h, t, s]) -> [.., h, t, e] of q's element type
template <attention_options O = attention_options{}, typed Q, typed K, typed V> constexpr auto scaled_dot_product_attention(Q q, K k, V v) {
  static_assert(O.dropout.bits == 0,
                "scaled_dot_product_attention: dropout needs a key, a rank-0 std::int64_t, as the last operand");
  return make<ops::scaled_dot_product_attention, words<O.causal, O.scale.bits>>(q, k, v);
}
template <attention_options O, class... X> constexpr auto dropped_attention(X... x) {
  static_assert(number<O.dropout.bits>::value >= 0 && number<O.dropout.bits>::value < 1, "scaled_dot_product_attention: the rate of dropout is a probability from 0 to below 1");
  return make<ops::dropped_attention, words<O.causal, O.scale.bits, O.dropout.bits>>(x...);
}
/// With a mask; or, with dropout, a key.
template <attention_options O = attention_options{}, typed Q, typed K, typed V, typed M> constexpr auto scaled_dot_product_attention(Q q, K k, V v, M mask) {
  if constexpr (O.dropout.bits != 0) return dropped_attention<O>(q, k, v, mask);
  else if constexpr (is_key<M>) return make<ops::scaled_dot_product_attention, words<O.causal, O.scale.bits>>(q, k, v);
  else return make<ops::scaled_dot_product_attention, words<O.causal, O.scale.bits>>(q, k, v, mask);
}
/// With a mask and a key.
template <attention_options O = attention_options{}, typed Q, typed K, typed V, typed M, typed R> constexpr auto scaled_dot_product_attention(Q q, K k, V v, M mask, R key) {
  if constexpr (O.dropout.bits != 0) return dropped_attention<O>(q, k, v, mask, key);
  else return make<ops::scaled_dot_product_attention, words<O.causal, O.scale.bits>>(q, k, v, mask);
}
/// causal_mask<T, S>(): bool [T, S], true where the column is not after the row.
template <auto T, auto S = T> constexpr auto causal_mask() { return iota<std::int32_t, T, S>(axis<1>) <= iota<std::int32_t, T, S>(axis<0>); }

}  // namespace thunder
