#pragma once
/// What optimizers share: names of their buffers, and gradients as lists.
#include "../ir/tree.hpp"
#include "../ops/reduce.hpp"

namespace thunder::optim {

/// Whether the operands of an optimizer, lists of n tensors from the first on, are floating and of one shape for each k < n.
constexpr bool same_shapes(const arguments& x, int first, int n) {
  for (int k = first; k < x.count; ++k)
    if (!is_floating(x[k].type) || !x[k].same_shape(x[first + (k - first) % n])) return false;
  return true;
}

/// "adamw.m.fc1.weight" from "adamw.m." and the name of a parameter.
template <fixed_string Prefix, class Name> struct buffer_name {
 private:
  struct storage_type { char text[128]{}; };
  static constexpr storage_type stored = [] {
    storage_type r;
    int n = 0;
    for (const char* s : {static_cast<const char*>(Prefix.text), Name::text})
      for (; *s; ++s) {
        if (n == 127) throw "a buffer's name has at most 127 letters";
        r.text[n++] = *s;
      }
    return r;
  }();

 public:
  static constexpr const char* text = stored.text;
  static constexpr digest hash = name_hash(text);
};

/// A zero-initialised buffer like expression E, in float32 at least.
template <class Name, class E> constexpr auto moment() {
  constexpr dtype t = E::element == dtype::f64 ? dtype::f64 : dtype::f32;
  return named_leaf<Name, words<0, 0, 0, 0>, t, typename E::shape_type>();
}

/// The statement that several results are of.
template <class First, class... Rest> constexpr digest statement_of(results<First, Rest...>) { return First::id; }
/// Its result number K, which has the type of E. (Looking through the list of all would cost the square of their number.)
template <digest Statement, int K, class E> using nth = expr<E::element, typename E::shape_type, Statement, K>;

/// The square root of the sum of squares of all entries: an f32 of rank 0.
template <class... E> requires(sizeof...(E) > 0) constexpr auto global_norm(named<E...>) { return sqrt((sum(square(cast<float>(typename E::value{}))) + ...)); }

template <class S, class... E> constexpr auto scaled(S s, named<E...>) { return named<entry<typename E::name, decltype(typename E::value{} * s)>...>{}; }
/// Scales all gradients by one number so that their global norm is at most `limit`: {gradients, norm before}.
/// (Pascanu, Mikolov and Bengio 2013.)
template <class... E, std::int64_t L> requires(sizeof...(E) > 0) constexpr auto clip_by_global_norm(named<E...> gradients, number<L> limit) {
  const auto norm = global_norm(gradients);
  return std::pair{scaled(minimum(limit / (norm + 1e-6_c), 1_c), gradients), norm};
}
template <std::int64_t L> constexpr std::pair<invalid, invalid> clip_by_global_norm(invalid, number<L>) { return {}; }
template <std::int64_t L> constexpr auto clip_by_global_norm(named<>, number<L>) { return make<refused<mistake::no_gradients, L>>(); }

}  // namespace thunder::optim
