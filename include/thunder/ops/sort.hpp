#pragma once
/// Rows in order: sort, argsort, top_k. -0 equals 0, and a NaN is larger than all numbers, as in PyTorch.
#include "row_index.hpp"

namespace thunder {

enum class sort_order : std::uint8_t { ascending, descending };

namespace ops {

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

}  // namespace ops

template <class E, class I> constexpr auto as_pair(results<E, I>) { return std::pair<E, I>{}; }
constexpr invalid as_pair(invalid) { return {}; }

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
  if constexpr (is_invalid<X>) return x;
  else if constexpr (X::rank > 0 && K > ops::top_k::most && !X::type.d[X::rank - 1].named() && K <= X::type.d[X::rank - 1].size) {
    const auto [values, indices] = sort<sort_order::descending>(x);
    return std::pair{slice<-1, 0, K>(values), slice<-1, 0, K>(indices)};
  } else return as_pair(make<ops::top_k, words<K>>(x));
}

}  // namespace thunder
