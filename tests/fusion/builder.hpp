#pragma once
// Graphs made by hand, their partition, and what it computes.
#include "execute.hpp"

#include <thunder/ops/all.hpp>
#include <thunder/transforms/decompose.hpp>
#include <thunder/transforms/simplify.hpp>

#include <cmath>

#include <doctest/doctest.h>

namespace execution {

inline graph lowered(const graph_view& g) {
  const graph primitive = decompose(g, [](const op_info&) { return true; });
  const graph once = simplify(primitive.view());
  return simplify(once.view());
}
/// Only statements that a result needs: what `stored` leaves of a graph.
inline graph without_dead(const graph_view& g) {
  graph r;
  graph::import_maps map(g);
  for (int k = 0; k < g.parameter_count; ++k)
    r.note_parameter(r.import_name(g, map, g.parameters[k].name, name_info::root), r.import_type(g, map, g.parameters[k].type), g.parameters[k].words);
  const list<bool> live = live_nodes(g);
  for (int i = 0; i < g.node_count; ++i)
    if (live[i]) r.import(g, g.nodes[i], map);
  for (int k = 0; k < g.output_count; ++k) r.outputs.push(map.values[g.outputs[k]]);
  r.input_count = g.input_count;
  return r;
}

/// A graph made by hand, with inputs.
struct graph_builder {
  graph g;
  std::vector<reference_array> inputs;
  value input(std::vector<std::int64_t> extents, dtype t = dtype::f64) {
    meta m{t, static_cast<int>(extents.size()), {}};
    for (int i = 0; i < m.rank; ++i) m.d[i] = dim(extents[static_cast<std::size_t>(i)]);
    const std::int64_t w = g.input_count++;
    const int type = g.intern(m);
    reference_array x(t, extents);
    double at = 0.3;
    for (auto& v : x.reals) v = std::sin(at += 1.7);
    for (auto& v : x.integers) v = static_cast<std::int64_t>(10 * std::sin(at += 1.7));
    inputs.push_back(x);
    return {&g, g.put(table_of<ops::formal>(), &w, 1, nullptr, 0, &type, 1)};
  }
  template <class Op>
  value composite(std::initializer_list<value> x, std::int64_t word) {
    std::vector<int> ids;
    for (auto v : x) ids.push_back(v.id);
    return emit<Op>(&g, &word, 1, ids.data(), static_cast<int>(ids.size()));
  }
  /// The graph of these results, as it is partitioned.
  graph finished(std::initializer_list<value> results) {
    for (auto v : results) g.outputs.push(v.id);
    return without_dead(execution::lowered(g.view()).view());
  }
  /// The number of steps; checks the values.
  int steps(std::initializer_list<value> results) {
    const graph flat = finished(results);
    const auto view = flat.view();
    const partition p = partitioner(view).run();
    double d = INFINITY;
    CHECK_NOTHROW(d = execution::difference(execution::run(view, p, inputs), interpret(view, inputs)));
    CHECK_MESSAGE(d < 1e-9, print(view), execution::print(p));
    return p.steps.size();
  }
};

}  // namespace execution
