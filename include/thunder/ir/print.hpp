#pragma once
/// A graph as text, one statement a line.
#include <string>

#include "graph.hpp"

namespace thunder {

/// "f32[batch, 784]"
inline std::string print(const meta& m) {
  std::string r = std::string(name_of(m.type)) + '[';
  for (int i = 0; i < m.rank; ++i) r.append(i ? ", " : "").append(spelled(m.d[i]).text);
  return r + ']';
}
/// A parameter's or scope's full name: "h.3.attn.weight".
inline std::string print_name(const graph_view& g, int name) {
  std::string r;
  for (int i = name; i >= 0; i = g.names[i].parent) r = g.names[i].text + (r.empty() ? "" : "." + r);
  return r;
}

/// One statement a line, with its attributes and its name where it has them; then the results:
///
///     %0 = thunder.formal <0> : f32[2, 3]
///     %1 = thunder.parameter "fc.bias" <1, 0, 0, 0> : f32[3]
///     %2 = thunder.broadcast(%1) <2> : f32[2, 3]
///     %3 = thunder.add(%0, %2) : f32[2, 3]
///     results: %3
inline std::string print(const graph_view& g) {
  std::string r;
  for (int i = 0; i < g.node_count; ++i) {
    const node& n = g.nodes[i];
    for (int k = 0; k < n.results; ++k) r += (k ? ", %" : "%") + std::to_string(n.result + k);
    r += std::string(" = ") + n.op->name;
    for (int k = 0; k < n.operands; ++k) r += (k ? ", %" : "(%") + std::to_string(g.operand(n, k));
    if (n.operands) r += ')';
    if (n.name >= 0) r += " \"" + print_name(g, n.name) + '"';
    for (int k = 0; k < n.words; ++k) r += (k ? ", " : " <") + std::to_string(g.word(n, k));
    if (n.words) r += '>';
    for (int k = 0; k < n.results; ++k) r += (k ? ", " : " : ") + print(g.type(n.result + k));
    r += '\n';
  }
  r += "results:";
  for (int k = 0; k < g.output_count; ++k) r += (k ? ", %" : " %") + std::to_string(g.outputs[k]);
  return r + '\n';
}

}  // namespace thunder
