#pragma once
/// Equal regions that do not depend on one another become one batch: a step that an executor may start at once for all of them, as one
/// launch over a table of buffers. An optimizer's update of hundreds of parameters and the squares of a global norm become so a kernel each.
///
/// The alternative, kernels over tables that belong to the optimizers' statements, would need a claim before decomposition and would find
/// neither the norm's sums nor what a user writes. Here nothing is special: what counts is that region types are equal.
#include "partition.hpp"

namespace thunder {

/// What tells one region's type from another: equal exactly if the types are, as far as a hash can say.
constexpr digest region_signature(const partition& p, const step_info& s) {
  digest h = mix(mix(mix(17, static_cast<digest>(s.inputs)), static_cast<digest>(s.outputs)), static_cast<digest>(s.statements));
  auto add = [&](auto... x) { ((h = mix(h, static_cast<digest>(x))), ...); };
  if (s.extents > 1)  // (a loop over all elements is one kernel for every length)
    for (int i = 0; i < s.extents; ++i) {
      const dim& d = p.extents[s.extent + i];
      add(d.size, d.a, d.b, d.c);
    }
  else add(p.extents[s.extent].is_one());
  for (int i = 0; i < s.inputs; ++i) add(p.inputs[s.input + i].type, p.inputs[s.input + i].mask);
  for (int i = 0; i < s.outputs; ++i) {
    const step_output& o = p.outputs[s.output + i];
    add(o.local, o.type, o.mask);
  }
  for (int i = 0; i < s.statements; ++i) {
    const step_statement& t = p.statements[s.statement + i];
    add(t.op->id, t.type, t.mask, t.words, t.operands);
    for (int k = 0; k < t.words; ++k) add(p.words[t.word + k]);
    for (int k = 0; k < t.operands; ++k) add(p.operands[t.operand + k]);
  }
  return h;
}

/// Moves regions to later ones that are equal to them: step_info::batch counts the steps of a batch in its first, and is 0 in the others.
/// A step moves if nothing between needs what it makes or overwrites what it reads, and if no memory lives longer for it. `overwriter`: of
/// each value the step that will write into its place, or -1.
constexpr void batch_equal_regions(const graph_view& g, partition& p, const list<int>& overwriter, partition_notes* notes = nullptr) {
  struct group {
    digest signature;
    int anchor, next;  // the group's last step; the group that was known before
  };
  const int n = p.steps.size();
  list<group> groups;
  list<int> anchor(n, 0), first_read(g.value_count, n), last_read(g.value_count, -1), made(g.value_count, 0), buckets(at_least_one(n), -1), allocations(n + 1, 0);
  for (int k = 0; k < g.output_count; ++k) made[p.roots[g.outputs[k]]] = 2;  // its memory is not the arena's
  for (int k = 0; k < n; ++k) {
    int fresh = 0;
    for (int j = 0; j < p.steps[k].outputs; ++j) {
      const int v = p.outputs[p.steps[k].output + j].value;
      if (made[v] == 2 || g.type(v).rank == 0) continue;
      made[v] = 1, ++fresh;
    }
    allocations[k + 1] = allocations[k] + fresh;
  }
  bool any = false;
  for (int k = n; k-- > 0;) {
    const step_info& s = p.steps[k];
    anchor[k] = k;
    if (!s.op) {
      const digest signature = region_signature(p, s);
      int& bucket = buckets[static_cast<int>(signature % static_cast<digest>(n))];
      int found = bucket;
      while (found >= 0 && groups[found].signature != signature) found = groups[found].next;
      bool moves = found >= 0;
      const int to = moves ? groups[found].anchor : k;
      for (int j = 0; moves && j < s.outputs; ++j) moves = first_read[p.outputs[s.output + j].value] > to;
      for (int j = 0; moves && j < s.inputs; ++j) {
        const int v = p.roots[p.inputs[s.input + j].value], w = overwriter[v];
        if (w > k) moves = anchor[w] > to;
        if (made[v] == 1) moves = moves && (last_read[v] >= to || allocations[to + 1] == allocations[k + 1]);
      }
      if (moves) anchor[k] = to, any = true;
      else if (found >= 0) groups[found].anchor = k;
      else bucket = groups.push({signature, k, bucket});
    }
    for (int j = 0; j < s.inputs; ++j) {
      const int v = p.roots[p.inputs[s.input + j].value];
      if (anchor[k] < first_read[v]) first_read[v] = anchor[k];
      if (anchor[k] > last_read[v]) last_read[v] = anchor[k];
    }
  }
  if (!any) return;
  list<int> first(n, -1), next(n, -1);  // the steps of an anchor, in order
  for (int k = n; k-- > 0;) next[k] = first[anchor[k]], first[anchor[k]] = k;
  list<step_info> steps;
  list<int> before;  // of a step: its number before
  steps.reserve(n);
  for (int a = 0; a < n; ++a) {
    const int leader = steps.size();
    for (int k = first[a]; k >= 0; k = next[k]) {
      steps.push(p.steps[k]);
      steps.back().batch = 0;
      before.push(k);
    }
    if (steps.size() > leader) steps[leader].batch = steps.size() - leader;
  }
  p.steps = static_cast<list<step_info>&&>(steps);
  if (!notes) return;
  list<list<int>> nodes;
  list<int> after(n, -1);
  for (int k = 0; k < n; ++k) after[before[k]] = k, nodes.push(notes->nodes_of_step[before[k]]);
  notes->nodes_of_step = nodes;
  for (int& k : notes->step_of_region)
    if (k >= 0) k = after[k];
}

}  // namespace thunder
