#pragma once
/// A graph as text, one statement a line.
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "../core/text.hpp"
#include "trace.hpp"

namespace thunder {

/// "f32[batch, 784]"
[[gnu::cold]] inline std::string print(const meta& m) {
  std::string r = name_of(m.type);
  for (int i = 0; i < m.rank; ++i) r.append(i ? ", " : "[").append(spelled(m.d[i]).text);
  r += m.rank ? "]" : "[]";
  return r;
}
/// A parameter's or scope's full name, "h.3.attn.weight", below a prefix if it is not absolute.
[[gnu::cold]] inline std::string print_name(const graph_view& g, int name, const std::string& prefix = "") {
  if (name < 0) return name == name_info::absolute ? "" : prefix;
  const std::string parent = print_name(g, g.names[name].parent, prefix);
  return text_of({parent, parent.empty() ? "" : ".", g.names[name].text});
}
/// An attribute. Real ones are held as the bits of a double, and as no integer attribute is so large, these look like none: 0.5.
[[gnu::cold]] inline std::string print_word(std::int64_t w) {
  const double v = std::bit_cast<double>(w);
  if ((w >> 52 & 0x7ff) == 0 || v != v) return text_of({w});
  char text[32];
  for (int digits = 1; digits < 18; ++digits) {
    std::snprintf(text, sizeof text, "%.*g", digits, v);
    if (std::strtod(text, nullptr) == v) break;
  }
  return text;
}

/// One statement a line, with its attributes and its name where it has them; then the results:
///
///     %0 = thunder.formal <0> : f32[2, 3]
///     %1 = thunder.parameter "fc.bias" <1, 0, 0, 0> : f32[3]
///     %2 = thunder.broadcast(%1) <2> : f32[2, 3]
///     %3 = thunder.add(%0, %2) : f32[2, 3]
///     results: %3
[[gnu::cold]] inline std::string print(const graph_view& g) {
  std::string r;
  for (int i = 0; i < g.node_count; ++i) {
    const node& n = g.nodes[i];
    for (int k = 0; k < n.results; ++k) r += text_of({k ? ", %" : "%", n.result + k});
    r += text_of({" = ", n.op->name});
    for (int k = 0; k < n.operands; ++k) r += text_of({k ? ", %" : "(%", g.operand(n, k)});
    if (n.operands) r += ')';
    if (n.name >= 0) r += text_of({" \"", print_name(g, n.name), "\""});
    // The words of an extent are a dimension's, whose name is packed into an integer.
    for (int k = 0; k < n.words; ++k) r += text_of({k ? ", " : " <", n.op->id == digest_of("thunder.extent") ? text_of({g.word(n, k)}) : print_word(g.word(n, k))});
    if (n.words) r += '>';
    for (int k = 0; k < n.results; ++k) r += text_of({k ? ", " : " : ", print(g.type(n.result + k))});
    r += '\n';
  }
  r += "results:";
  for (int k = 0; k < g.output_count; ++k) r += text_of({k ? ", %" : " %", g.outputs[k]});
  return r + '\n';
}

/// A trace prints as its statements: std::cout << trace(f, spec<float, B, 784>()).
template <class Stream, class R, class Body> Stream& operator<<(Stream& out, traced<R, Body>) {
  out << print(Body::view);
  return out;
}

}  // namespace thunder
