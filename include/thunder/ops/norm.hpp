#pragma once
/// var, layer_norm and rms_norm. Each is one statement; half types are computed in float.
#include "softmax.hpp"

namespace thunder {

namespace ops {

/// The variance over axes, divided by their count. words: the mask of the axes.
struct var : normaliser_op<var> {
  static constexpr const char* name = "thunder.var";
  static constexpr bool reduces = true;
  static constexpr value deviation(auto x, std::int64_t axes) { return x - thunder::expand(thunder::mean(x, axes), axes, x.type()); }
  static constexpr void decompose(auto c) {
    const value d = deviation(thunder::wide(c.operand(0)), c.word(0));
    c.give(thunder::cast_to(thunder::mean(d * d, c.word(0)), c.result_type().type));
  }
  static constexpr void vjp(auto& c) {  // 2 ct (x - mean(x)) / n
    const value x = thunder::wide(c.operand(0)), ct = thunder::wide(c.cotangent());
    const value each = 2_c * ct / thunder::count_along(x, c.word(0));
    c.contribute(0, thunder::cast_to(thunder::expand(each, c.word(0), x.type()) * deviation(x, c.word(0)), c.operand(0).type().type));
  }
};

/// (x: [.., n], gains: [n], ...) -> [.., n]. words: the bits of epsilon.
template <class Self> struct norm_op : composite_op<Self> {
  static constexpr void infer(const arguments& x, inference& r) {
    if (x[0].rank < 1) return r.refuse(mistake::axis_missing, 0);
    for (int k = 0; k < x.count; ++k) {
      if (!is_floating(x[k].type)) return r.refuse(mistake::needs_floating);
      if (k > 0 && x[k].rank != 1) return r.refuse(mistake::rank_mismatch, x[k].rank, 1);
      if (k > 0 && !(x[k].d[0] == x[0].d[x[0].rank - 1])) return r.refuse(mistake::same_extent, x[0].d[x[0].rank - 1], x[k].d[0]);
    }
    r.result = x[0];
  }
  static constexpr std::int64_t row(auto x) { return std::int64_t{1} << (x.type().rank - 1); }
  static constexpr value over_row(auto x, auto y) { return thunder::expand(x, row(y), y.type()); }
  /// 1 / sqrt(mean(d * d) + epsilon) of a row, along the row.
  static constexpr value scale(auto d, std::int64_t epsilon) {
    const value v = thunder::mean(d * d, row(d));
    return over_row(thunder::rsqrt(v + thunder::full_like(d.g, std::bit_cast<double>(epsilon), v.type())), d);
  }
  /// Cotangents of the gain and of an optional offset: sums over the rows.
  static constexpr void sum_rows(auto& c, int k, auto x) {
    if (c.wanted[k]) c.contribute(k, thunder::cast_to(thunder::sum(x, all_axes(x.type().rank - 1)), c.operand(k).type().type));
  }
};
/// (x: [.., n], gamma: [n], beta: [n]) -> [.., n]: (x - mean) / sqrt(var + epsilon) * gamma + beta
struct layer_norm : norm_op<layer_norm> {
  static constexpr const char* name = "thunder.layer_norm";
  static constexpr void decompose(auto c) {
    const value x = thunder::wide(c.operand(0)), d = var::deviation(x, row(x));
    const value y = d * scale(d, c.word(0)) * thunder::wide(c.operand(1)) + thunder::wide(c.operand(2));
    c.give(thunder::cast_to(y, c.result_type().type));
  }
  static constexpr void vjp(auto& c) {
    const value x = thunder::wide(c.operand(0)), d = var::deviation(x, row(x)), s = scale(d, c.word(0)), n = d * s, ct = thunder::wide(c.cotangent());
    if (c.wanted[0]) {
      const value w = ct * thunder::wide(c.operand(1));
      const value dx = s * (w - over_row(thunder::mean(w, row(x)), x) - n * over_row(thunder::mean(w * n, row(x)), x));
      c.contribute(0, thunder::cast_to(dx, c.operand(0).type().type));
    }
    sum_rows(c, 1, ct * n), sum_rows(c, 2, ct);
  }
};
/// (x: [.., n], gamma: [n]) -> [.., n]: x / sqrt(mean(x^2) + epsilon) * gamma
struct rms_norm : norm_op<rms_norm> {
  static constexpr const char* name = "thunder.rms_norm";
  static constexpr void decompose(auto c) {
    const value x = thunder::wide(c.operand(0));
    c.give(thunder::cast_to(x * scale(x, c.word(0)) * thunder::wide(c.operand(1)), c.result_type().type));
  }
  static constexpr void vjp(auto& c) {
    const value x = thunder::wide(c.operand(0)), s = scale(x, c.word(0)), n = x * s, ct = thunder::wide(c.cotangent());
    if (c.wanted[0]) {
      const value w = ct * thunder::wide(c.operand(1));
      c.contribute(0, thunder::cast_to(s * (w - n * over_row(thunder::mean(w * n, row(x)), x)), c.operand(0).type().type));
    }
    sum_rows(c, 1, ct * n);
  }
};

}  // namespace ops

/// The variance over all axes or some, divided by the number of elements. (x: floating [...]) -> [... without the axes]
template <typed X> constexpr auto var(X x) { return reduce_typed<ops::var>(x); }
template <typed X, int... I> constexpr auto var(X x, axes_c<I...> a) { return reduce_typed<ops::var>(x, a); }
/// Its square root, whose gradient is not finite where all elements are equal.
template <typed X, class... A> constexpr auto stddev(X x, A... a) { return sqrt(var(x, a...)); }
/// Both the variance and the mean: auto [v, m] = var_mean(x, axis<0>).
template <typed X, class... A> constexpr auto var_mean(X x, A... a) {
  if constexpr (std::same_as<decltype(var(x, a...)), invalid>) return invalid{};
  else return std::pair{var(x, a...), mean(x, a...)};
}
/// Each row with mean 0 and variance 1, times gamma plus beta. (x: [.., n], gamma: [n], beta: [n]) -> [.., n] of x's element type
template <typed X, typed G, typed B, std::int64_t E = bits_of(1e-5)> constexpr auto layer_norm(X x, G gamma, B beta, number<E> = {}) {
  return make<ops::layer_norm, words<E>>(x, gamma, beta);
}
/// Each row with mean square 1, times gamma. (x: [.., n], gamma: [n]) -> [.., n] of x's element type
template <typed X, typed G, std::int64_t E = bits_of(1e-5)> constexpr auto rms_norm(X x, G gamma, number<E> = {}) {
  return make<ops::rms_norm, words<E>>(x, gamma);
}

}  // namespace thunder
