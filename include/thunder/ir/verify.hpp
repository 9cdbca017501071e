#pragma once
/// What must hold of every graph. Passes are checked where they are put together: at compile time a violation is an error of the
/// constant evaluation that shows the sentence, at run time (tests) an answer.
#include "leaves.hpp"

namespace thunder {

/// Null if the graph is well-formed, otherwise what is wrong.
constexpr const char* find_violation(const graph_view& g) {
  const digest formal_id = table_of<ops::formal>()->id;
  int values = 0, formals = 0;
  digest_table inferred;  // statements of one op, attributes and types are inferred once; 64 bits of hash stand for all of these
  list<int> types;
  list<const meta*> in;
  inference r;
  for (int i = 0; i < g.node_count; ++i) {
    const node& n = g.nodes[i];
    if (n.op == nullptr) return "a statement has no op";
    if (n.result != values) return "results are not numbered in order of their statements";
    if (n.operand < 0 || n.operand + n.operands > g.operand_count) return "a statement's operands are outside the graph";
    if (n.word < 0 || n.word + n.words > g.word_count) return "a statement's attributes are outside the graph";
    const int* x = g.operands + n.operand;
    for (int k = 0; k < n.operands; ++k)
      if (x[k] < 0 || x[k] >= values) return "an operand is used before its definition";
    for (int k = 0; k < n.results; ++k) {
      const value_info& v = g.values[values + k];
      if (v.from != i) return "a result does not lead back to its statement";
      if (v.type < 0 || v.type >= g.type_count) return "a result has no type";
    }
    if (n.name >= g.name_count) return "a statement has an unknown name";
    if (n.op->id == formal_id) {
      if (g.word(n, 0) < 0 || g.word(n, 0) >= g.input_count) return "a formal's index is outside the graph's inputs";
      ++formals;
    }
    if (n.op->kind == op_kind::call) {
      if (n.body == nullptr) return "a call has no body";
      if (n.body->input_count != n.operands) return "a call has another number of operands than its body has formals";
      if (n.body->output_count != n.results) return "a call has another number of results than its body";
    } else if (n.op->kind != op_kind::leaf) {
      types.clear();
      for (int k = 0; k < n.operands; ++k) types.push(g.values[x[k]].type);
      for (int k = 0; k < n.results; ++k) types.push(g.values[n.result + k].type);
      const digest h = graph::content_key(n.op, g.words + n.word, n.words, types.items, types.count, n.operands, n.words, nullptr);
      if (inferred.find(h) < 0) {
        inferred.add_found(h, i);
        in.clear();
        for (int k = 0; k < n.operands; ++k) in.push(&g.type(x[k]));
        r.reset();
        n.op->infer({in.items, n.operands, g.words + n.word, n.words, n.op->has_target ? &g.type(n.result) : nullptr}, r);
        if (r.error != mistake::none) return "a statement's operands do not fit its op";
        if (r.count() != n.results) return "a statement has another number of results than its op gives";
        for (int k = 0; k < n.results; ++k)
          if (!(r[k] == g.type(n.result + k))) return "a result has another type than its op gives";
      }
    }
    values += n.results;
  }
  if (values != g.value_count) return "there are values without a statement";
  if (formals > g.input_count) return "there are more formals than inputs";
  for (int k = 0; k < g.output_count; ++k)
    if (g.outputs[k] < 0 || g.outputs[k] >= values) return "an output is not defined";
  return nullptr;
}

/// The graph itself, checked.
constexpr const graph& verified(const graph& g) {
  if (const char* violation = find_violation(g.view())) throw violation;
  return g;
}

}  // namespace thunder
