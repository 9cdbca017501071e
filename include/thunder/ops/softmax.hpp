#pragma once
/// softmax, log_softmax and logsumexp. Each is one statement; half types are computed in float.
#include "shape.hpp"

namespace thunder {

constexpr dtype wide_type(dtype t) { return t == dtype::f16 || t == dtype::bf16 ? dtype::f32 : t; }
/// In float, if of a half type.
template <graph_value X> constexpr value wide(X x) { return cast_to(x, wide_type(x.type().type)); }

namespace ops {

/// words: the mask of the axes.
template <class Self> struct normaliser_op : composite_op<Self> {
  static constexpr void infer(const arguments& x, inference& r) {
    sum::infer(x, r);
    if (r.error != mistake::none) return;
    if (!is_floating(x[0].type)) return r.refuse(mistake::needs_floating);
    if (!Self::reduces) r.result = x[0];
  }
};

/// The parts that the ops below share, so that they are computed once in a program that uses several.
struct exponentials {
  value shifted, exp, sum, max;  // x - max(x); its exponential; the sum of those; the sums and max have lost the axes
  static constexpr exponentials of(auto x, std::int64_t axes) {
    const value m = thunder::max(x, axes), z = x - thunder::expand(m, axes, x.type()), e = thunder::exp(z);
    return {z, e, thunder::sum(e, axes), m};
  }
};

/// (x: [...]) -> [...]: exp(x) / sum(exp(x)) over the axes
struct softmax : normaliser_op<softmax> {
  static constexpr const char* name = "thunder.softmax";
  static constexpr bool reduces = false;
  static constexpr value make(auto x, std::int64_t axes) { return emit_words<softmax>(&axes, 1, nullptr, x); }
  static constexpr void decompose(auto c) {
    const value x = thunder::wide(c.operand(0));
    const auto p = exponentials::of(x, c.word(0));
    c.give(thunder::cast_to(p.exp * thunder::expand(1_c / p.sum, c.word(0), x.type()), c.result_type().type));
  }
  static constexpr void vjp(auto& c) {  // y (ct - sum(ct y))
    const value y = thunder::wide(c.result()), ct = thunder::wide(c.cotangent());
    const value s = thunder::sum(ct * y, c.word(0));
    c.contribute(0, thunder::cast_to(y * (ct - thunder::expand(s, c.word(0), y.type())), c.operand(0).type().type));
  }
};
/// (x: [...]) -> [...]: log(softmax(x))
struct log_softmax : normaliser_op<log_softmax> {
  static constexpr const char* name = "thunder.log_softmax";
  static constexpr bool reduces = false;
  static constexpr void decompose(auto c) {
    const value x = thunder::wide(c.operand(0));
    const auto p = exponentials::of(x, c.word(0));
    c.give(thunder::cast_to(p.shifted - thunder::expand(thunder::log(p.sum), c.word(0), x.type()), c.result_type().type));
  }
  static constexpr void vjp(auto& c) {  // ct - softmax(x) sum(ct)
    const value ct = thunder::wide(c.cotangent()), y = softmax::make(thunder::wide(c.operand(0)), c.word(0));
    const value s = thunder::sum(ct, c.word(0));
    c.contribute(0, thunder::cast_to(ct - y * thunder::expand(s, c.word(0), y.type()), c.operand(0).type().type));
  }
};
/// (x: [...]) -> [... without the axes]: log(sum(exp(x)))
struct logsumexp : normaliser_op<logsumexp> {
  static constexpr const char* name = "thunder.logsumexp";
  static constexpr bool reduces = true;
  static constexpr void decompose(auto c) {
    const auto p = exponentials::of(thunder::wide(c.operand(0)), c.word(0));
    const value infinite = thunder::abs(p.max) == number<bits_of(std::numeric_limits<double>::infinity())>{};  // then it is the result, and x - max NaN
    c.give(thunder::cast_to(thunder::where(infinite, p.max, p.max + thunder::log(p.sum)), c.result_type().type));
  }
  static constexpr void vjp(auto& c) {  // ct softmax(x)
    const value ct = thunder::wide(c.cotangent()), y = softmax::make(thunder::wide(c.operand(0)), c.word(0));
    c.contribute(0, thunder::cast_to(thunder::expand(ct, c.word(0), y.type()) * y, c.operand(0).type().type));
  }
};

}  // namespace ops

/// exp(x) / sum(exp(x)) along the axes. (x: floating [...]) -> [...]
template <typed X, int... I> constexpr auto softmax(X x, axes_c<I...> a) { return reduce_typed<ops::softmax>(x, a); }
template <typed X> constexpr auto softmax(X x) { return softmax(x, axis<-1>); }
/// log(softmax(x)) along the axes, without overflow. (x: floating [...]) -> [...]
template <typed X, int... I> constexpr auto log_softmax(X x, axes_c<I...> a) { return reduce_typed<ops::log_softmax>(x, a); }
template <typed X> constexpr auto log_softmax(X x) { return log_softmax(x, axis<-1>); }
/// log(sum(exp(x))) along the axes, without overflow; -inf where all are. (softmax and log_softmax have no value there: NaN.) (x: floating [...]) -> [... without the axes]
template <typed X, int... I> constexpr auto logsumexp(X x, axes_c<I...> a) { return reduce_typed<ops::logsumexp>(x, a); }
template <typed X> constexpr auto logsumexp(X x) { return logsumexp(x, axis<-1>); }

}  // namespace thunder
