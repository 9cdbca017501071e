#pragma once
/// Adam with decoupled weight decay (Kingma and Ba 2015; Loshchilov and Hutter 2019).
#include "update.hpp"

namespace thunder {

namespace ops {

/// (rate: f32 [], t: i64 [], p..., g..., m..., v...) -> p'..., m'..., v'....  words: beta1, beta2, epsilon, decay, 1 if only matrices decay.
struct adamw : composite_op<adamw> {
  static constexpr const char* name = "thunder.adamw";
  static constexpr void infer(const arguments& x, inference& r) {
    const int n = (x.count - 2) / 4;
    if (n < 1 || x.count != 2 + 4 * n) return r.refuse(mistake::no_gradients, x.count);
    if (x[0].rank != 0 || x[1].rank != 0) return r.refuse(mistake::rank_mismatch, x[0].rank + x[1].rank);
    if (!optim::same_shapes(x, 2, n)) return r.refuse(mistake::shapes_differ, n);
    r.result = x[2];
    for (int k = 1; k < n; ++k) r.more.push(x[2 + k]);
    for (int k = 0; k < 2 * n; ++k) r.more.push(x[2 + 2 * n + k]);
  }
  static constexpr void decompose(auto c) {
    const int n = (c.operand_count() - 2) / 4;
    const double b1 = c.real(0), b2 = c.real(1), epsilon = c.real(2), decay = c.real(3);
    const meta scalar{dtype::f32, 0, {}};
    const value rate = c.operand(0), t = cast_to(c.operand(1), dtype::f32), one = full_like(c.g, 1, scalar);
    const value correct1 = one / (one - thunder::pow(full_like(c.g, b1, scalar), t)), correct2 = one / (one - thunder::pow(full_like(c.g, b2, scalar), t));
    list<int> first, second;
    for (int k = 0; k < n; ++k) {
      const value p = c.operand(2 + k), m = c.operand(2 + 2 * n + k), v = c.operand(2 + 3 * n + k);
      const dtype type = m.type().type;
      const meta like = m.type();
      const value g = cast_to(c.operand(2 + n + k), type), x = cast_to(p, type);
      const value m1 = m * full_like(c.g, b1, like) + g * full_like(c.g, 1 - b1, like);
      const value v1 = v * full_like(c.g, b2, like) + g * g * full_like(c.g, 1 - b2, like);
      const value step = m1 * cast_to(correct1, type) / (thunder::sqrt(v1 * cast_to(correct2, type)) + full_like(c.g, epsilon, like));
      const bool decays = decay != 0 && (like.rank >= 2 || !c.word(4));
      c.give(cast_to(x - (decays ? step + x * full_like(c.g, decay, like) : step) * cast_to(rate, type), p.type().type));
      first.push(m1.id), second.push(v1.id);
    }
    for (int v : first) c.give(value{c.g, v});
    for (int v : second) c.give(value{c.g, v});
  }
};

}  // namespace ops

namespace optim {

/// What is fixed when the program is compiled; PyTorch's defaults.
struct adamw_options {
  setting beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0.01;
  bool decay_matrices_only = false;  // not biases and the gains of norms, whose rank is below 2
};

/// One step of AdamW over all gradients, as one statement: new values of the parameters, of the moments "adamw.m.NAME" and
/// "adamw.v.NAME", and of the counter "adamw.t". rate: a rank-0 float32 expression.
///
///     optim::adamw<optim::adamw_options{.weight_decay = 0.1}>(gradients, rate)
template <adamw_options O = adamw_options{}, class... E, expression R> requires(sizeof...(E) > 0) constexpr auto adamw(named<E...>, R rate) {
  using first = pack<buffer_name<"adamw.m.", typename E::name>...>;
  using second = pack<buffer_name<"adamw.v.", typename E::name>...>;
  using counter = literal_name<"adamw.t">;
  return [&]<class... M, class... V, int... K>(pack<M...>, pack<V...>, std::integer_sequence<int, K...>) {
    constexpr int n = sizeof...(K);
    const auto t = named_leaf<counter, words<0, 0, 0, 0>, dtype::i64, shape<>>() + 1_c;
    const auto r = make<ops::adamw, words<O.beta1.bits, O.beta2.bits, O.epsilon.bits, O.weight_decay.bits, O.decay_matrices_only>>(rate, t, leaf_of<typename E::name>()..., typename E::value{}..., moment<M, typename E::value>()...,
                                                       moment<V, typename E::value>()...);
    constexpr digest id = statement_of(r);
    return named<entry<typename E::name, nth<id, K, decltype(leaf_of<typename E::name>())>>..., entry<M, nth<id, n + K, decltype(moment<M, typename E::value>())>>...,
                 entry<V, nth<id, 2 * n + K, decltype(moment<V, typename E::value>())>>...,
                 entry<counter, std::remove_const_t<decltype(t)>>>{};
  }(first{}, second{}, std::make_integer_sequence<int, sizeof...(E)>{});
}

template <adamw_options O = adamw_options{}, class R> constexpr invalid adamw(invalid, R) { return {}; }
template <adamw_options O = adamw_options{}, class R> constexpr auto adamw(named<>, R) { return make<refused<mistake::no_gradients, sizeof(R)>>(); }

}  // namespace optim
}  // namespace thunder
