#pragma once
/// Elements of rows by index: take_along_axis, and what its gradient puts back into rows.
#include "index.hpp"

namespace thunder {

namespace ops {

/// (index: integer [I...], rows: [I..., ...]) -> target [n, ...]: zeros, with rows[i] in row index[i]. The indices differ: this
/// is the transpose of a `take` of different rows, which has nothing to add up. An index outside [0, n) is clamped into it.
struct scatter : op_base<scatter> {
  static constexpr const char* name = "thunder.scatter";
  static constexpr op_kind kind = op_kind::structural;
  static constexpr bool has_target = true;
  static constexpr void infer(const arguments& x, inference& r) { scatter_add::infer(x, r); }
  static constexpr void vjp(auto& c) { scatter_add::vjp(c); }
};

/// Where element index[.., k] of the rows of a tensor [.., n] is in row-major order. (index: integer [.., k]) -> integer [.., k]
constexpr value place_in_rows(value index, const meta& of) {
  meta lead{dtype::i64, of.rank - 1, {}};
  dim rows = 1;
  for (int i = 0; i < lead.rank; ++i) lead.d[i] = of.d[i], rows = rows * of.d[i];
  const dim n = of.d[lead.rank], all = rows * n;
  if (lead.rank == 0) return index;
  if (!all.named() && all.size <= 0x7fffffff) lead.type = dtype::i32;
  const meta flat{lead.type, 1, {rows}};
  const value first =
      thunder::reshape_to(thunder::iota_like(index.g, flat, 0), lead) * thunder::extent_like(index.g, n, lead.type);
  const std::int64_t last = std::int64_t{1} << lead.rank;
  return thunder::cast_to(index, lead.type) + thunder::expand(first, last, index.type());
}
constexpr meta flat_type(const meta& m) { return {m.type, 1, {m.count()}}; }
/// The transpose of picking different elements of each row. (v: [.., k], index: i32 [.., k]) -> like [.., n]
constexpr value put_in_rows(value v, value index, const meta& like) {
  const meta flat = flat_type(like.with(v.type().type));
  return thunder::reshape_to(emit_words<scatter>(nullptr, 0, &flat, place_in_rows(index, like), v), like);
}

/// (x: [.., n], index: integer [.., k]) -> [.., k]: elements of each row by index, which is clamped into the row.
struct take_along_last : composite_op<take_along_last> {
  static constexpr const char* name = "thunder.take_along_last";
  static constexpr void infer(const arguments& x, inference& r) {
    if (!is_integer(x[1].type)) return r.refuse(mistake::needs_integer);
    if (x[0].rank < 1 || x[1].rank != x[0].rank) return r.refuse(mistake::rank_mismatch, x[1].rank, x[0].rank);
    for (int i = 0; i + 1 < x[0].rank; ++i)
      if (!(x[0].d[i] == x[1].d[i])) return r.refuse(mistake::same_extent, x[0].d[i], x[1].d[i]);
    r.result = x[1].with(x[0].type);
  }
  static constexpr void decompose(auto c) {
    const value x = c.operand(0), index = c.operand(1);
    const meta from = x.type(), of = index.type();
    const value n = thunder::extent_like(x.g, from.d[from.rank - 1], of.type), one = thunder::full_like(x.g, 1, n.type());
    const value inside = thunder::maximum(thunder::minimum(index, thunder::expand(n - one, all_axes(of.rank), of)), 0_c);
    c.give(emit_words<take>(nullptr, 0, nullptr, thunder::reshape_to(x, flat_type(from)), place_in_rows(inside, from)));
  }
};

}  // namespace ops

/// x with axis I and the last one swapped.
template <int I, int Rank>
struct swapped_axes {
  static constexpr int axis = one_axis(Rank, I);
  static constexpr int of(int k) { return axis < 0 ? k : k == axis ? Rank - 1 : k == Rank - 1 ? axis : k; }
  template <int... K, class X>
  static constexpr auto in(X x, std::integer_sequence<int, K...>) {
    return transpose(x, thunder::axis<of(K)...>);
  }
};
template <int I, typed X>
constexpr auto swap_with_last(X x) {
  if constexpr (is_invalid<X>)
    return x;
  else if constexpr (one_axis(X::rank, I) < 0)
    return make<refused<mistake::axis_missing, X::rank>>();
  else if constexpr (one_axis(X::rank, I) == X::rank - 1)
    return x;
  else
    return swapped_axes<I, X::rank>::in(x, std::make_integer_sequence<int, X::rank>{});
}

/// Elements by index along an axis (the last, if none is named): y[i, k] = x[i, index[i, k]]. An index outside is clamped.
/// (x: [.., n, ..], index: integer [.., k, ..]) -> [.., k, ..]
template <typed X, typed I>
constexpr auto take_along_axis(X x, I index) {
  return make<ops::take_along_last>(x, index);
}
template <typed X, typed I, int A>
constexpr auto take_along_axis(X x, I index, axes_c<A>) {
  return swap_with_last<A>(take_along_axis(swap_with_last<A>(x), swap_with_last<A>(index)));
}

}  // namespace thunder
