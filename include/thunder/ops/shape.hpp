#pragma once
/// Moving elements: reshape, broadcast, transpose, slice, pad, concatenate; counting them: iota; and triangles of matrices.
#include "reduce.hpp"

namespace thunder {

namespace ops {

/// words: for each result axis, the operand's axis.
struct transpose : op_base<transpose> {
  static constexpr const char* name = "thunder.transpose";
  static constexpr op_kind kind = op_kind::structural;
  static constexpr void infer(const arguments& x, inference& r) {
    if (x.word_count != x[0].rank) return r.refuse(mistake::transpose_axes, x.word_count, x[0].rank);
    std::int64_t seen = 0;
    r.result = x[0];
    for (int i = 0; i < x.word_count; ++i) {
      const std::int64_t from = x.words[i];
      if (from < 0 || from >= x[0].rank || (seen >> from & 1)) return r.refuse(mistake::transpose_axes, from, x[0].rank);
      seen |= std::int64_t{1} << from;
      r.result.d[i] = x[0].d[from];
    }
  }
  static constexpr void vjp(auto& c) {
    std::int64_t inverse[max_rank]{};
    for (int i = 0; i < c.at().words; ++i) inverse[c.word(i)] = i;
    c.contribute(0, emit_words<transpose>(inverse, c.at().words, nullptr, c.cotangent()));
  }
};

/// Every stride-th element of [begin, end) on each axis. words: begins, ends (-1: up to the extent), strides.
struct slice : op_base<slice> {
  static constexpr const char* name = "thunder.slice";
  static constexpr op_kind kind = op_kind::structural;
  static constexpr void infer(const arguments& x, inference& r) {
    const int rank = x[0].rank;
    if (x.word_count != 3 * rank) return r.refuse(mistake::axis_missing, x.word_count / 3, rank);
    r.result = x[0];
    for (int i = 0; i < rank; ++i) {
      const std::int64_t begin = x.words[i], end = x.words[rank + i], stride = x.words[2 * rank + i];
      if (begin == 0 && end == -1 && stride == 1) continue;
      const dim& d = x[0].d[i];
      if (d.named()) return r.refuse(mistake::slice_named, d);
      const std::int64_t last = end == -1 ? d.size : end;
      if (begin < 0 || last > d.size || begin >= last || stride < 1) return r.refuse(mistake::slice_bounds, last, d.size);
      r.result.d[i] = dim((last - begin + stride - 1) / stride);
    }
  }
  static constexpr void vjp(auto& c);
};

/// Zeros around and between. words: widths before, widths after, zeros between two elements; for each axis.
struct pad : op_base<pad> {
  static constexpr const char* name = "thunder.pad";
  static constexpr op_kind kind = op_kind::structural;
  static constexpr void infer(const arguments& x, inference& r) {
    const int rank = x[0].rank;
    if (x.word_count != 3 * rank) return r.refuse(mistake::axis_missing, x.word_count / 3, rank);
    r.result = x[0];
    for (int i = 0; i < rank; ++i) {
      const std::int64_t before = x.words[i], after = x.words[rank + i], between = x.words[2 * rank + i];
      if (before == 0 && after == 0 && between == 0) continue;
      if (x[0].d[i].named()) return r.refuse(mistake::pad_named, x[0].d[i]);
      if (before < 0 || after < 0 || between < 0) return r.refuse(mistake::pad_negative, before, after);
      const std::int64_t n = x[0].d[i].size;
      r.result.d[i] = dim(before + n + (n > 0 ? (n - 1) * between : 0) + after);
    }
  }
  static constexpr void vjp(auto& c) {
    std::int64_t w[3 * max_rank]{};
    const meta m = c.operand(0).type();
    if (m.count().size == 0) return;  // nothing to differentiate by
    for (int i = 0; i < m.rank; ++i) {
      const std::int64_t before = c.word(i), after = c.word(m.rank + i), between = c.word(2 * m.rank + i);
      const bool whole = before == 0 && after == 0 && between == 0;
      w[i] = before, w[m.rank + i] = whole ? -1 : before + (m.d[i].size - 1) * (between + 1) + 1, w[2 * m.rank + i] = between + 1;
    }
    c.contribute(0, emit_words<slice>(w, 3 * m.rank, nullptr, c.cotangent()));
  }
};
constexpr void slice::vjp(auto& c) {
  std::int64_t w[3 * max_rank]{};
  const meta m = c.operand(0).type(), y = c.result().type();
  for (int i = 0; i < m.rank; ++i) {
    const std::int64_t begin = c.word(i), end = c.word(m.rank + i), stride = c.word(2 * m.rank + i);
    if (begin == 0 && end == -1 && stride == 1) continue;
    w[i] = begin, w[m.rank + i] = m.d[i].size - (begin + (y.d[i].size - 1) * stride + 1), w[2 * m.rank + i] = stride - 1;
  }
  c.contribute(0, emit_words<pad>(w, 3 * m.rank, nullptr, c.cotangent()));
}

/// (x: [.., n, ..], y: [.., m, ..], ...) -> [.., n + m + .., ..]. words: the axis.
struct concatenate : op_base<concatenate> {
  static constexpr const char* name = "thunder.concatenate";
  static constexpr op_kind kind = op_kind::structural;
  static constexpr void infer(const arguments& x, inference& r) {
    const std::int64_t axis = x.words[0];
    if (axis < 0 || axis >= x[0].rank) return r.refuse(mistake::axis_missing, x[0].rank);
    r.result = x[0];
    for (int k = 0; k < x.count; ++k) {
      if (x[k].rank != x[0].rank || x[k].type != x[0].type) return r.refuse(mistake::concatenate_shapes, x[0].rank, x[k].rank);
      if (x[k].d[axis].named()) return r.refuse(mistake::pad_named, x[k].d[axis]);
      for (int i = 0; i < x[0].rank; ++i)
        if (i != axis && !(x[k].d[i] == x[0].d[i])) return r.refuse(mistake::concatenate_shapes, x[0].d[i], x[k].d[i]);
      if (k > 0) r.result.d[axis] = dim(r.result.d[axis].size + x[k].d[axis].size);
    }
  }
  static constexpr void vjp(auto& c) {
    const std::int64_t axis = c.word(0);
    std::int64_t begin = 0;
    for (int k = 0; k < c.at().operands; ++k) {
      const meta m = c.operand(k).type();
      std::int64_t w[3 * max_rank]{};
      for (int i = 0; i < m.rank; ++i) w[i] = i == axis ? begin : 0, w[m.rank + i] = i == axis ? begin + m.d[i].size : -1, w[2 * m.rank + i] = 1;
      begin += m.d[axis].size;
      if (c.wanted[k] && m.d[axis].size > 0) c.contribute(k, emit_words<slice>(w, 3 * m.rank, nullptr, c.cotangent()));
    }
  }
};

/// 0, 1, 2, ... along one axis. words: the axis.  () -> target
struct iota : op_base<iota> {
  static constexpr const char* name = "thunder.iota";
  static constexpr op_kind kind = op_kind::indexed;
  static constexpr int cost = 1;
  static constexpr bool has_target = true, is_indexed = true;
  static constexpr void infer(const arguments& x, inference& r) {
    r.result = *x.target;
    if (x.words[0] < 0 || x.words[0] >= x.target->rank) r.refuse(mistake::axis_missing, x.target->rank);
    if (x.target->type == dtype::b8) r.refuse(mistake::needs_arithmetic);
  }
  template <class Words, class T> static constexpr auto evaluate(const auto& index) { return index; }
};

/// (x: [.., n, m]) -> the same, 0 outside of a triangle of each matrix. words: the diagonal, 1 for the triangle above it.
struct triangle : composite_op<triangle> {
  static constexpr const char* name = "thunder.triangle";
  static constexpr void infer(const arguments& x, inference& r) {
    if (x[0].rank < 2) return r.refuse(mistake::rank_mismatch, x[0].rank, 2);
    r.result = x[0];
  }
  static constexpr void decompose(auto c) {
    const value x = c.operand(0);
    const meta m = x.type().with(dtype::i32);
    const value row = thunder::iota_like(x.g, m, m.rank - 2) + thunder::full_like(x.g, static_cast<double>(c.word(0)), m);
    const value column = thunder::iota_like(x.g, m, m.rank - 1);
    c.give(thunder::where(c.word(1) ? column >= row : column <= row, x, thunder::full_like(x.g, 0, x.type())));
  }
  static constexpr void vjp(auto& c) {
    const std::int64_t w[]{c.word(0), c.word(1)};
    c.contribute(0, emit_words<triangle>(w, 2, nullptr, c.cotangent()));
  }
};

}  // namespace ops

template <class G> constexpr value iota_like(G* g, const meta& m, std::int64_t axis) { return emit<ops::iota>(g, &axis, 1, nullptr, 0, &m); }

/// reshape<B, 28 * 28>(x): the same elements in row-major order. One extent may be -1 (what is left) if that is a whole number.
template <auto... D> struct reshape_request {
  static constexpr dim wanted[sizeof...(D) + 1]{dim(D)..., dim(1)};
  static constexpr dim without = [] {
    dim n = 1;
    for (int i = 0; i < int(sizeof...(D)); ++i)
      if (!(wanted[i] == dim(-1))) n = n * wanted[i];
    return n;
  }();
  /// count / without, or -1 where that does not divide symbolically.
  static constexpr dim quotient(const dim& count, const dim& by) {
    if (by.size == 0 || count.size % by.size != 0) return -1;
    dim q(count.size / by.size);
    std::uint64_t up[3]{count.a, count.b, count.c};
    for (std::uint64_t s : {by.a, by.b, by.c}) {
      if (!s) continue;
      bool found = false;
      for (auto& u : up)
        if (!found && u == s) u = 0, found = true;
      if (!found) return -1;
    }
    for (std::uint64_t u : up)
      if (u) {
        dim one_name;
        one_name.a = u;
        q = q * one_name;
      }
    return q;
  }
};
template <class Layout, auto... D> struct reshaped {
  static constexpr meta value = [] {
    meta m{Layout::value.type, 0, {}};
    const dim q = reshape_request<D...>::quotient(Layout::value.count(), reshape_request<D...>::without);
    for (int i = 0; i < int(sizeof...(D)); ++i) {
      const dim d = reshape_request<D...>::wanted[i];
      m.d[m.rank++] = d == dim(-1) ? q : d;
    }
    return m;
  }();
};
template <auto... D, typed X> constexpr auto reshape(X x) {
  if constexpr (is_invalid<X>) return x;
  else if constexpr (reshaped<typename X::layout_type, D...>::value.same_shape(X::type)) return x;
  else return make<ops::reshape, words<>, target_from<X::element, reshaped<typename X::layout_type, D...>>>(x);
}
/// broadcast<B, 10>(x): repeats x along leading dimensions (and those of extent 1) up to the shape.
template <auto... D, typed X> constexpr auto broadcast(X x) {
  if constexpr (is_invalid<X>) return x;
  else {
    using To = reshaped<typename X::layout_type, D...>;
    if constexpr (sizeof...(D) < X::rank) return make<ops::broadcast, words<all_axes(sizeof...(D))>, target_from<X::element, To>>(x);
    else return spread_typed<shape_of_meta<To>>(x);
  }
}
/// A new axis of extent 1.
template <class Layout, int I> struct unsqueezed {
  static constexpr meta value = [] {
    const meta& from = Layout::value;
    meta m{from.type, 0, {}};
    const int at = I < 0 ? from.rank + 1 + I : I;
    for (int i = 0; i <= from.rank; ++i) m.d[m.rank++] = i == at ? dim(1) : from.d[i < at ? i : i - 1];
    return m;
  }();
};
template <int I, typed X> constexpr auto unsqueeze(X x, axes_c<I>) {
  if constexpr (is_invalid<X>) return x;
  else if constexpr (I > X::rank || I < -1 - X::rank) return make<refused<mistake::axis_missing, I, X::rank>>();
  else return make<ops::reshape, words<>, target_from<X::element, unsqueezed<typename X::layout_type, I>>>(x);
}
/// transpose(x, axis<1, 0, 2>): result axis i is operand axis A[i]. transpose(x): the last two swapped.
template <typed X, int... A> constexpr auto transpose(X x, axes_c<A...>) {
  if constexpr (is_invalid<X>) return x;
  else return make<ops::transpose, words<one_axis(X::rank, A)...>>(x);
}
template <int... I> constexpr auto swap_last(std::integer_sequence<int, I...>) {
  constexpr int n = sizeof...(I);
  return axes_c<(I == n - 1 ? n - 2 : I == n - 2 ? n - 1 : I)...>{};
}
template <typed X> constexpr auto transpose(X x) {
  if constexpr (is_invalid<X>) return x;
  else return transpose(x, swap_last(std::make_integer_sequence<int, X::rank>{}));
}
/// slice<Axis, Begin, End, Stride = 1>(x): part of one axis; End = -1 means up to its extent.
template <int Axis, std::int64_t Begin, std::int64_t End, std::int64_t Stride, class X, int... I>
constexpr auto slice_words(std::integer_sequence<int, I...>) {
  constexpr int at = one_axis(X::rank, Axis);
  return words<(I == at ? Begin : 0)..., (I == at ? End : -1)..., (I == at ? Stride : 1)...>{};
}
template <int Axis, std::int64_t Begin, std::int64_t End, std::int64_t Stride = 1, typed X> constexpr auto slice(X x) {
  if constexpr (is_invalid<X>) return x;
  else if constexpr (one_axis(X::rank, Axis) < 0) return make<refused<mistake::axis_missing, Axis, X::rank>>();
  else return make<ops::slice, decltype(slice_words<Axis, Begin, End, Stride, X>(std::make_integer_sequence<int, X::rank>{}))>(x);
}
/// pad<Axis, Before, After>(x): zeros at the ends of one axis.
template <int Axis, std::int64_t Before, std::int64_t After, class X, int... I> constexpr auto pad_words(std::integer_sequence<int, I...>) {
  constexpr int at = one_axis(X::rank, Axis);
  return words<(I == at ? Before : 0)..., (I == at ? After : 0)..., (I * 0)...>{};
}
template <int Axis, std::int64_t Before, std::int64_t After, typed X> constexpr auto pad(X x) {
  if constexpr (is_invalid<X>) return x;
  else if constexpr (one_axis(X::rank, Axis) < 0) return make<refused<mistake::axis_missing, Axis, X::rank>>();
  else return make<ops::pad, decltype(pad_words<Axis, Before, After, X>(std::make_integer_sequence<int, X::rank>{}))>(x);
}
/// concatenate(axis<0>, x, y, ...): element types and all other extents are equal.
template <int I, typed X, typed... Y> constexpr auto concatenate(axes_c<I>, X x, Y... y) {
  if constexpr (is_invalid<X>) return x;
  else return make<ops::concatenate, words<one_axis(X::rank, I)>>(x, y...);
}
/// full<float, B, 10>(0.5_c): one value everywhere.
template <class T, auto... D, std::int64_t Bits> constexpr auto full(number<Bits>) {
  return make<ops::full, words<Bits>, target_of<dtype_of<T>, shape_t<D...>>>();
}
template <class T, auto... D> constexpr auto zeros() { return full<T, D...>(0_c); }
template <class T, auto... D> constexpr auto ones() { return full<T, D...>(1_c); }
/// iota<std::int32_t, B, 10>(axis<1>): the index along an axis.
template <class T, auto... D, int I> constexpr auto iota(axes_c<I>) {
  return make<ops::iota, words<one_axis(sizeof...(D), I)>, target_of<dtype_of<T>, shape_t<D...>>>();
}
/// tril<K>(x): the lower triangle of each matrix, up to diagonal K (0: the main one; positive: above it), and 0 elsewhere. triu<K>(x): the
/// upper one, from diagonal K on. (x: [.., n, m]) -> [.., n, m]
template <int K = 0, typed X> constexpr auto tril(X x) { return make<ops::triangle, words<K, 0>>(x); }
template <int K = 0, typed X> constexpr auto triu(X x) { return make<ops::triangle, words<K, 1>>(x); }
/// extent<B>(): the size of a dimension, as an i64 of rank 0 known when the program is called.
template <dim D> constexpr auto extent() {
  return make<ops::extent, words<D.size, static_cast<std::int64_t>(D.a), static_cast<std::int64_t>(D.b), static_cast<std::int64_t>(D.c)>>();
}

}  // namespace thunder
