#pragma once
/// Pytrees: arguments and results may be expressions, or tuples, pairs and the user's own class templates of them, nested.
///
///     template <class X, class Y> struct batch { X images; Y labels; };      // an aggregate that can be traced
#include <tuple>
#include <utility>

#include "leaves.hpp"

namespace thunder {

/// A leaf counts one; other types are not part of a tree (-1).
template <class T> struct tree { static constexpr int leaves = -1; };
template <dtype T, class S, digest D, int R> struct tree<expr<T, S, D, R>> {
  static constexpr int leaves = 1;
  using types = pack<expr<T, S, D, R>>;
  template <class At, int First> static constexpr auto rebuild() { return At::template leaf<First>(); }
};
template <> struct tree<invalid> {
  static constexpr int leaves = 0;
  using types = pack<>;
  template <class At, int First> static constexpr invalid rebuild() { return {}; }
};
/// Whether a tree holds what is left of a mistake.
template <class T> struct broken_tree : std::false_type {};
template <> struct broken_tree<invalid> : std::true_type {};
template <template <class...> class C, class... E> struct broken_tree<C<E...>> : std::bool_constant<any_of({broken_tree<E>::value...})> {};
template <class T> concept is_broken = broken_tree<T>::value;
template <class... P> struct joined;
template <> struct joined<> { using type = pack<>; };
template <class... A> struct joined<pack<A...>> { using type = pack<A...>; };
template <class... A, class... B, class... Rest> struct joined<pack<A...>, pack<B...>, Rest...> : joined<pack<A..., B...>, Rest...> {};
/// The leaves of several trees, whose own are P...; quickly where each has one.
template <bool Single, class... P> struct leaf_types : joined<P...> {};
template <class P> struct only;
template <class X> struct only<pack<X>> { using type = X; };
template <class... P> struct leaf_types<true, P...> { using type = pack<typename only<P>::type...>; };

/// How many leaves come before each part of a tree, and how many there are. (A class of its own: its members' names spell no part out.)
template <int... Counts> struct leaf_counts {
 private:
  struct offset_list { int at[sizeof...(Counts) + 1]; };
  static constexpr offset_list offsets = [] {
    const int counts[]{Counts..., 0};
    offset_list r{};
    for (std::size_t k = 0; k < sizeof...(Counts); ++k) r.at[k + 1] = r.at[k] + counts[k];
    return r;
  }();

 public:
  static constexpr int leaves = offsets.at[sizeof...(Counts)];
  static constexpr int before(int i) { return offsets.at[i]; }
};
/// Rebuilds C<E...> with other leaves; At::leaf<K>() makes leaf number K.
template <class... E> struct branch : leaf_counts<tree<E>::leaves...> {
  using types = typename leaf_types<all_equal(1, {tree<E>::leaves...}), typename tree<E>::types...>::type;
  template <class At, int First, template <class...> class C, int... I> static constexpr auto rebuild_as(std::integer_sequence<int, I...>) {
    return C<decltype(tree<E>::template rebuild<At, First + branch::before(I)>())...>{};
  }
};
/// A list of named expressions, which is a tree without a look at each of them.
template <class T> struct named_list_trait : std::false_type {};
template <template <class...> class C, class... E> requires(!named_list_trait<C<E...>>::value) && (!any_of({(tree<E>::leaves < 0)...})) struct tree<C<E...>> : branch<E...> {
  template <class At, int First> static constexpr auto rebuild() {
    return branch<E...>::template rebuild_as<At, First, C>(std::make_integer_sequence<int, sizeof...(E)>{});
  }
};

/// A class of expressions (or of trees of them).
template <class T> concept traced_tree = tree<T>::leaves >= 0;
template <class T> using leaves_of = typename tree<T>::types;

// ---- name-keyed trees
template <class... Entries> struct named;
/// One named expression.
template <class Name, class E> struct entry {
  using name = Name;
  using value = E;
};
template <class Name, class E> struct tree<entry<Name, E>> {
  static constexpr int leaves = tree<E>::leaves;
  using types = leaves_of<E>;
  template <class At, int First> static constexpr auto rebuild() { return entry<Name, decltype(tree<E>::template rebuild<At, First>())>{}; }
};
/// The gradients of a model: nothing is instantiated for each of them.
template <class... Name, dtype... T, class... S, digest... D, int... R> struct tree<named<entry<Name, expr<T, S, D, R>>...>> : leaf_counts<int{sizeof...(Name)}> {
  using types = pack<expr<T, S, D, R>...>;
  template <class At, int First, int... I> static constexpr auto rebuild_all(std::integer_sequence<int, I...>) {
    return named<entry<Name, decltype(At::template leaf<First + I>())>...>{};
  }
  template <class At, int First> static constexpr auto rebuild() { return rebuild_all<At, First>(std::make_integer_sequence<int, int{sizeof...(Name)}>{}); }
};
template <class... Name, dtype... T, class... S, digest... D, int... R> struct named_list_trait<named<entry<Name, expr<T, S, D, R>>...>> : std::true_type {};
template <class... Name, dtype... T, class... S, digest... D, int... R> struct broken_tree<named<entry<Name, expr<T, S, D, R>>...>> : std::false_type {};

/// An expression and its name, to be gathered in a `named` or given to `update`.
template <fixed_string Name, class E> constexpr auto named_value(E) { return entry<literal_name<Name>, E>{}; }
/// A name to look up: "h.3.attn.weight"_p.
template <digest Hash> struct name_key {};
namespace literals {
template <fixed_string Name> constexpr auto operator""_p() { return name_key<literal_name<Name>::hash>{}; }
}  // namespace literals

/// The leaf that reads a parameter, given its name as a type.
template <class Name> constexpr auto leaf_of() {
  return named_leaf<Name, words<Name::info.words[0], Name::info.words[1], Name::info.words[2], Name::info.words[3]>, Name::value.type, shape_of_meta<Name>>();
}

/// Named expressions: the gradients of parameters, new values for them, an optimizer's moments. `update<...>` of a step.
template <class... Entries> struct named {
  static constexpr int size = sizeof...(Entries);
  template <digest Hash> static constexpr int index() {
    const digest hashes[]{Entries::name::hash..., 0};
    for (int i = 0; i < size; ++i)
      if (hashes[i] == Hash) return i;
    return -1;
  }
  /// The expression of a name: gradients["fc1.weight"_p].
  template <digest Hash> constexpr auto operator[](name_key<Hash>) const {
    constexpr int i = index<Hash>();
    static_assert(i >= 0, "there is no entry of this name");
    if constexpr (i < 0) return invalid{};
    else return typename std::tuple_element_t<i, std::tuple<Entries...>>::value{};
  }
};

}  // namespace thunder
