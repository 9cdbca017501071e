#pragma once
/// Sums and products up to each element along one axis.
#include "softmax.hpp"

namespace thunder {

/// From which end of its axis a scan starts.
enum class scan_order : std::uint8_t { forward, reverse };

namespace ops {

/// The base of scans. words: the axis, 1 if it starts at the end.  (x: number [...]) -> [...]. Half types are accumulated in float; integers wrap.
template <class Self> struct scan_op : op_base<Self> {
  static constexpr op_kind kind = op_kind::structural;
  static constexpr void infer(const arguments& x, inference& r) {
    if (x.words[0] < 0 || x.words[0] >= x[0].rank) return r.refuse(mistake::axis_missing, x[0].rank);
    if (x[0].type == dtype::b8) return r.refuse(mistake::needs_arithmetic);
    r.result = x[0];
  }
  static constexpr value along(value x, std::int64_t axis, bool reverse) {
    const std::int64_t w[]{axis, reverse};
    return emit_words<Self>(w, 2, nullptr, x);
  }
};
struct cumsum : scan_op<cumsum> {
  static constexpr const char* name = "thunder.cumsum";
  template <class T> static constexpr T identity() { return T(0); }
  template <class T> static constexpr T combine(T a, T b) { return a + b; }
  static constexpr void vjp(auto& c) { c.contribute(0, along(c.cotangent(), c.word(0), !c.word(1))); }
};
struct cumprod : scan_op<cumprod> {
  static constexpr const char* name = "thunder.cumprod";
  template <class T> static constexpr T identity() { return T(1); }
  template <class T> static constexpr T combine(T a, T b) { return a * b; }
  /// Element i is in result j, and in those after it: its cotangent is the sum of ct_j y_j over these, divided by x_i. That holds up to the
  /// first zero. At this zero itself, y is as if it were 1; behind it everything is 0.
  static constexpr void vjp(auto& c) {
    const std::int64_t axis = c.word(0);
    const bool reverse = c.word(1) != 0;
    const value x = thunder::wide(c.operand(0)), ct = thunder::wide(c.cotangent()), zero = x == 0_c;
    const value zeros = cumsum::along(thunder::cast_to(zero, x.type().type), axis, reverse), first = thunder::logical_and(zero, zeros == 1_c);
    auto from_here = [&](value v) { return cumsum::along(v, axis, !reverse); };
    const value before = from_here(ct * along(x, axis, reverse)) / thunder::where(zero, 1_c, x);
    const value at = from_here(ct * along(thunder::where(first, 1_c, x), axis, reverse));
    const value after = thunder::full_like(c.g, 0, x.type());
    c.contribute(0, thunder::cast_to(thunder::where(zeros == 0_c, before, thunder::where(first, at, after)), c.operand(0).type().type));
  }
};

}  // namespace ops

template <class Op, scan_order Order, typed X, int I> constexpr auto scan_typed(X x, axes_c<I>) {
  if constexpr (is_invalid<X>) return x;
  else return make<Op, words<one_axis(X::rank, I), Order == scan_order::reverse>>(x);
}
/// The sum of the elements up to each one along an axis (cumsum(x): the last), or of those from it on: cumsum<scan_order::reverse>(x, axis<0>).
/// (x: number [...]) -> [...] of x's element type, which half types are rounded to at the end and integers wrap in.
template <scan_order Order = scan_order::forward, typed X, int I> constexpr auto cumsum(X x, axes_c<I> a) { return scan_typed<ops::cumsum, Order>(x, a); }
template <scan_order Order = scan_order::forward, typed X> constexpr auto cumsum(X x) { return cumsum<Order>(x, axis<-1>); }
/// The same for products. The gradient is right at zeros, too (second derivatives are not); it
/// divides by the other elements, so very small ones cost precision.
template <scan_order Order = scan_order::forward, typed X, int I> constexpr auto cumprod(X x, axes_c<I> a) { return scan_typed<ops::cumprod, Order>(x, a); }
template <scan_order Order = scan_order::forward, typed X> constexpr auto cumprod(X x) { return cumprod<Order>(x, axis<-1>); }

}  // namespace thunder
