#pragma once
/// Making operands of a pointwise op alike: constants become statements, element types are promoted, shapes broadcast as in
/// NumPy (aligned at the end; missing dimensions and dimensions of extent 1 extend).
#include "vocabulary.hpp"

namespace thunder {

namespace ops {

/// A value everywhere: words: the bits of a double.  () -> target
struct full : op_base<full> {
  static constexpr const char* name = "thunder.full";
  static constexpr op_kind kind = op_kind::indexed;
  static constexpr bool has_target = true;
  static constexpr void infer(const arguments& x, inference& r) { r.result = *x.target; }
};

/// Another element type. words: the dtype.  Float to integer truncates; to bool is != 0.
struct cast : op_base<cast> {
  static constexpr const char* name = "thunder.cast";
  static constexpr op_kind kind = op_kind::pointwise;
  static constexpr void infer(const arguments& x, inference& r) { r.result = x[0].with(static_cast<dtype>(x.words[0])); }
  static constexpr void vjp(auto& c) {
    const dtype from = c.operand(0).type().type, to = c.result().type().type;
    if (is_floating(from) && is_floating(to)) c.contribute(0, thunder::cast_to(c.cotangent(), from));
  }
};

/// Repeats along new dimensions. words: a mask of the target's dimensions that the operand has, in order.
struct broadcast : op_base<broadcast> {
  static constexpr const char* name = "thunder.broadcast";
  static constexpr op_kind kind = op_kind::structural;
  static constexpr bool has_target = true;
  static constexpr void infer(const arguments& x, inference& r) {
    const meta &from = x[0], &to = *x.target;
    int k = 0;
    for (int i = 0; i < to.rank; ++i)
      if (x.words[0] >> i & 1) {
        if (k >= from.rank) return r.refuse(mistake::broadcast_shape, from.rank, to.rank);
        if (!(from.d[k] == to.d[i])) return r.refuse(mistake::broadcast_shape, from.d[k], to.d[i]);
        ++k;
      }
    if (k != from.rank || from.type != to.type) return r.refuse(mistake::broadcast_shape, from.rank, to.rank);
    r.result = to;
  }
  static constexpr void vjp(auto& c) { c.contribute(0, thunder::sum(c.cotangent(), all_axes(c.result().type().rank) & ~c.word(0))); }
};

/// The same elements in row-major order under another shape (the target), symbolically of the same count.
struct reshape : op_base<reshape> {
  static constexpr const char* name = "thunder.reshape";
  static constexpr op_kind kind = op_kind::structural;
  static constexpr bool has_target = true;
  static constexpr void infer(const arguments& x, inference& r) {
    if (!(x[0].count() == x.target->count())) return r.refuse(mistake::reshape_count, x[0].count(), x.target->count());
    if (x[0].type != x.target->type) return r.refuse(mistake::dtypes_differ);
    r.result = *x.target;
  }
  static constexpr void vjp(auto& c) { c.contribute(0, thunder::reshape_to(c.cotangent(), c.operand(0).type())); }
};

}  // namespace ops

/// The common shape of two, or false. The element type is not touched.
constexpr bool broadcast_shapes(const meta& a, const meta& b, meta& out) {
  const meta &high = a.rank >= b.rank ? a : b, &low = a.rank >= b.rank ? b : a;
  meta m = high;
  for (int i = 1; i <= low.rank; ++i) {
    dim &x = m.d[m.rank - i];
    const dim& y = low.d[low.rank - i];
    if (x == y || y.is_one()) continue;
    if (!x.is_one()) return false;
    x = y;
  }
  out = m;
  return true;
}

/// How `from` extends to the shape `to`: which dimensions of `to` it brings, and its shape without those of extent 1 that grow.
struct extension {
  std::int64_t mask = 0;
  meta kept{};
  bool squeezed = false, same = false;
};
constexpr extension extension_of(const meta& from, const meta& to) {
  extension e;
  e.kept.type = from.type;
  e.same = from.same_shape(to);
  const int lead = to.rank - from.rank;
  for (int i = 0; i < from.rank; ++i) {
    if (from.d[i] == to.d[lead + i]) e.mask |= std::int64_t{1} << (lead + i), e.kept.d[e.kept.rank++] = from.d[i];
    else e.squeezed = true;
  }
  return e;
}

// ---- on values of a graph
template <class G> constexpr value full_like(G* g, double v, const meta& m) {
  const std::int64_t w = bits_of(v);
  return emit<ops::full>(g, &w, 1, nullptr, 0, &m);
}
template <graph_value X> constexpr value reshape_to(X x, const meta& m) {
  return m.same_shape(x.type()) ? x : emit_words<ops::reshape>(nullptr, 0, &m, x);
}
template <graph_value X> constexpr value cast_to(X x, dtype t) {
  const std::int64_t w = static_cast<std::int64_t>(t);
  return x.type().type == t ? x : emit_words<ops::cast>(&w, 1, nullptr, x);
}
template <graph_value X> constexpr value broadcast_to(X x, const meta& shape, std::int64_t mask) {
  const meta m = shape.with(x.type().type);
  return emit_words<ops::broadcast>(&mask, 1, &m, x);
}
template <graph_value X> constexpr value spread_to(X x, const meta& shape) {
  const extension e = extension_of(x.type(), shape);
  if (e.same) return x;
  return broadcast_to(e.squeezed ? reshape_to(x, e.kept) : x, shape, e.mask);
}

// ---- on typed expressions
template <class Shape, dtype T> struct full_target { static constexpr meta type = make_meta<T>(Shape{}); };
template <class T, expression X> constexpr auto cast(X x) {
  static_assert(element<T>, "cast<T>: T is an element type such as float, thunder::bf16 or std::int64_t");
  if constexpr (X::element == dtype_of<T>) return x;
  else return make<ops::cast, words<static_cast<std::int64_t>(dtype_of<T>)>>(x);
}
template <class T> constexpr invalid cast(invalid) { return {}; }
template <class A, class B> struct common_shape {
  static constexpr meta value = [] {
    meta m = A::type;
    broadcast_shapes(A::type, B::type, m);
    return m;
  }();
  static constexpr bool exists = [] {
    meta m;
    return broadcast_shapes(A::type, B::type, m);
  }();
};
template <class X, class To> struct typed_extension {
  static constexpr extension e = extension_of(X::type, To::value);
  struct kept { static constexpr meta value = e.kept; };
};
/// A value declared by a type that holds its meta.
template <dtype T, class Meta> using target_from = target_of<T, shape_of_meta<Meta>>;
template <class To, expression X> constexpr auto spread_typed(X x) {
  using E = typed_extension<X, To>;
  if constexpr (E::e.same) return x;
  else if constexpr (E::e.squeezed) return make<ops::broadcast, words<E::e.mask>, target_from<X::element, To>>(make<ops::reshape, words<>, target_from<X::element, typename E::kept>>(x));
  else return make<ops::broadcast, words<E::e.mask>, target_from<X::element, To>>(x);
}

// ---- the element type and shape that operands agree on
/// A number beside an integer makes floats unless it is an integer.
template <class N> constexpr dtype number_type(dtype other) {
  const bool whole = N::value == static_cast<double>(static_cast<std::int64_t>(N::value));
  return is_floating(other) || (whole && other != dtype::b8) ? other : whole ? dtype::i32 : dtype::f32;
}
template <class A, class B> constexpr dtype common_type() {
  if constexpr (is_number<A>) return number_type<A>(B::element);
  else if constexpr (is_number<B>) return number_type<B>(A::element);
  else return promote(A::element, B::element);
}
template <dtype T, class To, operand X> constexpr auto conform(X x) {
  if constexpr (is_number<X>) return make<ops::full, words<bits_of(X::value)>, target_from<T, To>>();
  else return spread_typed<To>(cast<element_t<T>>(x));
}
template <class A, class B> struct pair_shape : common_shape<A, B> {};
template <class A, std::int64_t N> struct pair_shape<A, number<N>> { static constexpr meta value = A::type; static constexpr bool exists = true; };
template <std::int64_t N, class B> struct pair_shape<number<N>, B> { static constexpr meta value = B::type; static constexpr bool exists = true; };

/// Applies a pointwise op of one or two operands, made alike first.
template <class Op, class X> constexpr auto pointwise(X x) { return make<Op>(x); }
template <class Op, class A, class B> constexpr auto pointwise(A a, B b) {
  if constexpr (std::is_arithmetic_v<A>) return plain_number<A>();
  else if constexpr (std::is_arithmetic_v<B>) return plain_number<B>();
  else if constexpr (is_number<A> && is_number<B>) return number<bits_of(Op::evaluate(A::value, B::value))>{};
  else if constexpr (std::same_as<A, invalid> || std::same_as<B, invalid>) return invalid{};
  else if constexpr (!pair_shape<A, B>::exists) return make<Op>(a, b);  // infer says what is wrong
  else {
    constexpr dtype t = common_type<A, B>();
    using To = pair_shape<A, B>;
    return make<Op>(conform<t, To>(a), conform<t, To>(b));
  }
}

/// The same on values of a graph.
template <class Op, graph_value X> constexpr value graph_pointwise(X x) { return emit_words<Op>(nullptr, 0, nullptr, x); }
template <class Op, class A, class B> constexpr value graph_pointwise(A a, B b) {
  if constexpr (is_number<A>) return emit_words<Op>(nullptr, 0, nullptr, full_like(b.g, A::value, b.type()), b);
  else if constexpr (is_number<B>) return emit_words<Op>(nullptr, 0, nullptr, a, full_like(a.g, B::value, a.type()));
  else {
    meta m;
    if (!broadcast_shapes(a.type(), b.type(), m)) throw "a rule made operands that do not broadcast";
    const dtype t = promote(a.type().type, b.type().type);
    return emit_words<Op>(nullptr, 0, nullptr, spread_to(cast_to(a, t), m), spread_to(cast_to(b, t), m));
  }
}

}  // namespace thunder
