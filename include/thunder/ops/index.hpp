#pragma once
/// Picking rows by index, and adding to them; parts of an axis that begin at an index.
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
    if (x[1].type == dtype::b8) return r.refuse(mistake::needs_arithmetic);
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

/// (x: [.., n, ..], start: integer []) -> [.., m, ..]: elements start to start + m of one axis. words: the axis, m.
/// The start is clamped into [0, n - m].
struct dynamic_slice : op_base<dynamic_slice> {
  static constexpr const char* name = "thunder.dynamic_slice";
  static constexpr op_kind kind = op_kind::structural;
  static constexpr void infer(const arguments& x, inference& r) {
    const std::int64_t axis = x.words[0], length = x.words[1];
    if (axis < 0 || axis >= x[0].rank) return r.refuse(mistake::axis_missing, x[0].rank);
    if (!is_integer(x[1].type)) return r.refuse(mistake::needs_integer);
    if (x[1].rank != 0) return r.refuse(mistake::rank_mismatch, x[1].rank, 0);
    const dim& n = x[0].d[axis];
    if (n.named()) return r.refuse(mistake::slice_named, n);
    if (length < 1 || length > n.size) return r.refuse(mistake::slice_bounds, length, n.size);
    r.result = x[0];
    r.result.d[axis] = dim(length);
  }
  static constexpr void vjp(auto& c);
};
/// (x: [.., n, ..], update: [.., m, ..], start: integer []) -> x's type: x with `update` at start to start + m of one axis. words: the axis.
/// The start is clamped into [0, n - m]. As the new value of a buffer or of a donated argument it is written in place.
struct dynamic_update_slice : op_base<dynamic_update_slice> {
  static constexpr const char* name = "thunder.dynamic_update_slice";
  static constexpr op_kind kind = op_kind::structural;
  static constexpr bool in_place = true;
  static constexpr void infer(const arguments& x, inference& r) {
    const std::int64_t axis = x.words[0];
    if (axis < 0 || axis >= x[0].rank) return r.refuse(mistake::axis_missing, x[0].rank);
    if (!is_integer(x[2].type)) return r.refuse(mistake::needs_integer);
    if (x[2].rank != 0) return r.refuse(mistake::rank_mismatch, x[2].rank, 0);
    if (x[1].rank != x[0].rank || x[1].type != x[0].type) return r.refuse(mistake::update_shapes, x[0].rank, x[1].rank);
    for (int i = 0; i < x[0].rank; ++i) {
      const dim &n = x[0].d[i], &m = x[1].d[i];
      if (i != axis && !(n == m)) return r.refuse(mistake::update_shapes, n, m);
      if (i == axis && (n.named() || m.named())) return r.refuse(mistake::slice_named, n.named() ? n : m);
      if (i == axis && (m.size < 1 || m.size > n.size)) return r.refuse(mistake::update_shapes, n, m);
    }
    r.result = x[0];
  }
  static constexpr void vjp(auto& c) {
    const std::int64_t axis = c.word(0);
    const meta m = c.operand(1).type();
    if (c.wanted[0]) c.contribute(0, emit_words<dynamic_update_slice>(&axis, 1, nullptr, c.cotangent(), thunder::full_like(c.g, 0, m), c.operand(2)));
    if (!c.wanted[1]) return;
    const std::int64_t part[]{axis, m.d[axis].size};
    c.contribute(1, emit_words<dynamic_slice>(part, 2, nullptr, c.cotangent(), c.operand(2)));
  }
};
constexpr void dynamic_slice::vjp(auto& c) {
  const std::int64_t axis = c.word(0);
  c.contribute(0, emit_words<dynamic_update_slice>(&axis, 1, nullptr, thunder::full_like(c.g, 0, c.operand(0).type()), c.cotangent(), c.operand(1)));
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
  if constexpr (is_invalid<X>) return index;
  else if constexpr (!is_integer(X::element)) return make<refused<mistake::needs_integer, X::rank>>();
  else return cast<T>(unsqueeze(cast<std::int32_t>(index), axis<-1>) == make<ops::iota, words<X::rank>, target_from<dtype::i32, one_hot_shape<Depth, X>>>());
}

/// dynamic_slice<Axis, Length>(x, start): Length elements of one axis, from an index that is known when the program runs. The start is
/// clamped, so that they exist. (x: [.., n, ..], start: integer []) -> [.., Length, ..]
template <int Axis, std::int64_t Length, typed X, typed I> constexpr auto dynamic_slice(X x, I start) {
  if constexpr (is_invalid<X>) return x;
  else return make<ops::dynamic_slice, words<one_axis(X::rank, Axis), Length>>(x, start);
}
/// dynamic_update_slice<Axis>(x, update, start): x with `update` in place of as many elements of one axis, from `start` on (clamped, so that
/// they exist). A buffer that a program updates this way, and a donated argument, are written in place: only the update
/// moves. Elsewhere x is copied.
/// (x: [.., n, ..], update: [.., m, ..], start: integer []) -> [.., n, ..]
template <int Axis, typed X, typed U, typed I> constexpr auto dynamic_update_slice(X x, U update, I start) {
  if constexpr (is_invalid<X>) return x;
  else return make<ops::dynamic_update_slice, words<one_axis(X::rank, Axis)>>(x, update, start);
}

}  // namespace thunder
