#pragma once
/// One step of a program as a graph of its own.
#include <utility>
#include <vector>

#include "../fusion/partition.hpp"

namespace thunder {

/// What step k of a partition computes: a graph whose inputs are what the step reads, in order, and whose results are what it
/// writes. It is made of the statements of g, not of the step's own text, so that the two can be compared.
inline graph step_graph(const graph_view& g, const partition& p, int k) {
  const step_info& s = p.steps[k];
  graph r;
  graph::import_maps map(g);
  for (std::int64_t j = 0; j < s.inputs; ++j) {
    const int v = p.inputs[s.input + static_cast<int>(j)].value;
    const int type = r.import_type(g, map, g.values[v].type);
    const int formal = r.put(table_of<ops::formal>(), &j, 1, nullptr, 0, &type, 1);
    if (map.values[v] < 0) map.values[v] = formal;
  }
  r.input_count = s.inputs;
  std::vector<std::pair<int, bool>> open;  // statements, and whether their operands are there
  for (int j = s.outputs; j-- > 0;) open.emplace_back(g.values[p.outputs[s.output + j].value].from, false);
  while (!open.empty()) {
    const auto [at, ready] = open.back();
    open.pop_back();
    const node& n = g.nodes[at];
    if (map.values[n.result] >= 0) continue;
    if (ready) {
      r.import(g, n, map);
      continue;
    }
    open.emplace_back(at, true);
    for (int j = 0; j < n.operands; ++j)
      if (map.values[g.operand(n, j)] < 0) open.emplace_back(g.values[g.operand(n, j)].from, false);
  }
  for (int j = 0; j < s.outputs; ++j) r.outputs.push(map.values[p.outputs[s.output + j].value]);
  return r;
}

}  // namespace thunder
