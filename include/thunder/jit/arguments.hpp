#pragma once
/// Run-time arguments and results as pytrees: tensors, views and numbers are leaves; tuples, pairs and the user's own class
/// templates of them are branches.
#include <tuple>
#include <type_traits>

#include "../ir/tree.hpp"
#include "../runtime/state.hpp"
#include "../runtime/tensor.hpp"
#include "lower.hpp"

namespace thunder {

/// A tensor that the program may overwrite: see donate.
template <class T, class Shape> struct donated { basic_tensor<T, Shape>* tensor; };
/// Gives a tensor to a program: the first result of its type takes over its memory, and the tensor is moved from. Where the program throws,
/// the tensor may be lost.
template <class T, class Shape> donated<T, Shape> donate(basic_tensor<T, Shape>& x) { return {&x}; }

/// An argument without data, for `lower` and `init`: spec<float, B, 784>().
template <class T, class Shape> struct basic_spec {};
template <class T, auto... D> using spec = basic_spec<T, shape_t<D...>>;

/// What kind of argument X is. The mask `donated` says which of its leaves may be overwritten.
template <class X> struct argument { static constexpr bool known = false; };
template <class T, class Shape> struct argument<basic_spec<T, Shape>> {
  static constexpr bool known = true;
  static constexpr int leaves = 1;
  static constexpr std::uint64_t donations = 0;
  using expression = expr<dtype_of<T>, Shape, 0>;
};
/// A leaf: `expression` is what a trace sees.
template <class T, class Shape> struct tensor_argument {
  static constexpr bool known = true;
  static constexpr int leaves = 1;
  static constexpr std::uint64_t donations = 0;
  using expression = expr<dtype_of<T>, Shape, 0>;
  template <class X, class Visit> static void each(const X& x, Visit&& visit) {
    const auto v = x.view();
    visit(const_cast<T*>(v.data()), v.extents().data(), static_cast<const shaped<Shape>&>(v), v.where());
  }
};
template <class T, class Shape> struct argument<basic_tensor<T, Shape>> : tensor_argument<T, Shape> {};
template <class T, class Shape> struct argument<basic_view<T, Shape>> : tensor_argument<std::remove_const_t<T>, Shape> {};
template <class T, class Shape> struct argument<donated<T, Shape>> : tensor_argument<T, Shape> {
  static constexpr std::uint64_t donations = 1;
  template <class Visit> static void each(const donated<T, Shape>& x, Visit&& visit) { tensor_argument<T, Shape>::each(*x.tensor, visit); }
};
/// The storage of a donated argument, for the result that takes its place.
template <class A> storage release_donated(const A&) { return {}; }
template <class T, class Shape> storage release_donated(const donated<T, Shape>& x) { return std::move(*x.tensor).release(); }
template <class N> requires(std::is_arithmetic_v<N> && is_element<N>) struct argument<N> {
  static constexpr bool known = true;
  static constexpr int leaves = 1;
  static constexpr std::uint64_t donations = 0;
  using expression = expr<dtype_of<N>, shape<>, 0>;
  template <class Visit> static void each(const N& x, Visit&& visit) { visit(const_cast<N*>(&x), static_cast<const std::int64_t*>(nullptr), shaped<shape<>>{}, device::cpu); }
};

/// The members of a tuple or of an aggregate of N members.
template <int N, class X> constexpr auto members(X& x) {
  if constexpr (requires { std::tuple_size<std::remove_const_t<X>>::value; })
    return std::apply([](auto&... m) { return std::tie(m...); }, x);
  else if constexpr (N == 1) { auto& [a] = x; return std::tie(a); }
  else if constexpr (N == 2) { auto& [a, b] = x; return std::tie(a, b); }
  else if constexpr (N == 3) { auto& [a, b, c] = x; return std::tie(a, b, c); }
  else if constexpr (N == 4) { auto& [a, b, c, d] = x; return std::tie(a, b, c, d); }
  else if constexpr (N == 5) { auto& [a, b, c, d, e] = x; return std::tie(a, b, c, d, e); }
  else if constexpr (N == 6) { auto& [a, b, c, d, e, f] = x; return std::tie(a, b, c, d, e, f); }
  else {
    static_assert(N <= 6, "an aggregate argument has at most six members: nest them");
    return std::tie();
  }
}
/// Whether C<E...> has exactly the members E..., in order: leaves are numbered by template arguments and visited by members.
template <class X, class... E> constexpr bool members_in_order() {
  if constexpr (requires { std::tuple_size<X>::value; }) return true;
  else return std::is_same_v<decltype(members<sizeof...(E)>(std::declval<X&>())), std::tuple<E&...>>;
}
template <class X, class... E> constexpr void check_members() {
  static_assert(members_in_order<X, E...>(), "an aggregate's members are of the types of its template parameters, in that order: template <class A, class B> struct s { A a; B b; }");
}
/// Whether the members of a class are its parts (those of a container are not).
template <class X> inline constexpr bool has_parts = std::is_aggregate_v<X> || requires { std::tuple_size<X>::value; };
template <template <class...> class C, class... E> requires((argument<E>::known && ...) && has_parts<C<E...>>) struct argument<C<E...>> {
  static constexpr bool known = true;
  static constexpr int leaves = (0 + ... + argument<E>::leaves);
  static constexpr std::uint64_t donations = 0;
  static_assert(((argument<E>::donations == 0) && ...), "donate a tensor as an argument of its own, not inside a tuple or an aggregate");
  using expression = C<typename argument<E>::expression...>;
  template <class Visit> static void each(const C<E...>& x, Visit&& visit) {
    check_members<C<E...>, E...>();
    std::apply([&](auto&... m) { (argument<E>::each(m, visit), ...); }, members<sizeof...(E)>(x));
  }
};
template <class A> using argument_of = argument<std::remove_cvref_t<A>>;
/// All arguments of a call; a state before them is none.
template <class... A> struct argument_list { static constexpr bool known = false; };
template <class... A> requires(argument<A>::known && ...) struct argument_list<A...> {
  static constexpr bool known = true;
  using expressions = pack<typename argument<A>::expression...>;
  template <class F> using parameters = thunder::parameters<tracer::program, F, typename argument<A>::expression...>;
  /// Which formals are donated.
  static constexpr std::uint64_t donations = [] {
    std::uint64_t mask = 0;
    int at = 0;
    ((mask |= at < 64 ? argument<A>::donations << at : 0, at += argument<A>::leaves), ...);
    return mask;
  }();
  static_assert(std::popcount(donations) == (0 + ... + std::popcount(argument<A>::donations)), "donate one of the first 64 tensors among the arguments: put it first");
};
template <class... A> struct argument_list<state, A...> : argument_list<A...> {};

// ---- results
/// What stands for the new values that were written into the state.
struct updated {};
template <class R> struct result_builder;
template <expression E> struct result_builder<E> {
  using type = basic_tensor<element_t<E::element>, typename E::shape_type>;
  template <class Leaf> static type build(Leaf& leaf) { return leaf.template next<type>(); }
};
template <template <class...> class C, class... E> struct result_builder<C<E...>> {
  using type = C<typename result_builder<E>::type...>;
  template <class Leaf> static type build(Leaf& leaf) {
    check_members<type, typename result_builder<E>::type...>();
    return type{result_builder<E>::build(leaf)...};  // braces: in order
  }
};
template <class... E> struct result_builder<named<E...>> {
  using type = state;
  template <class Leaf> static type build(Leaf& leaf) {
    state s;
    (s.insert(E::name::text, any_tensor(result_builder<typename E::value>::build(leaf))), ...);
    return s;
  }
};
template <class... E> struct result_builder<updates<E...>> {
  using type = updated;
  template <class Leaf> static type build(Leaf& leaf) {
    leaf.skip(sizeof...(E));
    return {};
  }
};

}  // namespace thunder
