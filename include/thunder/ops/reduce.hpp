#pragma once
/// Reductions over axes: the axes disappear from the shape.
#include <limits>

#include "elementary.hpp"

namespace thunder {

namespace ops {

/// The base of reductions. words: the mask of the axes.  (x: [...]) -> [... without the axes]
template <class Self> struct reduction_op : op_base<Self> {
  static constexpr op_kind kind = op_kind::reduction;
  static constexpr bool is_reduction = true;
  static constexpr void infer(const arguments& x, inference& r) {
    const std::int64_t mask = x.words[0];
    if (mask < 0 || mask > all_axes(x[0].rank)) return r.refuse(mask == repeated_axis ? mistake::axis_repeated : mistake::axis_missing, x[0].rank);
    if (x[0].type == dtype::b8) return r.refuse(mistake::needs_arithmetic);
    r.result = without_axes(x[0], mask);
  }
};
struct sum : reduction_op<sum> {
  static constexpr const char* name = "thunder.sum";
  template <class T> static constexpr T identity() { return T(0); }
  static constexpr auto combine(const auto& a, const auto& b) { return a + b; }
  static constexpr void vjp(auto& c) { c.contribute(0, thunder::expand(c.cotangent(), c.word(0), c.operand(0).type())); }
};
struct max : reduction_op<max> {
  static constexpr const char* name = "thunder.max";
  template <class T> static constexpr T identity() { return lowest<T>(); }
  static constexpr auto combine(const auto& a, const auto& b) { return math::maximum(a, b); }
  static constexpr void vjp(auto& c) {  // equal elements share the cotangent
    const value x = c.operand(0);
    const std::int64_t mask = c.word(0);
    const value at = thunder::cast_to(x == thunder::expand(c.result(), mask, x.type()), x.type().type);
    c.contribute(0, thunder::expand(c.cotangent() / thunder::sum(at, mask), mask, x.type()) * at);
  }
  template <class T> static constexpr T lowest() {
    if constexpr (std::is_floating_point_v<T>) return -std::numeric_limits<T>::infinity();
    else return std::numeric_limits<T>::lowest();
  }
};
struct min : reduction_op<min> {
  static constexpr const char* name = "thunder.min";
  template <class T> static constexpr T identity() {
    if constexpr (std::is_floating_point_v<T>) return std::numeric_limits<T>::infinity();
    else return std::numeric_limits<T>::max();
  }
  static constexpr auto combine(const auto& a, const auto& b) { return math::minimum(a, b); }
  static constexpr void vjp(auto& c) { max::vjp(c); }
};
struct prod : reduction_op<prod> {
  static constexpr const char* name = "thunder.prod";
  template <class T> static constexpr T identity() { return T(1); }
  static constexpr auto combine(const auto& a, const auto& b) { return a * b; }
  static constexpr void vjp(auto& c) {  // the product of the others: no zero is divided by. (Its own derivative misses what a zero element does.)
    const dtype t = c.operand(0).type().type;
    const value x = thunder::cast_to(c.operand(0), promote(t, dtype::f32)), zero = x == 0_c, others = thunder::where(zero, 1_c, x);
    const std::int64_t mask = c.word(0);
    const value zeros = thunder::sum(thunder::cast_to(zero, x.type().type), mask), p = emit_words<prod>(&mask, 1, nullptr, others);
    auto along = [&](value v) { return thunder::expand(v, mask, x.type()); };
    const value none = thunder::where(zeros == 0_c, p, 0_c), one = thunder::where(zeros == 1_c, p, 0_c);
    c.contribute(0, thunder::cast_to(along(thunder::cast_to(c.cotangent(), x.type().type)) * thunder::where(zero, along(one), along(none) / others), t));
  }
};
/// The first index of the largest element along one axis. words: the axis.  (x: [...]) -> i32 [... without the axis]
struct argmax : op_base<argmax> {
  static constexpr const char* name = "thunder.argmax";
  static constexpr op_kind kind = op_kind::structural;
  static constexpr void infer(const arguments& x, inference& r) {
    if (x.words[0] < 0 || x.words[0] >= x[0].rank) return r.refuse(mistake::axis_missing, x[0].rank);
    r.result = without_axes(x[0], std::int64_t{1} << x.words[0]).with(dtype::i32);
  }
};
/// The size of a dimension, known when the program is called. words: the dimension.  () -> i64 []
struct extent : op_base<extent> {
  static constexpr const char* name = "thunder.extent";
  static constexpr op_kind kind = op_kind::structural;
  static constexpr void infer(const arguments&, inference& r) { r.result = {dtype::i64, 0, {}}; }
  static constexpr dim of(const std::int64_t* w) {
    dim d(w[0]);
    d.a = static_cast<std::uint64_t>(w[1]), d.b = static_cast<std::uint64_t>(w[2]), d.c = static_cast<std::uint64_t>(w[3]);
    return d;
  }
};

}  // namespace ops

// ---- on values of a graph
template <class Op, graph_value X> constexpr value reduced(X x, std::int64_t mask) { return mask == 0 ? x : emit_words<Op>(&mask, 1, nullptr, x); }
template <graph_value X> constexpr value sum(X x, std::int64_t mask) { return reduced<ops::sum>(x, mask); }
template <graph_value X> constexpr value max(X x, std::int64_t mask) { return reduced<ops::max>(x, mask); }
/// Undoes the shape of a reduction: x along new axes `mask` of `to`.
template <graph_value X> constexpr value expand(X x, std::int64_t mask, const meta& to) {
  return mask == 0 ? x : broadcast_to(x, to, all_axes(to.rank) & ~mask);
}
/// A size as a number: a constant where it is static. () -> t []
template <class G> constexpr value extent_like(G* g, const dim& n, dtype t) {
  if (!n.named()) return full_like(g, static_cast<double>(n.size), meta{t, 0, {}});
  const std::int64_t w[]{n.size, static_cast<std::int64_t>(n.a), static_cast<std::int64_t>(n.b), static_cast<std::int64_t>(n.c)};
  return cast_to(emit<ops::extent>(g, w, 4, nullptr, 0), t);
}
/// The number of elements along the axes, as a value of x's element type: a constant where the extents are static.
template <graph_value X> constexpr value count_along(X x, std::int64_t mask) {
  dim n = 1;
  for (int i = 0; i < x.type().rank; ++i)
    if (mask >> i & 1) n = n * x.type().d[i];
  return extent_like(x.g, n, x.type().type);
}
template <graph_value X> constexpr value mean(X x, std::int64_t mask) { return sum(x, mask) / count_along(x, mask); }

// ---- on expressions
template <class Op, typed X, int... I> constexpr auto reduce_typed(X x, axes_c<I...> a) {
  if constexpr (is_invalid<X>) return x;
  else return make<Op, words<axes_mask(X::rank, a)>>(x);
}
template <class Op, typed X> constexpr auto reduce_typed(X x) {
  if constexpr (is_invalid<X>) return x;
  else if constexpr (X::rank == 0) return x;
  else return make<Op, words<all_axes(X::rank)>>(x);
}

namespace ops {
/// words: the mask of the axes.
struct mean : composite_op<mean> {
  static constexpr const char* name = "thunder.mean";
  static constexpr void infer(const arguments& x, inference& r) {
    sum::infer(x, r);
    if (r.error == mistake::none && !is_floating(x[0].type)) r.refuse(mistake::needs_floating);
  }
  static constexpr void decompose(auto c) {  // half types are summed in float
    const value x = c.operand(0);
    const dtype t = x.type().type;
    c.give(thunder::cast_to(thunder::mean(thunder::cast_to(x, promote(t, dtype::f32)), c.word(0)), t));
  }
};
}  // namespace ops

/// sum(x), sum(x, axis<0, -1>): over all axes or some. Accumulates half types in float.
template <typed X> constexpr auto sum(X x) { return reduce_typed<ops::sum>(x); }
template <typed X, int... I> constexpr auto sum(X x, axes_c<I...> a) { return reduce_typed<ops::sum>(x, a); }
template <typed X> constexpr auto max(X x) { return reduce_typed<ops::max>(x); }
template <typed X, int... I> constexpr auto max(X x, axes_c<I...> a) { return reduce_typed<ops::max>(x, a); }
template <typed X> constexpr auto min(X x) { return reduce_typed<ops::min>(x); }
template <typed X, int... I> constexpr auto min(X x, axes_c<I...> a) { return reduce_typed<ops::min>(x, a); }
template <typed X> constexpr auto mean(X x) { return reduce_typed<ops::mean>(x); }
template <typed X, int... I> constexpr auto mean(X x, axes_c<I...> a) { return reduce_typed<ops::mean>(x, a); }
/// The product. Its gradient is right at zeros, too.
template <typed X> constexpr auto prod(X x) { return reduce_typed<ops::prod>(x); }
template <typed X, int... I> constexpr auto prod(X x, axes_c<I...> a) { return reduce_typed<ops::prod>(x, a); }
/// The first index of the largest element along an axis, as i32. A NaN is larger than all numbers.
template <typed X, int I> constexpr auto argmax(X x, axes_c<I>) {
  if constexpr (is_invalid<X>) return x;
  else return make<ops::argmax, words<one_axis(X::rank, I)>>(x);
}
/// The first index of the smallest element along an axis, or of the first NaN, as i32.
template <typed X, int I> constexpr auto argmin(X x, axes_c<I> a) {
  if constexpr (is_invalid<X>) return x;
  else if constexpr (X::element == dtype::b8) return argmax(!x, a);
  else if constexpr (is_integer(X::element)) return argmax(-1_c - x, a);  // -x does not exist for the least integer
  else return argmax(-x, a);
}

/// Whether any element, or every one, is not zero: over all axes or some. (x: [...]) -> bool [... without the axes]
template <class Op, typed X, class... A> constexpr auto reduce_truth(X x, A... a) {
  if constexpr (is_invalid<X>) return x;
  else if constexpr (X::element == dtype::b8) return reduce_typed<Op>(cast<std::int32_t>(x), a...) > 0_c;
  else return reduce_truth<Op>(x != 0_c, a...);
}
template <typed X, int... I> constexpr auto any(X x, axes_c<I...> a) { return reduce_truth<ops::max>(x, a); }
template <typed X> constexpr auto any(X x) { return reduce_truth<ops::max>(x); }
template <typed X, int... I> constexpr auto all(X x, axes_c<I...> a) { return reduce_truth<ops::min>(x, a); }
template <typed X> constexpr auto all(X x) { return reduce_truth<ops::min>(x); }

}  // namespace thunder
