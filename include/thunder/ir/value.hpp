#pragma once
/// A value of a growing graph: what the rules of ops are written with. The same vocabulary (ops/*.hpp) works on typed
/// expressions and on these.
#include "graph.hpp"

namespace thunder {

struct value {
  graph* g = nullptr;
  int id = -1;
  constexpr meta type() const { return g->type(id); }  // a copy: a reference would dangle when another argument adds a type
  constexpr bool exists() const { return id >= 0; }
};

/// Makes a statement of a graph. Returns its first result; others follow with `result_of(v, k)`.
template <class Op> constexpr value emit(graph* g, const std::int64_t* w, int word_count, const int* x, int count, const meta* target = nullptr) {
  return {g, g->emit(table_of<Op>(), w, word_count, x, count, target)};
}
template <class Op, class... X> constexpr value emit_words(const std::int64_t* w, int word_count, const meta* target, value first, X... rest) {
  const int x[]{first.id, rest.id...};
  return emit<Op>(first.g, w, word_count, x, 1 + static_cast<int>(sizeof...(X)), target);
}
constexpr value result_of(value v, int k) { return {v.g, v.id + k}; }

struct vjp_context;
/// The VJP rule of an op.
struct vjp_rule {
  digest op;
  void (*apply)(vjp_context&);
};

/// What a VJP rule sees of a statement and of the cotangents of its results, and where its operands' cotangents go.
struct vjp_context {
  graph* g = nullptr;
  int statement = 0;
  const int* cotangents = nullptr;    // of the results; -1: none
  int* contributions = nullptr;       // to the operands; -1: none
  const bool* wanted = nullptr;       // whether an operand's cotangent is of use

  constexpr const node& at() const { return g->nodes[statement]; }
  constexpr value operand(int k) const { return {g, g->operand(at(), k)}; }
  constexpr value result(int k = 0) const { return {g, at().result + k}; }
  constexpr value cotangent(int k = 0) const { return {g, cotangents[k]}; }
  constexpr std::int64_t word(int k) const { return g->word(at(), k); }
  constexpr void contribute(int k, value v) { contributions[k] = v.id; }
};

}  // namespace thunder
