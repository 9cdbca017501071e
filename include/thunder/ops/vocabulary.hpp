#pragma once
/// The ops as functions on values of a graph, declared before the ops whose rules use them.
#include "op.hpp"

namespace thunder {

/// The type without some axes.
constexpr meta without_axes(const meta& m, std::int64_t mask) {
  meta r{m.type, 0, {}};
  for (int i = 0; i < m.rank; ++i)
    if (!(mask >> i & 1)) r.d[r.rank++] = m.d[i];
  return r;
}
constexpr std::int64_t all_axes(int rank) { return (std::int64_t{1} << rank) - 1; }

template <class G> constexpr value full_like(G* g, double v, const meta& m);
template <graph_value X> constexpr value reshape_to(X x, const meta& m);
template <graph_value X> constexpr value cast_to(X x, dtype t);
template <graph_value X> constexpr value broadcast_to(X x, const meta& shape, std::int64_t mask);

template <class A, class B> requires graph_operands<value, A, B> constexpr value where(value condition, A a, B b);
template <class A, class B> requires graph_operands<A, B> constexpr value pow(A a, B b);
template <graph_value X> constexpr value sign(X x);
template <graph_value X> constexpr value exp(X x);
template <graph_value X> constexpr value log(X x);
template <graph_value X> constexpr value tanh(X x);
template <graph_value X> constexpr value sqrt(X x);
template <graph_value X> constexpr value rsqrt(X x);
template <graph_value X> constexpr value sin(X x);
template <graph_value X> constexpr value cos(X x);
template <graph_value X> constexpr value sigmoid(X x);

template <graph_value X> constexpr value sum(X x, std::int64_t mask);
template <graph_value X> constexpr value max(X x, std::int64_t mask);
template <graph_value X> constexpr value mean(X x, std::int64_t mask);
template <graph_value X> constexpr value expand(X x, std::int64_t mask, const meta& to);
/// An index along one axis of a shape.
template <class G> constexpr value iota_like(G* g, const meta& m, std::int64_t axis);

}  // namespace thunder
