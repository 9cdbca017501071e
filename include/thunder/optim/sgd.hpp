#pragma once
/// Stochastic gradient descent with momentum.
#include "update.hpp"

namespace thunder {

namespace ops {

/// (rate: f32 [], p..., g..., v...) -> p'..., v'...: v' = momentum v + g + decay p; p' = p - rate v'.  words: momentum, decay.
struct sgd : composite_op<sgd> {
  static constexpr const char* name = "thunder.sgd";
  static constexpr void infer(const arguments& x, inference& r) {
    const int n = (x.count - 1) / 3;
    if (n < 1 || x.count != 1 + 3 * n) return r.refuse(mistake::no_gradients, x.count);
    if (x[0].rank != 0) return r.refuse(mistake::rank_mismatch, x[0].rank);
    if (!optim::same_shapes(x, 1, n)) return r.refuse(mistake::shapes_differ, n);
    r.result = x[1];
    for (int k = 1; k < n; ++k) r.more.push(x[1 + k]);
    for (int k = 0; k < n; ++k) r.more.push(x[1 + 2 * n + k]);
  }
  static constexpr void decompose(auto c) {
    const int n = (c.operand_count() - 1) / 3;
    list<int> velocities;
    for (int k = 0; k < n; ++k) {
      const value p = c.operand(1 + k), v = c.operand(1 + 2 * n + k);
      const dtype t = v.type().type;
      value g = cast_to(c.operand(1 + n + k), t);
      if (c.real(1) != 0) g = g + cast_to(p, t) * full_like(c.g, c.real(1), p.type().with(t));
      const value next = v * full_like(c.g, c.real(0), v.type()) + g;
      c.give(cast_to(cast_to(p, t) - next * cast_to(c.operand(0), t), p.type().type));
      velocities.push(next.id);
    }
    for (int v : velocities) c.give(value{c.g, v});
  }
};

}  // namespace ops

namespace optim {

/// What is fixed when the program is compiled.
struct sgd_options {
  setting momentum = 0.9, weight_decay = 0.0;
};

/// One step of SGD with momentum over all gradients, as one statement: new values of the parameters and of the buffers
/// "sgd.v.NAME". rate: a rank-0 expression. (As in PyTorch: the velocity is not scaled by 1 - momentum.)
///
///     optim::sgd<optim::sgd_options{.momentum = 0.95}>(gradients, rate)
template <sgd_options O = sgd_options{}, class... E, expression R> requires(sizeof...(E) > 0) constexpr auto sgd(named<E...>, R rate) {
  using velocity = pack<buffer_name<"sgd.v.", typename E::name>...>;
  return [&]<class... V, int... K>(pack<V...>, std::integer_sequence<int, K...>) {
    const auto r = make<ops::sgd, words<O.momentum.bits, O.weight_decay.bits>>(rate, leaf_of<typename E::name>()..., typename E::value{}..., moment<V, typename E::value>()...);
    constexpr digest id = statement_of(r);
    return named<entry<typename E::name, nth<id, K, decltype(leaf_of<typename E::name>())>>..., entry<V, nth<id, int(sizeof...(K)) + K, decltype(moment<V, typename E::value>())>>...>{};
  }(velocity{}, std::make_integer_sequence<int, sizeof...(E)>{});
}

template <sgd_options O = sgd_options{}, class R> constexpr invalid sgd(invalid, R) { return {}; }
template <sgd_options O = sgd_options{}, class R> constexpr auto sgd(named<>, R) { return make<refused<mistake::no_gradients, sizeof(R)>>(); }

}  // namespace optim
}  // namespace thunder
