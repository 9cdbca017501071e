#pragma once
/// Matrix products.
#include "shape.hpp"

namespace thunder {

namespace ops {

/// (x: [.., n, k], y: [.., k, m]) -> [.., n, m], with equal leading (batch) dimensions, or y: [k, m] for all of x's.
/// words: 1 where the operand's last two dimensions are given transposed (x: [.., k, n]; y: [.., m, k]), and perhaps the result's type:
/// float of a half type's operands (simplify makes such products of casts). A transposed x has a y of the same rank. Half types are
/// accumulated in float and rounded once.
struct matmul : op_base<matmul> {
  static constexpr const char* name = "thunder.matmul";
  static constexpr op_kind kind = op_kind::contraction;
  static constexpr unsigned autocast = 0b11;
  static constexpr void infer(const arguments& x, inference& r) {
    if (x.word_count < 2 || x.word_count > 3) return r.refuse(mistake::matmul_rank, x.word_count, 2);
    const meta &a = x[0], &b = x[1];
    const bool ta = x.words[0], tb = x.words[1];
    const dtype type = x.word_count > 2 ? static_cast<dtype>(x.words[2]) : a.type;
    if (a.type != b.type || (type != a.type && (type != dtype::f32 || a.type == dtype::f64))) return r.refuse(mistake::dtypes_differ);
    if (!is_floating(a.type)) return r.refuse(mistake::needs_floating);
    if (a.rank < 2 || b.rank < 2 || (b.rank != a.rank && (b.rank != 2 || ta))) return r.refuse(mistake::matmul_rank, a.rank, b.rank);
    const dim inner = a.d[a.rank - (ta ? 2 : 1)], other = b.d[b.rank - (tb ? 1 : 2)];
    if (!(inner == other)) return r.refuse(inner.named() && other.named() ? mistake::named_dims_differ : mistake::matmul_inner, inner, other);
    for (int i = 0; i < b.rank - 2; ++i)
      if (!(a.d[i] == b.d[i])) return r.refuse(mistake::matmul_batch, a.d[i], b.d[i]);
    r.result = a.with(type);
    r.result.d[a.rank - 2] = a.d[a.rank - (ta ? 1 : 2)];
    r.result.d[a.rank - 1] = b.d[b.rank - (tb ? 2 : 1)];
  }
  static constexpr value product(auto a, auto b, bool ta, bool tb) {
    const std::int64_t w[]{ta, tb};
    return emit_words<matmul>(w, 2, nullptr, a, b);
  }
  static constexpr void vjp(auto& c) {
    value a = c.operand(0), b = c.operand(1), ct = c.cotangent();
    const bool ta = c.word(0), tb = c.word(1);
    if (a.type().type != ct.type().type) a = thunder::cast_to(a, ct.type().type), b = thunder::cast_to(b, ct.type().type);  // a float product of half types
    if (c.wanted[0]) c.contribute(0, ta ? product(b, ct, tb, true) : product(ct, b, false, !tb));
    if (!c.wanted[1]) return;
    if (b.type().rank < a.type().rank) a = rows_of(a), ct = rows_of(ct);  // one y for the whole batch: the batch joins the rows
    c.contribute(1, tb ? product(ct, a, true, ta) : product(a, ct, !ta, false));
  }
  static constexpr value rows_of(auto x) {  // [.., n, k] -> [.. * n, k]
    const meta& m = x.type();
    meta flat{m.type, 2, {}};
    flat.d[0] = 1, flat.d[1] = m.d[m.rank - 1];
    for (int i = 0; i + 1 < m.rank; ++i) flat.d[0] = flat.d[0] * m.d[i];
    return thunder::reshape_to(x, flat);
  }
};

}  // namespace ops

/// (x: [.., n, k], y: [.., k, m] or [k, m]) -> [.., n, m]
template <typed A, typed B> constexpr auto matmul(A a, B b) {
  if constexpr (is_invalid<A> || is_invalid<B>) return invalid{};
  else {
    constexpr dtype t = promote(A::element, B::element);
    if constexpr (A::element == B::element) return make<ops::matmul, words<0, 0>>(a, b);
    else return make<ops::matmul, words<0, 0>>(cast<element_t<t>>(a), cast<element_t<t>>(b));
  }
}

}  // namespace thunder
