#pragma once
/// Losses.
#include "softmax.hpp"

namespace thunder {

namespace ops {

/// (logits: floating [.., n], labels: integer [..]) -> [..]: -log_softmax(logits)[label], of a half type's logits in float.
/// A label lies in [0, n).
struct cross_entropy_rows : composite_op<cross_entropy_rows> {
  static constexpr const char* name = "thunder.cross_entropy_rows";
  static constexpr void infer(const arguments& x, inference& r) {
    if (!is_floating(x[0].type)) return r.refuse(mistake::needs_floating);
    if (!is_integer(x[1].type)) return r.refuse(mistake::needs_integer);
    if (x[0].rank != x[1].rank + 1) return r.refuse(mistake::rank_mismatch, x[1].rank, x[0].rank - 1);
    r.result = without_axes(x[0], row(x[0])).with(wide_type(x[0].type));
    for (int i = 0; i < x[1].rank; ++i)
      if (!(x[0].d[i] == x[1].d[i])) return r.refuse(mistake::same_extent, x[0].d[i], x[1].d[i]);
  }
  static constexpr std::int64_t row(const meta& m) { return std::int64_t{1} << (m.rank - 1); }
  /// Where the index along the row is the label.
  static constexpr value hit(auto x, auto labels) {
    const meta m = x.type().with(labels.type().type);
    return thunder::iota_like(x.g, m, m.rank - 1) == thunder::expand(labels, row(m), m);
  }
  static constexpr void decompose(auto c) {
    const value x = thunder::wide(c.operand(0));
    const auto p = exponentials::of(x, row(x.type()));
    c.give(thunder::log(p.sum) - thunder::sum(thunder::where(hit(x, c.operand(1)), p.shifted, 0_c), row(x.type())));
  }
  static constexpr void vjp(auto& c) {  // ct (softmax(x) - one_hot(labels))
    const value x = thunder::wide(c.operand(0)), y = softmax::make(x, row(x.type()));
    const value ct = thunder::expand(c.cotangent(), row(x.type()), x.type());
    c.contribute(0, thunder::cast_to(ct * (y - thunder::cast_to(hit(x, c.operand(1)), x.type().type)), c.operand(0).type().type));
  }
};

}  // namespace ops

/// -log_softmax(logits)[label] of each row. (logits: floating [.., n], labels: integer [..] in [0, n)) -> [..], float for half types
template <typed X, typed L> constexpr auto cross_entropy_rows(X logits, L labels) { return make<ops::cross_entropy_rows>(logits, labels); }

/// x as T, or what is left of a mistake.
template <class T, typed X> constexpr auto as_element(X x) {
  if constexpr (is_invalid<X>) return x;
  else return cast<T>(x);
}
/// The mean of cross_entropy_rows. (logits: floating [.., n], labels: integer [..] in [0, n)) -> [] of the logits' element type
template <typed X, typed L> constexpr auto cross_entropy(X logits, L labels) {
  if constexpr (is_invalid<X>) return logits;
  else return as_element<element_t<X::element>>(mean(cross_entropy_rows(logits, labels)));
}
template <class X> constexpr bool has_shape(const meta& m) {
  if constexpr (typed<X>) return X::type.same_shape(m);
  else return false;
}
/// The mean of (a - b)^2. (a: floating [...], b: floating [...]) -> []; half types are averaged in float. One may be broadcast to the other;
/// that both are, as [n, 1] and [n], is a mistake.
template <class A, class B> requires operands<A, B> constexpr auto mse(A a, B b) {
  const auto d = a - b;
  if constexpr (std::same_as<decltype(d), const invalid>) return d;
  else if constexpr (!has_shape<A>(d.type) && !has_shape<B>(d.type)) return make<refused<mistake::shapes_differ, A::rank, B::rank>>();
  else {
    using T = element_t<d.element>;
    const auto w = cast<element_t<wide_type(d.element)>>(d);
    return as_element<T>(mean(w * w));
  }
}

}  // namespace thunder
