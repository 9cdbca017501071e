#pragma once
/// Rows in order: sort, argsort, top_k; and elements of rows by index. -0 equals 0, and a NaN is larger than all numbers, as in PyTorch.
#include "index.hpp"

namespace thunder {

enum class sort_order : std::uint8_t { ascending, descending };

namespace ops {

/// (index: integer [I...], rows: [I..., ...]) -> target [n, ...]: zeros, with rows[i] in row index[i]. The indices differ: this is the transpose
/// of a `take` of different rows, which has nothing to add up. An index outside [0, n) is clamped into it.
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
  const value first = thunder::reshape_to(thunder::iota_like(index.g, flat, 0), lead) * thunder::extent_like(index.g, n, lead.type);
  const std::int64_t last = std::int64_t{1} << lead.rank;
  return thunder::cast_to(index, lead.type) + thunder::expand(first, last, index.type());
}
constexpr meta flat_type(const meta& m) { return {m.type, 1, {m.count()}}; }
/// The transpose of picking different elements of each row. (v: [.., k], index: i32 [.., k]) -> like [.., n]
constexpr value put_in_rows(value v, value index, const meta& like) {
  const meta flat = flat_type(like.with(v.type().type));
  return thunder::reshape_to(emit_words<scatter>(nullptr, 0, &flat, place_in_rows(index, like), v), like);
}

/// (x: [.., n]) -> x's type, i32 [.., n]: each row in order, and where its elements were; equal ones keep their order. words: 1 if descending.
struct sort : op_base<sort> {
  static constexpr const char* name = "thunder.sort";
  static constexpr op_kind kind = op_kind::structural;
  static constexpr void infer(const arguments& x, inference& r) {
    if (x[0].rank < 1) return r.refuse(mistake::axis_missing, x[0].rank);
    r.result = x[0];
    r.more.push(x[0].with(dtype::i32));
  }
  static constexpr void vjp(auto& c) { c.contribute(0, put_in_rows(c.cotangent(), c.result(1), c.operand(0).type())); }
};
/// (x: [.., n]) -> [.., k] of x's element type, i32 [.., k]: the k largest elements of each row, the largest first, and where they were; of
/// equal ones the first. words: k.
struct top_k : op_base<top_k> {
  static constexpr const char* name = "thunder.top_k";
  static constexpr op_kind kind = op_kind::structural;
  /// More elements are found by a sort.
  static constexpr std::int64_t most = 1024;
  static constexpr void infer(const arguments& x, inference& r) {
    if (x[0].rank < 1) return r.refuse(mistake::axis_missing, x[0].rank);
    const dim& n = x[0].d[x[0].rank - 1];
    if (n.named() || x.words[0] < 1 || x.words[0] > n.size || x.words[0] > most) return r.refuse(mistake::top_k_count, x.words[0], n);
    r.result = x[0];
    r.result.d[x[0].rank - 1] = dim(x.words[0]);
    r.more.push(r.result.with(dtype::i32));
  }
  static constexpr void vjp(auto& c) { sort::vjp(c); }
};
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

template <class E, class I> constexpr auto as_pair(results<E, I>) { return std::pair<E, I>{}; }
constexpr invalid as_pair(invalid) { return {}; }

/// x with axis I and the last one swapped.
template <int I, int Rank> struct swapped_axes {
  static constexpr int axis = one_axis(Rank, I);
  static constexpr int of(int k) { return axis < 0 ? k : k == axis ? Rank - 1 : k == Rank - 1 ? axis : k; }
  template <int... K, class X> static constexpr auto in(X x, std::integer_sequence<int, K...>) { return transpose(x, thunder::axis<of(K)...>); }
};
template <int I, typed X> constexpr auto swap_with_last(X x) {
  if constexpr (std::same_as<X, invalid>) return x;
  else if constexpr (one_axis(X::rank, I) < 0) return make<refused<mistake::axis_missing, X::rank>>();
  else if constexpr (one_axis(X::rank, I) == X::rank - 1) return x;
  else return swapped_axes<I, X::rank>::in(x, std::make_integer_sequence<int, X::rank>{});
}

/// The elements in order along an axis (sort(x): the last), and where they were: auto [values, indices] = sort(x). Equal elements keep their
/// order, descending too; a NaN is larger than all numbers. sort<sort_order::descending>(x, axis<0>). (x: [...]) -> [...], i32 [...]
template <sort_order Order = sort_order::ascending, typed X> constexpr auto sort(X x) { return as_pair(make<ops::sort, words<Order == sort_order::descending>>(x)); }
template <sort_order Order = sort_order::ascending, typed X, int I> constexpr auto sort(X x, axes_c<I>) {
  const auto y = swap_with_last<I>(x);
  if constexpr (std::same_as<decltype(y), const invalid>) return y;
  else {
    const auto [values, indices] = sort<Order>(y);
    return std::pair{swap_with_last<I>(values), swap_with_last<I>(indices)};
  }
}
/// Where the elements of sort(x) were. (x: [...]) -> i32 [...]
template <sort_order Order = sort_order::ascending, typed X, int I> constexpr auto argsort(X x, axes_c<I> a) {
  const auto sorted = sort<Order>(x, a);
  if constexpr (std::same_as<decltype(sorted), const invalid>) return sorted;
  else return sorted.second;
}
template <sort_order Order = sort_order::ascending, typed X> constexpr auto argsort(X x) { return argsort<Order>(x, axis<-1>); }

/// The K largest elements of the last axis, the largest first, and where they were: auto [values, indices] = top_k<5>(x). Of equal elements
/// the first; a NaN is larger than all numbers. (x: [.., n]) -> [.., K], i32 [.., K]
template <std::int64_t K, typed X> constexpr auto top_k(X x) {
  if constexpr (std::same_as<X, invalid>) return x;
  else if constexpr (X::rank > 0 && K > ops::top_k::most && !X::type.d[X::rank - 1].named() && K <= X::type.d[X::rank - 1].size) {
    const auto [values, indices] = sort<sort_order::descending>(x);
    return std::pair{slice<-1, 0, K>(values), slice<-1, 0, K>(indices)};
  } else return as_pair(make<ops::top_k, words<K>>(x));
}

/// Elements by index along an axis (the last, if none is named): y[i, k] = x[i, index[i, k]]. An index outside is clamped.
/// (x: [.., n, ..], index: integer [.., k, ..]) -> [.., k, ..]
template <typed X, typed I> constexpr auto take_along_axis(X x, I index) { return make<ops::take_along_last>(x, index); }
template <typed X, typed I, int A> constexpr auto take_along_axis(X x, I index, axes_c<A>) {
  return swap_with_last<A>(take_along_axis(swap_with_last<A>(x), swap_with_last<A>(index)));
}

}  // namespace thunder
