#pragma once
/// Composites fall apart into what they are made of.
#include "../ir/flatten.hpp"
#include "../ir/value.hpp"

namespace thunder {

/// Replaces the composites for which `wanted(op)` holds, until there is none. Other statements are copied.
template <class Wanted> constexpr graph decompose(const graph_view& v, Wanted wanted, provenance* notes = nullptr) {
  graph g;
  g.notes = notes;
  graph::import_maps map = g.begin(v);
  list<int> parts;
  const list<bool> live = live_nodes(v);  // a composite that is gone stays behind as a dead statement
  bool again = false;
  for (int i = 0; i < v.node_count; ++i) {
    if (!live[i]) continue;
    if (notes) notes->at = i;
    const node& n = v.nodes[i];
    const int before = g.nodes.size();
    g.import(v, n, map);
    if (n.op->decompose && wanted(*n.op)) {
      parts.clear();
      n.op->decompose(g, g.values[map.values[n.result]].from, parts);
      for (int k = 0; k < n.results; ++k) map.values[n.result + k] = parts[k];
      for (int k = before + 1; k < g.nodes.size(); ++k) again = again || (g.nodes[k].op->decompose && wanted(*g.nodes[k].op));
    }
  }
  g.finish(v, map);
  if (again) {
    provenance second;
    graph r = decompose(g.view(), wanted, notes ? &second : nullptr);
    if (notes) {
      for (int& from : second.from) from = notes->from[from];
      *notes = second;
    }
    return r;
  }
  return g;
}

}  // namespace thunder
