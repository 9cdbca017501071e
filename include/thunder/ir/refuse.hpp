#pragma once
/// Making statements, and the sentences of the compile-time errors. One mistake gives one error; after it an expression is `invalid`,
/// which every op and transform absorbs. The sentences stand in `make` itself, and not in a function that it calls: what lies between
/// the user's line and a sentence is part of the compiler's answer.
#include <utility>

#include "expr.hpp"

namespace thunder {

template <dim D> constexpr auto shown() {
  if constexpr (D.named()) return spelled(D);
  else return D.size;
}

/// What is wrong with a statement. Left and Right, the two dimensions or numbers that show it, stand in the compiler's note.
template <mistake M, auto Left, auto Right> struct reason {
  template <mistake Other> static constexpr bool is_not = M != Other;
};

/// Makes a statement of typed operands. A mistake is reported once, and the result is `invalid`.
template <class Op, class Words, class Target, class... X>
constexpr auto make(X...) {
  if constexpr (any_of({is_invalid<X>...})) return invalid{};
  else {
    using S = signature<Op, Words, Target, typename X::layout_type...>;
    if constexpr (S::head.error != mistake::none) {
      using why = reason<S::head.error, shown<S::head.left>(), shown<S::head.right>()>;
      using enum mistake;
      static_assert(why::template is_not<shapes_differ>, "shapes differ: dimensions of a pointwise operation are equal or 1; reshape or broadcast an operand");
      static_assert(why::template is_not<named_dims_differ>, "two different named dimensions meet: use one name for both, or reshape one of them");
      static_assert(why::template is_not<dtypes_differ>, "element types differ and have no promotion here: cast<T>(x) one of them");
      static_assert(why::template is_not<needs_floating>, "this operation takes floating-point operands: cast<float>(x) first");
      static_assert(why::template is_not<needs_integer>, "this operation takes integer operands: cast<std::int32_t>(x) first");
      static_assert(why::template is_not<needs_bool>, "this operation takes bool operands: compare first, as in x > 0_c");
      static_assert(why::template is_not<needs_arithmetic>, "bool has no arithmetic: cast<float>(x), or use logical_and, logical_or and where");
      static_assert(why::template is_not<matmul_rank>, "matmul: an operand needs at least two dimensions (the right one two, or as many as the left): reshape it");
      static_assert(why::template is_not<matmul_inner>, "matmul: the inner dimensions differ: the last of the left and the last but one of the right are equal");
      static_assert(why::template is_not<matmul_batch>, "matmul: the leading (batch) dimensions differ: they are equal, or the right operand has none");
      static_assert(why::template is_not<axis_missing>, "this axis does not exist: axes count from 0, or from the end with -1");
      static_assert(why::template is_not<axis_repeated>, "an axis is named twice: name each axis once");
      static_assert(why::template is_not<reshape_count>, "reshape: the new shape has another number of elements: their products must be equal, names included");
      static_assert(why::template is_not<broadcast_shape>, "broadcast: the shape does not extend the operand's: its dimensions are a subsequence of the new ones");
      static_assert(why::template is_not<transpose_axes>, "transpose: name every axis exactly once");
      static_assert(why::template is_not<slice_bounds>, "slice: 0 <= begin < end <= extent and stride >= 1 must hold on each axis");
      static_assert(why::template is_not<slice_named>, "slice: a named dimension cannot be cut: its size is not known at compile time");
      static_assert(why::template is_not<concatenate_shapes>, "concatenate: operands have equal element types and equal dimensions, except along the axis");
      static_assert(why::template is_not<pad_negative>, "pad: widths are not negative: use slice to cut");
      static_assert(why::template is_not<pad_named>, "pad: a named dimension cannot be padded: its size is not known at compile time");
      static_assert(why::template is_not<key_shape>, "a random key is a rank-0 std::int64_t: pass one as an argument, derive others with fold_in(key, 1_c)");
      static_assert(why::template is_not<rank_mismatch>, "an operand has the wrong number of dimensions for this operation: reshape it");
      static_assert(why::template is_not<parameter_shapes>, "one parameter name has two shapes or element types: rename one, or put its module under a scope");
      static_assert(why::template is_not<parameter_names>, "a module reads a parameter and an absolute one of the same name (\"w\" and \"/w\"): give one of them another name");
      static_assert(why::template is_not<not_scalar>, "grad: the function must return one floating-point expression of rank 0 (a loss): take sum() or mean() of it");
      static_assert(why::template is_not<same_extent>, "these operands must have the same extent here");
      static_assert(why::template is_not<plain_number>, "a plain number is invisible to a trace: write 0.5_c or constant<2>, or pass it as an argument of the function");
      static_assert(why::template is_not<condition>, "the value of an expression is not known while tracing: use where(condition, a, b) instead of if, ?:, && or ||");
      static_assert(why::template is_not<not_traceable>, "this function cannot be traced: it takes expressions, as [](auto x, auto y) { ... } does, as many as there are arguments");
      static_assert(why::template is_not<no_expression>, "a traced function returns expressions: one, or a tuple, a state or a class template of them");
      static_assert(why::template is_not<wrt_missing>, "grad: wrt<I> names an argument that the function does not have: arguments count from 0");
      static_assert(why::template is_not<wrt_order>, "grad: name the arguments of wrt<I, J> in ascending order");
      static_assert(why::template is_not<wrt_integer>, "grad: an argument to differentiate by is not floating-point: cast it, or leave it out of wrt<...>");
      static_assert(why::template is_not<wrt_empty>, "grad: wrt<> names no argument: name those to differentiate by, as in wrt<0, 1>, or say wrt_parameters");
      static_assert(why::template is_not<wrt_limit>, "grad: only the first 64 expressions among the arguments can be differentiated by: put these first, or make them parameters");
      static_assert(why::template is_not<not_an_argument>, "an argument of a program is a tensor, a view, a number, or a tuple or class template of them; a state comes first");
      static_assert(why::template is_not<update_unread>, "update: a new value has a name that the program does not read, or another type than the parameter: read the old value, cast the new one");
      static_assert(why::template is_not<update_twice>, "update: one name gets two different new values: return one update of each parameter or buffer");
      static_assert(why::template is_not<donation_unused>, "donate: no result has the type of a donated argument, so nothing can take its place: pass the tensor itself");
      static_assert(why::template is_not<state_missing>, "this program reads parameters: pass a state that has them as the first argument, as in step(parameters, x)");
      static_assert(why::template is_not<no_gradients>, "there are no gradients: what was differentiated reads no trainable parameter, so there is nothing to optimise or to clip");
      static_assert(why::template is_not<assignment>, "an expression's type is its value, so a variable cannot take another: write auto next = s + x (in a loop: a fold or repeat)");
      static_assert(why::template is_not<attention_shapes>, "scaled_dot_product_attention: q [.., h, t, d], k [.., g, s, d] and v [.., g, s, e] have equal leading dimensions, one d and one s");
      static_assert(why::template is_not<attention_heads>, "scaled_dot_product_attention: the number of query heads is a multiple of the number of key and value heads");
      static_assert(why::template is_not<attention_mask>, "scaled_dot_product_attention: the mask is bool (true: takes part) or floating (is added), and broadcasts to [.., heads, t, s]");
      static_assert(why::template is_not<rope_pairs>, "rope: the last dimension is rotated in pairs: it is even and has no name");
      static_assert(why::template is_not<rope_position>, "rope: the positions broadcast to the operand's dimensions without the last: one for each row");
      static_assert(why::template is_not<update_shapes>, "dynamic_update_slice: the update has the operand's element type and dimensions, but may be shorter along the axis");
      static_assert(why::template is_not<top_k_count>, "top_k: k is at least 1 and at most the extent of the last axis, which is a number and not a named dimension");
      return invalid{};
    } else {
      constexpr digest keys[]{X::key..., 0};
      constexpr digest id = statement_digest(op_id<Op>, word_data<Words>::key, Target::key, keys, sizeof...(X));
      if constexpr (S::head.count == 1) {
        using E = typename S::template result_layout<0>::template result_of<id, 0>;
        static_assert(record<E, Op, Words, results<E>, X...>::value.result_count == 1);  // evaluated here: the depth stays O(1)
        return E{};
      } else {
        return make_several<Op, Words, id, S, X...>(std::make_integer_sequence<int, S::head.count>{});
      }
    }
  }
}
/// No op at all: make<refused<mistake::rank_mismatch, 3, 2>>() says what is wrong, and is invalid.
template <mistake M, auto Left, auto Right> struct refused {
  static constexpr const char* name = "thunder.refused";
  static constexpr void infer(const arguments&, inference& r) { r.refuse(M, static_cast<std::int64_t>(Left), static_cast<std::int64_t>(Right)); }
};

}  // namespace thunder

/// Two parts, so that `auto [value, gradients] = ...` gives no second error.
template <> struct std::tuple_size<thunder::invalid> : std::integral_constant<std::size_t, 2> {};
template <std::size_t I> struct std::tuple_element<I, thunder::invalid> { using type = thunder::invalid; };
