#pragma once
/// Picking rows by index, and adding to them.
#include "shape.hpp"

namespace thunder {

namespace ops {

/// (x: [n, ...], index: integer [I...]) -> [I..., ...]: row index[i] of x. An index outside [0, n) is clamped into it.
struct take : op_base<take> {
  static constexpr const char* name = "thunder.take";
  static constexpr op_kind kind = op_kind::structural;
  static constexpr void infer(const arguments& x, inference& r) {
    if (!is_integer(x[1].type)) return r.refuse(mistake::needs_integer);
    if (x[0].rank < 1 || x[0].rank - 1 + x[1].rank > max_rank) return r.refuse(mistake::rank_mismatch, x[0].rank, 1);
    r.result = x[1].with(x[0].type);
    for (int i = 1; i < x[0].rank; ++i) r.result.d[r.result.rank++] = x[0].d[i];
  }
  static constexpr void vjp(auto& c);
};

/// (index: integer [I...], rows: [I..., ...]) -> target [n, ...]: zeros, plus rows[i] in row index[i]. Equal indices add up in
/// ascending order of i, so the result is deterministic.
struct scatter_add : op_base<scatter_add> {
  static constexpr const char* name = "thunder.scatter_add";
  static constexpr op_kind kind = op_kind::structural;
  static constexpr bool has_target = true;
  static constexpr void infer(const arguments& x, inference& r) {
    if (!is_integer(x[0].type)) return r.refuse(mistake::needs_integer);
    if (x[1].rank != x[0].rank + x.target->rank - 1 || x.target->rank < 1) return r.refuse(mistake::rank_mismatch, x[1].rank, x[0].rank + x.target->rank - 1);
    if (x[1].type != x.target->type) return r.refuse(mistake::dtypes_differ);
    for (int i = 0; i < x[1].rank; ++i) {
      const dim& d = i < x[0].rank ? x[0].d[i] : x.target->d[i - x[0].rank + 1];
      if (!(x[1].d[i] == d)) return r.refuse(mistake::same_extent, x[1].d[i], d);
    }
    r.result = *x.target;
  }
  static constexpr void vjp(auto& c) { c.contribute(1, emit_words<take>(nullptr, 0, nullptr, c.cotangent(), c.operand(0))); }
};
constexpr void take::vjp(auto& c) {
  const meta m = c.operand(0).type();
  if (c.wanted[0]) c.contribute(0, emit_words<scatter_add>(nullptr, 0, &m, c.operand(1), c.cotangent()));
}

}  // namespace ops

/// Row index[i] of x for every i: an embedding. (x: [n, ...], index: integer [I...]) -> [I..., ...]
template <typed X, typed I> constexpr auto take(X x, I index) { return make<ops::take>(x, index); }

/// index: integer [...] -> T [..., Depth]: 1 where the last coordinate equals the index.
template <dim Depth, class X> struct one_hot_shape {
  static constexpr meta value = [] {
    meta m = X::type.with(dtype::i32);
    m.d[m.rank++] = Depth;
    return m;
  }();
};
template <dim Depth, class T = float, typed X> constexpr auto one_hot(X index) {
  if constexpr (std::same_as<X, invalid>) return index;
  else if constexpr (!is_integer(X::element)) return make<refused<mistake::needs_integer, X::rank>>();
  else return cast<T>(unsqueeze(cast<std::int32_t>(index), axis<-1>) == make<ops::iota, words<X::rank>, target_from<dtype::i32, one_hot_shape<Depth, X>>>());
}

}  // namespace thunder
