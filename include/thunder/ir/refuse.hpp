#pragma once
/// The sentences of the compile-time errors. One mistake gives one error; after it an expression is `invalid`, which every op
/// and transform absorbs. Left and Right, the two dimensions or numbers that show the mistake, stand in the compiler's note.
#include "statement.hpp"

namespace thunder {

/// What an expression is after a mistake was reported.
struct invalid {};

template <dim D> constexpr auto shown() {
  if constexpr (D.named()) return spelled(D);
  else return D.size;
}

template <mistake M, auto Left, auto Right>
constexpr invalid refuse() {
  using enum mistake;
  static_assert(M != shapes_differ, "shapes differ: dimensions of a pointwise operation are equal or 1; reshape or broadcast an operand");
  static_assert(M != named_dims_differ, "two different named dimensions meet: use one name for both, or reshape one of them");
  static_assert(M != dtypes_differ, "element types differ and have no promotion here: cast<T>(x) one of them");
  static_assert(M != needs_floating, "this operation takes floating-point operands: cast<float>(x) first");
  static_assert(M != needs_integer, "this operation takes integer operands: cast<std::int32_t>(x) first");
  static_assert(M != needs_bool, "this operation takes bool operands: compare first, as in x > 0_c");
  static_assert(M != needs_arithmetic, "bool has no arithmetic: cast<float>(x), or use logical_and, logical_or and where");
  static_assert(M != matmul_rank, "matmul: an operand needs at least two dimensions (the right one two, or as many as the left): reshape it");
  static_assert(M != matmul_inner, "matmul: the inner dimensions differ: the last of the left and the last but one of the right are equal");
  static_assert(M != matmul_batch, "matmul: the leading (batch) dimensions differ: they are equal, or the right operand has none");
  static_assert(M != axis_missing, "this axis does not exist: axes count from 0, or from the end with -1");
  static_assert(M != axis_repeated, "an axis is named twice: name each axis once");
  static_assert(M != reshape_count, "reshape: the new shape has another number of elements: their products must be equal, names included");
  static_assert(M != broadcast_shape, "broadcast: the shape does not extend the operand's: its dimensions are a subsequence of the new ones");
  static_assert(M != transpose_axes, "transpose: name every axis exactly once");
  static_assert(M != slice_bounds, "slice: 0 <= begin < end <= extent and stride >= 1 must hold on each axis");
  static_assert(M != slice_named, "slice: a named dimension cannot be cut: its size is not known at compile time");
  static_assert(M != concatenate_shapes, "concatenate: operands have equal element types and equal dimensions, except along the axis");
  static_assert(M != pad_negative, "pad: widths are not negative: use slice to cut");
  static_assert(M != pad_named, "pad: a named dimension cannot be padded: its size is not known at compile time");
  static_assert(M != key_shape, "a random key is a rank-0 std::int64_t: pass one as an argument, derive others with fold_in(key, 1_c)");
  static_assert(M != rank_mismatch, "an operand has the wrong number of dimensions for this operation: reshape it");
  static_assert(M != parameter_shapes, "one parameter name has two shapes or element types: rename one, or put its module under a scope");
  static_assert(M != not_scalar, "grad: the function must return one floating-point expression of rank 0 (a loss): take sum() or mean() of it");
  static_assert(M != same_extent, "these operands must have the same extent here");
  return {};
}

}  // namespace thunder
