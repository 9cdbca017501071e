#pragma once
/// What a program computes before everything else.
#include "../ir/flatten.hpp"
#include "../ops/reduce.hpp"

namespace thunder {

/// The statements of values without dimensions that depend on arguments alone, by no library call, and are broadcast.
constexpr list<bool> numbers_of_arguments(const graph_view& g) {
  list<bool> early(g.value_count, false), wanted(g.node_count, false);
  for (int i = 0; i < g.node_count; ++i) {
    const node& n = g.nodes[i];
    const digest op = n.op->id;
    const bool fused = n.op->kind == op_kind::pointwise || n.op->kind == op_kind::reduction || n.op->kind == op_kind::indexed;
    bool all = fused || n.op->kind == op_kind::leaf || op == table_of<ops::broadcast>()->id || op == table_of<ops::extent>()->id;
    if (!all) continue;
    for (int j = 0; j < n.operands; ++j) {
      const int x = g.operand(n, j);
      all = all && early[x];
      if (early[x] && g.type(x).rank == 0 && g.type(n.result).rank > 0) wanted[g.values[x].from] = true;
    }
    early[n.result] = all;
  }
  for (int i = g.node_count; i-- > 0;)
    for (int j = 0; wanted[i] && j < g.nodes[i].operands; ++j) wanted[g.values[g.operand(g.nodes[i], j)].from] = true;
  return wanted;
}

}  // namespace thunder
