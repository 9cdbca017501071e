#pragma once
/// The record of one statement, and what the engine knows of its op. Plain constexpr values, shared by the front end
/// (where an expression's type points to a record) and the engine (where graphs hold the same facts as integers).
#include <cstdint>

#include "../core/digest.hpp"
#include "../core/list.hpp"
#include "../core/pack.hpp"
#include "../core/shape.hpp"

namespace thunder {

struct graph;
struct graph_view;
struct value;
struct vjp_context;

/// What can be wrong with a statement. ir/refuse.hpp has the sentence for each.
enum class mistake : std::uint8_t {
  none, shapes_differ, named_dims_differ, dtypes_differ, needs_floating, needs_integer, needs_bool, needs_arithmetic,
  matmul_rank, matmul_inner, matmul_batch, axis_missing, axis_repeated, reshape_count, broadcast_shape, transpose_axes, slice_bounds,
  slice_named, concatenate_shapes, pad_negative, pad_named, key_shape, rank_mismatch, parameter_shapes, parameter_names, not_scalar, same_extent,
  plain_number, condition, not_traceable, no_expression, wrt_missing, wrt_order, wrt_integer, wrt_empty, wrt_limit, not_an_argument,
  update_unread, update_twice, donation_unused, no_gradients, assignment, state_missing,
  attention_shapes, attention_heads, attention_mask, rope_pairs, rope_position, update_shapes,
  top_k_count,
};

/// What `infer` sees of a statement. `target` is the declared result of ops that are told theirs (reshape, full, ...).
struct arguments {
  const meta* const* operands = nullptr;
  int count = 0;
  const std::int64_t* words = nullptr;
  int word_count = 0;
  const meta* target = nullptr;
  constexpr const meta& operator[](int k) const { return *operands[k]; }
};

/// What `infer` answers: the results' types, or a mistake with the two dimensions that show it.
struct inference {
  mistake error = mistake::none;
  dim left{}, right{};
  meta result{};
  list<meta> more{};  // of the second result and those after it

  /// For the next statement. (To make another one takes a constant evaluation as long as to infer.)
  constexpr void reset() { error = mistake::none, result.type = dtype::f32, result.rank = 0, more.clear(); }
  constexpr void refuse(mistake e, dim l = 0, dim r = 0) { error = e, left = l, right = r; }
  constexpr int count() const { return 1 + more.size(); }
  constexpr const meta& operator[](int k) const { return k == 0 ? result : more[k - 1]; }
};

/// What kind of thing an op is, for passes that treat whole kinds alike.
enum class op_kind : std::uint8_t { leaf, call, pointwise, reduction, indexed, structural, contraction, composite };

/// An op as a value: one per op struct, made by `table_of<Op>`.
struct op_info {
  const char* name;                                     // qualified, e.g. "thunder.add"
  digest id;                                            // of the name
  op_kind kind;
  bool has_target;                                      // its result type is an attribute
  void (*infer)(const arguments&, inference&);
  bool has_vjp;                                         // its rule is found through rules_of, so that emitting a statement needs no rule
  void (*decompose)(graph&, int node, list<int>& results);   // null: a primitive
  bool in_place;                                        // its step may write the result where the first operand was
  unsigned autocast;                                    // a mask of the operands that autocast gives a half type (transforms/autocast.hpp)
};

/// A type with its digest.
struct keyed_meta {
  meta value;
  digest key;
};

/// What a statement depends on, itself included.
struct reach {
  int depth;             // the longest way to a leaf, and the most parameters of calls on a way: about how large a trace is
  int names;
  std::uint64_t levels;  // which traces' formals, a bit each
};

/// A statement as the front end records it: static data that an expression's type leads to.
struct statement {
  /// `from` gives the record of the statement that makes it. A function: from pointers between records nvcc's front end walks all the way
  /// to the leaves for each statement, and a trace's time grows with its square.
  using getter = const statement* (*)();
  struct operand {
    getter from;
    int result;
  };
  digest id;
  const op_info* op;
  const std::int64_t* words;
  int word_count;
  const keyed_meta* const* results;  // null for a call: those of the body's outputs
  int result_count;
  const operand* operands;
  int operand_count;
  reach below;               // what it depends on
  const char* text;          // a parameter's name, a call's prefix
  const graph_view* body;    // what a call calls
};

/// What a statement of these operands depends on; a call also reads `names` parameters.
constexpr reach reach_of(const statement::operand* x, int count, int names = 0) {
  reach r{0, 0, 0};
  for (int k = 0; k < count; ++k) {
    if (k > 0 && x[k].from == x[k - 1].from) continue;
    const reach& o = x[k].from()->below;
    if (o.depth > r.depth) r.depth = o.depth;
    if (o.names > r.names) r.names = o.names;
    r.levels |= o.levels;
  }
  ++r.depth, r.names += names;
  return r;
}

// ---- from an op's name back to its struct: what lets a constexpr graph become types again
template <digest Id> struct op_tag {
#pragma GCC diagnostic push
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wnon-template-friend"
#endif
  friend constexpr auto op_of(op_tag);
#pragma GCC diagnostic pop
};
template <class Op> struct op_definition {
  friend constexpr auto op_of(op_tag<digest_of(Op::name)>) { return type_c<Op>{}; }
};
template <class Op> struct op_table {
  static_assert(sizeof(op_definition<Op>) > 0);
  static constexpr op_info value{Op::name, digest_of(Op::name), Op::kind, Op::has_target, &Op::infer, Op::has_vjp(), Op::decompose_rule(), Op::in_place, Op::autocast};
};
/// The op as a value; its address is the same wherever it is asked for.
template <class Op> constexpr const op_info* table_of() { return &op_table<Op>::value; }
/// The op struct whose name has this digest.
template <digest Id> using op_struct = typename decltype(op_of(op_tag<Id>{}))::type;

}  // namespace thunder
