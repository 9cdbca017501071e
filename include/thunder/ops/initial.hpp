#pragma once
/// Initial values written with constants, as types that a trace can hold: param<"w", float, 784, 10>(initial::normal(0_c, 0.02_c)).
/// core/initialiser.hpp has the others, and says what each rule means.
#include "../core/initialiser.hpp"
#include "op.hpp"

namespace thunder::initial {

template <std::int64_t V> constexpr auto constant(number<V>) { return initial_c<initialiser::constant, V>{}; }
template <std::int64_t L, std::int64_t H> constexpr auto uniform(number<L>, number<H>) { return initial_c<initialiser::uniform, L, H>{}; }
template <std::int64_t M, std::int64_t D> constexpr auto normal(number<M>, number<D>) { return initial_c<initialiser::normal, M, D>{}; }
template <std::int64_t G> constexpr auto xavier_uniform(number<G>) { return initial_c<initialiser::xavier_uniform, G>{}; }
template <std::int64_t G> constexpr auto xavier_normal(number<G>) { return initial_c<initialiser::xavier_normal, G>{}; }
template <std::int64_t S> constexpr auto kaiming_uniform(number<S>) { return initial_c<initialiser::kaiming_uniform, S>{}; }
template <std::int64_t S> constexpr auto kaiming_normal(number<S>) { return initial_c<initialiser::kaiming_normal, S>{}; }
template <std::int64_t S> constexpr auto fan_in_uniform(number<S>) { return initial_c<initialiser::fan_in_uniform, S>{}; }

}  // namespace thunder::initial
