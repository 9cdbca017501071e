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
  static constexpr void infer(const arguments& x, inference& r) {
    if (x.words[0] < 0 || x.words[0] >= dtype_count) return r.refuse(mistake::dtypes_differ);
    r.result = x[0].with(static_cast<dtype>(x.words[0]));
  }
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
/// A number like x.
template <graph_value X> constexpr value full_of_type(X x, double v) {
  const std::int64_t w = bits_of(v);
  const int t = x.g->values[x.id].type;
  return {x.g, x.g->put(table_of<ops::full>(), &w, 1, nullptr, 0, &t, 1)};
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
template <class T, expression X> constexpr auto cast(X x) {
  static_assert(element<T>, "cast<T>: T is an element type such as float, thunder::bf16 or std::int64_t");
  if constexpr (X::element == dtype_of<T>) return x;
  else return make<ops::cast, words<static_cast<std::int64_t>(dtype_of<T>)>>(x);
}
template <class T> constexpr invalid cast(invalid) { return {}; }

/// A shape as the `value` of a type.
template <class Shape> struct shape_meta { static constexpr meta value = make_meta<dtype::f32>(Shape{}); };
template <class A, class B> struct common_shape {
  static constexpr bool exists = [] {
    meta m;
    return broadcast_shapes(shape_meta<A>::value, shape_meta<B>::value, m);
  }();
  static constexpr meta value = [] {
    meta m = shape_meta<A>::value;
    broadcast_shapes(shape_meta<A>::value, shape_meta<B>::value, m);
    return m;
  }();
  using shape = shape_of_meta<common_shape>;
};
template <class A> struct common_shape<A, A> {
  static constexpr bool exists = true;
  using shape = A;
};
/// A declared result type from a type that holds a meta.
template <dtype T, class Meta> using target_from = target_of<T, shape_of_meta<Meta>>;

template <class From, class To> struct shape_extension {
  static constexpr extension e = extension_of(shape_meta<From>::value, shape_meta<To>::value);
  struct kept { static constexpr meta value = e.kept; };
};
/// x with the shape To, by broadcasting.
template <class To, expression X> constexpr auto spread_typed(X x) {
  if constexpr (std::is_same_v<To, typename X::shape_type>) return x;
  else {
    using E = shape_extension<typename X::shape_type, To>;
    using target = target_of<X::element, To>;
    if constexpr (!E::e.squeezed) return make_known<ops::broadcast, words<E::e.mask>, X::element, To, target::key, X>();
    else return make<ops::broadcast, words<E::e.mask>, target>(make<ops::reshape, words<>, target_from<X::element, typename E::kept>>(x));
  }
}

/// The element type of a number beside other operands: a number beside an integer makes floats unless it is an integer.
template <class N> constexpr dtype number_type(dtype other) {
  if (is_floating(other)) return other;
  constexpr double v = N::value;
  if (!(v >= -0x1p63 && v < 0x1p63) || v != static_cast<double>(static_cast<std::int64_t>(v))) return dtype::f32;
  return other != dtype::b8 ? other : dtype::i32;
}
/// A number as a statement.
template <dtype T, class Shape, std::int64_t Bits> constexpr auto full_typed(number<Bits>) {
  return make_known<ops::full, words<Bits>, T, Shape, layout<T, Shape>::keyed.key>();
}
/// An operand with this element type and shape.
template <dtype T, class Shape, expression X> constexpr auto conform(X x) {
  if constexpr (X::element == T) return spread_typed<Shape>(x);
  else return spread_typed<Shape>(cast<element_t<T>>(x));
}
template <dtype T, class Shape, std::int64_t Bits> constexpr auto conform(number<Bits> x) { return full_typed<T, Shape>(x); }

/// Whether a pointwise op takes operands of one element type, and what it gives.
template <class Op> constexpr bool takes(dtype t) {
  switch (Op::types) {
    case typing::arithmetic: return t != dtype::b8;
    case typing::floating: return is_floating(t);
    case typing::comparison: return true;
    case typing::logical: return t == dtype::b8;
    default: return false;
  }
}
template <class Op> constexpr dtype given(dtype t) { return Op::types == typing::comparison ? dtype::b8 : t; }

/// Applies a pointwise op of one or two operands, made alike first.
template <class Op, dtype T, class S, digest D, int R> constexpr auto pointwise(expr<T, S, D, R> x) {
  if constexpr (takes<Op>(T)) return make_known<Op, words<>, given<Op>(T), S, 0, expr<T, S, D, R>>();
  else return make<Op>(x);  // infer says what is wrong
}
template <class Op> constexpr invalid pointwise(invalid) { return {}; }
template <class Op, dtype T, class S, digest D1, int R1, digest D2, int R2> constexpr auto pointwise(expr<T, S, D1, R1> a, expr<T, S, D2, R2> b) {
  if constexpr (takes<Op>(T)) return make_known<Op, words<>, given<Op>(T), S, 0, expr<T, S, D1, R1>, expr<T, S, D2, R2>>();
  else return make<Op>(a, b);
}
template <class Op, class A, class B> constexpr auto pointwise(A a, B b) {
  if constexpr (role_of<A>::value == role::plain_number || role_of<B>::value == role::plain_number) return make<refused<mistake::plain_number, sizeof(A), sizeof(B)>>();
  else if constexpr (is_invalid<A> || is_invalid<B>) return invalid{};
  else if constexpr (is_number<A> && is_number<B>) return number<bits_of(Op::evaluate(A::value, B::value))>{};
  else if constexpr (is_number<A>) {
    constexpr dtype t = number_type<A>(B::element);
    if constexpr (t == B::element) return pointwise<Op>(full_typed<t, typename B::shape_type>(a), b);
    else return pointwise<Op>(full_typed<t, typename B::shape_type>(a), cast<element_t<t>>(b));
  } else if constexpr (is_number<B>) {
    constexpr dtype t = number_type<B>(A::element);
    if constexpr (t == A::element) return pointwise<Op>(a, full_typed<t, typename A::shape_type>(b));
    else return pointwise<Op>(cast<element_t<t>>(a), full_typed<t, typename A::shape_type>(b));
  } else {
    using To = common_shape<typename A::shape_type, typename B::shape_type>;
    if constexpr (!To::exists) return make<Op>(a, b);
    else {
      constexpr dtype t = promote(A::element, B::element);
      using type = layout<t, typename To::shape>;
      if constexpr (std::is_same<typename A::layout_type, type>::value) return pointwise<Op>(a, conform<t, typename To::shape>(b));
      else if constexpr (std::is_same<typename B::layout_type, type>::value) return pointwise<Op>(conform<t, typename To::shape>(a), b);
      else return pointwise<Op>(conform<t, typename To::shape>(a), conform<t, typename To::shape>(b));
    }
  }
}

/// The same on values of a graph. Operands of one type, the common case, need no inference.
template <class Op> constexpr int pointwise_type(graph& g, int type) { return Op::types == typing::comparison ? g.bool_type(type) : type; }
template <class Op, graph_value X> constexpr value graph_pointwise(X x) {
  const int t = x.g->values[x.id].type;
  if (!takes<Op>(x.g->types[t].type)) throw "a rule applied an op to an element type that it does not take";
  const int r = pointwise_type<Op>(*x.g, t);
  return {x.g, x.g->put(table_of<Op>(), nullptr, 0, &x.id, 1, &r, 1)};
}
template <class Op, class A, class B> constexpr value graph_pointwise(A a, B b) {
  if constexpr (is_number<A>) return graph_pointwise<Op>(full_of_type(b, A::value), b);
  else if constexpr (is_number<B>) return graph_pointwise<Op>(a, full_of_type(a, B::value));
  else {
    const int t = a.g->values[a.id].type;
    if (t == a.g->values[b.id].type) {
      if (!takes<Op>(a.g->types[t].type)) throw "a rule applied an op to an element type that it does not take";
      const int x[]{a.id, b.id}, r = pointwise_type<Op>(*a.g, t);
      return {a.g, a.g->put(table_of<Op>(), nullptr, 0, x, 2, &r, 1)};
    }
    meta m;
    if (!broadcast_shapes(a.type(), b.type(), m)) throw "a rule made operands that do not broadcast";
    const dtype e = promote(a.type().type, b.type().type);
    return emit_words<Op>(nullptr, 0, nullptr, spread_to(cast_to(a, e), m), spread_to(cast_to(b, e), m));
  }
}

}  // namespace thunder
