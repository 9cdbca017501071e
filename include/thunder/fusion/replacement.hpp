#pragma once
/// What results take the place of: parameters, and donated arguments.
#include "../ir/flatten.hpp"
#include "../ir/leaves.hpp"

namespace thunder {

/// What an output replaces.
struct replacement {
  enum kind : std::uint8_t { nothing, parameter, formal };
  kind what = nothing;
  int index = 0;
};

/// Of each statement that reads a parameter: which one, in the graph's list.
constexpr list<int> parameter_numbers(const graph_view& g) {
  const int buckets = at_least_one(g.parameter_count);
  list<int> first(buckets, -1), next(g.parameter_count, -1), numbers(g.node_count, -1);
  auto bucket_of = [&](int name) { return static_cast<int>(g.names[name].hash % static_cast<std::uint64_t>(buckets)); };
  for (int k = 0; k < g.parameter_count; ++k) {
    int& bucket = first[bucket_of(g.parameters[k].name)];
    next[k] = bucket, bucket = k;
  }
  const digest id = table_of<ops::parameter>()->id;
  for (int i = 0; i < g.node_count; ++i) {
    if (g.nodes[i].op->id != id) continue;
    int k = first[bucket_of(g.nodes[i].name)];
    while (k >= 0 && g.names[g.parameters[k].name].hash != g.names[g.nodes[i].name].hash) k = next[k];
    numbers[i] = k;
  }
  return numbers;
}

/// Of each value: the step that makes what will replace it, or -1. step_of(v): the step that makes the value v. replaces: of each output of the
/// graph, or null.
template <class StepOf> constexpr list<int> find_overwriters(const graph_view& g, const replacement* replaces, StepOf step_of) {
  list<int> overwriter(g.value_count, -1), of_formal(g.input_count, -1), of_parameter(g.parameter_count, -1);
  if (!replaces) return overwriter;
  for (int k = 0; k < g.output_count; ++k)
    if (replaces[k].what != replacement::nothing) (replaces[k].what == replacement::formal ? of_formal : of_parameter)[replaces[k].index] = step_of(g.outputs[k]);
  const digest formal_id = table_of<ops::formal>()->id, parameter_id = table_of<ops::parameter>()->id;
  const list<int> numbers = parameter_numbers(g);
  for (int i = 0; i < g.node_count; ++i) {
    const node& n = g.nodes[i];
    if (n.op->id == formal_id) overwriter[n.result] = of_formal[static_cast<int>(g.word(n, 0))];
    else if (n.op->id == parameter_id && numbers[i] >= 0) overwriter[n.result] = of_parameter[numbers[i]];
  }
  return overwriter;
}

}  // namespace thunder
