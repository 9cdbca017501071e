#pragma once
/// How parameters start, as types that a trace can hold: param<"w", float, 784, 10>(initial::normal(0_c, 0.02_c)).
/// core/initialiser.hpp says what each rule means.
#include "../core/initialiser.hpp"
#include "../ir/leaves.hpp"
#include "../ops/op.hpp"

namespace thunder::initial {

inline constexpr initial_c<initialiser::zeros> zeros{};
inline constexpr initial_c<initialiser::ones> ones{};
template <std::int64_t V> constexpr auto constant(number<V>) { return initial_c<initialiser::constant, V>{}; }
template <std::int64_t L, std::int64_t H> constexpr auto uniform(number<L>, number<H>) { return initial_c<initialiser::uniform, L, H>{}; }
template <std::int64_t M, std::int64_t D> constexpr auto normal(number<M>, number<D>) { return initial_c<initialiser::normal, M, D>{}; }
constexpr auto xavier_uniform() { return initial_c<initialiser::xavier_uniform, bits_of(1)>{}; }
constexpr auto xavier_normal() { return initial_c<initialiser::xavier_normal, bits_of(1)>{}; }
constexpr auto kaiming_uniform() { return initial_c<initialiser::kaiming_uniform>{}; }
constexpr auto kaiming_normal() { return initial_c<initialiser::kaiming_normal>{}; }
/// FanIn: the number of inputs, where the parameter's own shape does not show it (a bias).
template <int FanIn = 0> constexpr auto fan_in_uniform() { return initial_c<initialiser::fan_in_uniform, bits_of(1), FanIn>{}; }

}  // namespace thunder::initial
