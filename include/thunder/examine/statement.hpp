#pragma once
/// What printed programs (examine/print_cpp.hpp) say where an op has no public function with the meaning of one statement.
#include <tuple>

#include "../ir/tree.hpp"

namespace thunder::examine {

/// The declared result of an op that is told its own: gives<float, B, 10>.
template <class T, auto... D> using gives = target_of<dtype_of<T>, shape_t<D...>>;

template <class X> constexpr auto as_tuple(X x) { return x; }
template <class... E> constexpr auto as_tuple(results<E...>) { return std::tuple<E...>{}; }

/// One statement of any op: its attributes as integers (real ones by bits_of), and its result's type if the op is told it. An
/// expression, or a tuple of them where the op has several results.
///
///     examine::statement<ops::matmul, words<0, 1>>(x, w)                      // x times w transposed
///     examine::statement<ops::broadcast, words<1>, examine::gives<float, 3, 4>>(x)
template <class Op, class Words = words<>, class Target = no_target, typed... X> constexpr auto statement(X... x) {
  return as_tuple(make<Op, Words, Target>(x...));
}

/// Named expressions as one tree, as the gradients of parameters are.
template <class... Name, class... E> constexpr auto gathered(entry<Name, E>...) { return named<entry<Name, E>...>{}; }

}  // namespace thunder::examine
