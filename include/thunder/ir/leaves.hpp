#pragma once
/// The statements that no op's rule makes: formals, parameters and calls.
#include "../core/fixed_string.hpp"
#include "../core/initialiser.hpp"
#include "refuse.hpp"

namespace thunder {

namespace ops {

template <class Self> struct leaf_op {
  static constexpr op_kind kind = op_kind::leaf;
  static constexpr bool has_target = true, in_place = false, is_pointwise = false, is_reduction = false, is_indexed = false;
  static constexpr unsigned autocast = 0;
  static constexpr void infer(const arguments& x, inference& r) { r.result = *x.target; }
  static constexpr bool has_vjp() { return false; }
  static constexpr void call_vjp(vjp_context&) {}
  static constexpr void (*decompose_rule())(graph&, int, list<int>&) { return nullptr; }
};
/// A formal of a trace. words: its index.
struct formal : leaf_op<formal> { static constexpr const char* name = "thunder.formal"; };
/// A named leaf. words: 1 if trainable, initialiser, and the bits of its two numbers.
struct parameter : leaf_op<parameter> { static constexpr const char* name = "thunder.parameter"; };
/// A call of another graph: operands are its formals, results its outputs; its parameters' names get the call's prefix.
struct call : leaf_op<call> {
  static constexpr const char* name = "thunder.call";
  static constexpr op_kind kind = op_kind::call;
  static constexpr bool has_target = false;
};

}  // namespace ops

/// A statement without operands that makes E.
template <class E, class Op, class Words, std::uint64_t Levels, class Name> struct leaf_record : defines<E::id, leaf_record<E, Op, Words, Levels, Name>> {
  static constexpr const keyed_meta* types[1]{&E::layout_type::keyed};
  static constexpr statement value{E::id, table_of<Op>(), word_data<Words>::data, word_data<Words>::count, types, 1, nullptr, 0, {1, 0, Levels}, Name::text, nullptr};
};
struct no_name { static constexpr const char* text = nullptr; };

/// Formal number I of a trace at a level. The level keeps the formals of nested traces apart.
template <int Level, int I, dtype T, class S> constexpr auto formal(S) {
  constexpr digest id = mix(mix(mix(31, Level), I), layout<T, S>::keyed.key);  // named: nvcc writes the argument of a type as it stands
  using E = expr<T, S, id>;
  static_assert(leaf_record<E, ops::formal, words<I>, std::uint64_t{1} << Level, no_name>::value.result_count == 1);
  return E{};
}

/// A name as a type: `text` and `hash`.
template <fixed_string Name> struct literal_name {
  static constexpr auto stored = Name;
  static constexpr const char* text = stored.text;
  static constexpr digest hash = name_hash(Name.text[0] == '/' ? &stored.text[1] : stored.text);
};
/// One type for each text, however the name was put together: a record is defined once.
template <class Name> constexpr auto text_of_name() {
  constexpr auto size = [] {
    std::size_t n = 1;
    for (const char* s = Name::text; *s; ++s) ++n;
    return n;
  }();
  fixed_string<size> r;
  for (std::size_t i = 0; i < size; ++i) r.text[i] = Name::text[i];
  return r;
}
template <class Name> struct canonical_name { using type = literal_name<text_of_name<Name>()>; };
template <fixed_string S> struct canonical_name<literal_name<S>> { using type = literal_name<S>; };

template <class Name, class Words, dtype T, class S> constexpr auto named_leaf() {
  static_assert(Name::text[0] != 0, "a parameter has a name");
  constexpr digest id = mix(mix(digest_of(Name::text, 37), layout<T, S>::keyed.key), word_data<Words>::key);
  using E = expr<T, S, id>;
  static_assert(leaf_record<E, ops::parameter, Words, 0, typename canonical_name<Name>::type>::value.result_count == 1);
  return E{};
}

/// A trainable parameter of a model: a leaf with a name relative to the module that is being traced ("/wte": absolute).
///
///     auto w = param<"weight", float, 784, 512>(initial::fan_in_uniform());
template <fixed_string Name, class T, auto... D, int Rule = 0, std::int64_t A = 0, std::int64_t B = 0> constexpr auto param(initial_c<Rule, A, B> = {}) {
  static_assert(element<T>, "a parameter's element type is float, double, thunder::bf16, thunder::f16, an integer or bool");
  return named_leaf<literal_name<Name>, words<1, Rule, A, B>, dtype_of<T>, shape_t<D...>>();
}
/// A named leaf that is not trained: running statistics, an optimizer's moments.
template <fixed_string Name, class T, auto... D, int Rule = 0, std::int64_t A = 0, std::int64_t B = 0> constexpr auto buffer(initial_c<Rule, A, B> = {}) {
  static_assert(element<T>, "a buffer's element type is float, double, thunder::bf16, thunder::f16, an integer or bool");
  return named_leaf<literal_name<Name>, words<0, Rule, A, B>, dtype_of<T>, shape_t<D...>>();
}

}  // namespace thunder
