#pragma once
/// Calls become their bodies; a callee's parameter names get the call's prefix. Equal statements meet here: the forward pass that a
/// derivative repeats is the one that the caller already has.
#include "../ir/flatten.hpp"

namespace thunder {

constexpr void inline_into(graph& g, const graph_view& v, const int* inputs, int prefix, list<int>& outputs, bool called = false) {
  graph::import_maps map(v);
  const digest formal_id = table_of<ops::formal>()->id, parameter_id = table_of<ops::parameter>()->id;
  list<int> x, y;
  for (int i = 0; i < v.node_count; ++i) {
    const node& n = v.nodes[i];
    if (g.notes) g.notes->in = prefix, g.notes->at = called ? g.notes->at : i;
    if (n.op->id == formal_id) map.values[n.result] = inputs[v.word(n, 0)];
    else if (n.body) {
      x.clear(), y.clear();
      for (int k = 0; k < n.operands; ++k) x.push(map.values[v.operand(n, k)]);
      inline_into(g, *n.body, x.data(), g.import_name(v, map, n.name, prefix), y, true);
      for (int k = 0; k < n.results; ++k) map.values[n.result + k] = y[k];
    } else {
      const int first = g.import(v, n, map, prefix);
      if (n.op->id == parameter_id) g.note_parameter(g.producer(first).name, g.values[first].type, v.words + n.word);
    }
  }
  for (int k = 0; k < v.output_count; ++k) outputs.push(map.values[v.outputs[k]]);
}

/// The whole program as one flat graph.
constexpr graph inline_calls(const graph_view& v, provenance* notes = nullptr) {
  graph g;
  g.notes = notes;
  list<int> inputs;
  for (int i = 0; i < v.node_count; ++i)  // formals come first, in order
    if (v.nodes[i].op->id == table_of<ops::formal>()->id) {
      if (notes) notes->at = i;
      const std::int64_t w = inputs.size();
      const int t = g.intern(v.type(v.nodes[i].result));
      inputs.push(g.put(table_of<ops::formal>(), &w, 1, nullptr, 0, &t, 1));
    }
  g.input_count = inputs.size();
  inline_into(g, v, inputs.data(), name_info::root, g.outputs);
  g.notes = nullptr;
  return g;
}

}  // namespace thunder
