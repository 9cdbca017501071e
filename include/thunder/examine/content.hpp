#pragma once
/// The content digest of a graph: one number for what a program computes, whichever way its graph was obtained.
#include "../ir/flatten.hpp"

namespace thunder {

/// Digests of graphs that may share bodies: each body is looked at once. A hash tree from the leaves to the results,
/// O(statements).
class content_hasher {
 public:
  constexpr digest of(const graph_view& g) {
    list<digest> names(g.name_count), types(g.type_count), values(g.value_count), formals(g.input_count);
    for (int i = 0; i < g.name_count; ++i) {  // parents come first; "a" below "b" hashes as "b.a" does
      const name_info& n = g.names[i];
      names[i] = digest_of(n.text, n.parent >= 0 ? digest_of(".", names[n.parent]) : n.parent == name_info::absolute ? 3 : 1);
    }
    for (int i = 0; i < g.type_count; ++i) types[i] = mix(0, g.types[i]);
    const list<bool> live = live_nodes(g);
    const digest formal_id = table_of<ops::formal>()->id;
    for (int i = 0; i < g.node_count; ++i) {
      if (!live[i]) continue;
      const node& n = g.nodes[i];
      digest h = mix(mix(n.op->id, static_cast<digest>(n.words)), static_cast<digest>(n.operands));
      for (int k = 0; k < n.words; ++k) h = mix(h, static_cast<digest>(g.word(n, k)));
      for (int k = 0; k < n.operands; ++k) h = mix(h, values[g.operand(n, k)]);
      if (n.name >= 0) h = mix(h, names[n.name]);
      if (n.body) h = mix(h, of_body(*n.body));
      for (int k = 0; k < n.results; ++k) h = mix(h, types[g.values[n.result + k].type]);
      for (int k = 0; k < n.results; ++k) values[n.result + k] = mix(h, static_cast<digest>(k));
      if (n.op->id == formal_id && g.word(n, 0) >= 0 && g.word(n, 0) < g.input_count) formals[static_cast<int>(g.word(n, 0))] = h;
    }
    digest h = mix(73, static_cast<digest>(g.input_count));
    for (digest f : formals) h = mix(h, f);
    for (int k = 0; k < g.output_count; ++k) h = mix(h, values[g.outputs[k]]);
    return h;
  }

 private:
  constexpr digest of_body(const graph_view& body) {
    if (body.id == 0) return of(body);
    const int found = index_.find(body.id);
    if (found >= 0) return known_[found];
    const digest h = of(body);
    index_.add(body.id, known_.push(h));
    return h;
  }
  digest_table index_;
  list<digest> known_;
};

/// Equal for graphs with equal results: the same statements, attributes, names, types and bodies of calls, in whatever order and
/// at whatever level they were traced. The types of all formals count; statements that no result needs do not.
constexpr digest content_digest(const graph_view& g) {
  content_hasher h;
  return h.of(g);
}

}  // namespace thunder
