#pragma once
/// The plan of a program: its steps, and for every value where it lives. Made at compile time; offsets follow when the named
/// dimensions are bound (at once if there are none).
#include "batch.hpp"

namespace thunder {

/// Where a value lives.
struct slot_info {
  enum place : std::uint8_t { formal, parameter, result, arena };
  place where = arena;
  int index = 0;          // which formal, parameter or result
  int type = 0;           // in the table of types
  int first = 0, last = 0;  // the steps between which it is alive
};
/// One operand of a step.
struct plan_operand {
  int slot = 0;
  int type = 0;           // as the step sees it (a reshape shares the slot)
  dtype element = dtype::f32;
  unsigned mask = 0;
  int local = 0;          // of an output: the region's value
};

struct plan_size {
  int steps = 0, operands = 0, statements = 0, words = 0, statement_operands = 0, extents = 0, slots = 0, results = 0;
  constexpr bool holds(const plan_size& o) const {
    return steps >= o.steps && operands >= o.operands && statements >= o.statements && words >= o.words && statement_operands >= o.statement_operands &&
           extents >= o.extents && slots >= o.slots && results >= o.results;
  }
};
template <plan_size S> struct frozen_plan {
  plan_size size{};
  step_info steps[at_least_one(S.steps)]{};
  plan_operand operands[at_least_one(S.operands)]{};  // of a step: inputs, then outputs
  step_statement statements[at_least_one(S.statements)]{};
  std::int64_t words[at_least_one(S.words)]{};
  int statement_operands[at_least_one(S.statement_operands)]{};
  dim extents[at_least_one(S.extents)]{};
  slot_info slots[at_least_one(S.slots)]{};
  int results[at_least_one(S.results)]{};              // the slot of each output of the program
  int commit = 0;                                      // from this step on, arguments are only overwritten with what is computed
};

/// What a step may overwrite while it reads it as its input number j. A region: the whole space, each element at its own place, and
/// nothing reduced. An op that says so: its first operand.
constexpr bool updates_in_place(const partition& p, const step_info& s, int j, unsigned read, unsigned written) {
  if (s.op) return s.op->in_place && j == 0;
  for (int k = 0; k < s.statements; ++k)
    if (p.statements[s.statement + k].op->kind == op_kind::reduction) return false;
  const unsigned all = (1u << s.extents) - 1u;
  return read == written && (read == all || (s.extents == 1 && read == 0));
}

/// A copy that follows the steps: slots, and the type of the value.
struct late_copy {
  int from = 0, to = 0, type = 0;
};
/// An output that is not written where it belongs by a step.
struct late_result {
  int value = 0, slot = 0;
};

/// The steps of a program in the order in which they run. `replaces[k]`: the parameter or donated formal whose place output k takes.
constexpr partition make_steps(const graph_view& g, const replacement* replaces, fuel most = fuel::unlimited, partition_notes* notes = nullptr) {
  partition p = partitioner(g, most, notes, replaces).run();
  list<int> writer(g.value_count, -1);
  for (int k = 0; k < p.steps.size(); ++k)
    for (int j = 0; j < p.steps[k].outputs; ++j) writer[p.outputs[p.steps[k].output + j].value] = k;
  const list<int> overwriter = find_overwriters(g, replaces, [&](int v) { return writer[p.roots[v]]; });
  batch_equal_regions(g, p, overwriter, notes);
  return p;
}

/// `replaces[k]`: the parameter or donated formal whose place output k takes. With `commit_last` nothing is replaced before all other
/// steps have run, so that results can be checked first.
template <plan_size S> constexpr frozen_plan<S> make_plan(const graph_view& g, const replacement* replaces, bool commit_last, fuel most = fuel::unlimited) {
  const partition p = make_steps(g, replaces, most);
  const digest formal_id = table_of<ops::formal>()->id, parameter_id = table_of<ops::parameter>()->id;
  list<slot_info> slots;
  list<int> slot_of(g.value_count, -1), of_formal(g.input_count, -1), of_parameter(g.parameter_count, -1);
  const list<int> numbers = parameter_numbers(g);
  for (int i = 0; i < g.node_count; ++i) {
    const node& n = g.nodes[i];
    if (n.op->id == formal_id) {
      const int k = static_cast<int>(g.word(n, 0));
      slot_of[n.result] = of_formal[k] = slots.push({slot_info::formal, k, g.values[n.result].type, -1, -1});
    } else if (n.op->id == parameter_id) {  // one name may be read by leaves of different initialisers
      int& slot = of_parameter[numbers[i]];
      if (slot < 0) slot = slots.push({slot_info::parameter, numbers[i], g.values[n.result].type, -1, -1});
      slot_of[n.result] = slot;
    }
  }
  // What an output replaces is a slot, too, though nothing may read it.
  list<int> target(g.output_count, -1);
  for (int k = 0; k < g.output_count; ++k) {
    if (replaces[k].what == replacement::nothing) continue;
    const bool formal = replaces[k].what == replacement::formal;
    int& slot = formal ? of_formal[replaces[k].index] : of_parameter[replaces[k].index];
    if (slot < 0) slot = slots.push({formal ? slot_info::formal : slot_info::parameter, replaces[k].index, g.values[g.outputs[k]].type, -1, -1});
    target[k] = slot;
  }
  list<int> writer(g.value_count, -1);
  for (int k = 0; k < p.steps.size(); ++k)
    for (int j = 0; j < p.steps[k].outputs; ++j) writer[p.outputs[p.steps[k].output + j].value] = k;

  // where results go: directly, unless they are an argument, a second use of one value, or would overwrite what is read later
  list<late_result> late;
  list<int> results, last_reader(slots.size(), -1);
  list<bool> is_result(slots.size(), false);  // the old value is itself a result
  for (int k = 0; k < p.steps.size(); ++k)
    for (int j = 0; j < p.steps[k].inputs; ++j)
      if (const int slot = slot_of[p.roots[p.inputs[p.steps[k].input + j].value]]; slot >= 0) last_reader[slot] = k;
  for (int k = 0; k < g.output_count; ++k)
    if (const int slot = slot_of[p.roots[g.outputs[k]]]; slot >= 0) is_result[slot] = true;
  for (int k = 0; k < g.output_count; ++k) {
    const int v = g.outputs[k], r = p.roots[v], w = writer[r];
    bool direct = w >= 0 && slot_of[r] < 0;
    if (target[k] >= 0) {
      direct = direct && !commit_last && !is_result[target[k]] && last_reader[target[k]] <= w;
      if (direct && last_reader[target[k]] == w) {
        const step_info& s = p.steps[w];
        unsigned written = 0;
        for (int j = 0; j < s.outputs; ++j)
          if (p.outputs[s.output + j].value == r) written = p.outputs[s.output + j].mask;
        for (int j = 0; j < s.inputs; ++j) {
          const step_input& in = p.inputs[s.input + j];
          if (slot_of[p.roots[in.value]] == target[k] && !updates_in_place(p, s, j, in.mask, written)) direct = false;
        }
      }
    } else {
      target[k] = slots.push({slot_info::result, k, g.values[v].type, -1, -1});
    }
    if (direct) slot_of[r] = target[k];
    else late.push({v, target[k]});
    results.push(target[k]);
  }
  for (int k = 0; k < p.steps.size(); ++k)
    for (int j = 0; j < p.steps[k].outputs; ++j) {
      const int v = p.outputs[p.steps[k].output + j].value;
      if (slot_of[v] < 0) slot_of[v] = slots.push({slot_info::arena, 0, g.values[v].type, k, k});
    }

  // Copies happen at once: fresh results first, then what would be overwritten before its turn is set aside, then the replacements.
  list<late_copy> copies, replacements;
  for (const late_result& l : late) {
    const late_copy c{slot_of[p.roots[l.value]], l.slot, g.values[l.value].type};
    if (slots[c.to].where == slot_info::result) copies.push(c);
    else if (c.from != c.to) replacements.push(c);
  }
  for (int k = 0; k < replacements.size(); ++k) {
    bool overwritten = false;
    for (int earlier = 0; earlier < k; ++earlier) overwritten = overwritten || replacements[earlier].to == replacements[k].from;
    if (!overwritten) continue;
    const slot_info aside{slot_info::arena, 0, replacements[k].type, -1, -1};
    const late_copy first{replacements[k].from, slots.push(aside), replacements[k].type};
    copies.push(first);
    replacements[k].from = first.to;
  }

  frozen_plan<S> f;
  f.commit = p.steps.size() + copies.size();
  for (const late_copy& c : replacements) copies.push(c);
  plan_size& n = f.size;
  n.steps = p.steps.size() + copies.size(), n.operands = p.inputs.size() + p.outputs.size() + 2 * copies.size(), n.statements = p.statements.size();
  n.words = p.words.size(), n.statement_operands = p.operands.size(), n.extents = p.extents.size(), n.slots = slots.size(), n.results = results.size();
  if (!S.holds(n)) return f;
  int at = 0;
  int leader = 0;
  auto use = [&](int slot, int step) {  // as long as a step of its batch may run
    if (step >= p.steps.size()) leader = step;
    else if (p.steps[step].batch > 0) leader = step;
    const int end = leader < p.steps.size() ? leader + p.steps[leader].batch - 1 : leader;
    slot_info& s = f.slots[slot];
    if (s.first < 0 || leader < s.first) s.first = leader;
    if (end > s.last) s.last = end;
  };
  for (int i = 0; i < n.slots; ++i) f.slots[i] = slots[i];
  for (int k = 0; k < p.steps.size(); ++k) {
    step_info s = p.steps[k];
    const int first = at;
    for (int j = 0; j < s.inputs; ++j) {
      const step_input& in = p.inputs[s.input + j];
      f.operands[at++] = {slot_of[p.roots[in.value]], g.values[in.value].type, in.type, in.mask, 0};
      use(slot_of[p.roots[in.value]], k);
    }
    s.input = first;
    const int out = at;
    for (int j = 0; j < s.outputs; ++j) {
      const step_output& o = p.outputs[s.output + j];
      f.operands[at++] = {slot_of[o.value], g.values[o.value].type, o.type, o.mask, o.local};
      use(slot_of[o.value], k);
    }
    s.output = out;
    f.steps[k] = s;
  }
  for (int k = 0; k < copies.size(); ++k) {
    step_info s;
    s.op = table_of<ops::reshape>();
    s.input = at, s.inputs = 1, s.output = at + 1, s.outputs = 1;
    const late_copy& c = copies[k];
    const int step = p.steps.size() + k;
    f.operands[at++] = {c.from, c.type, g.types[c.type].type, 0, 0};
    f.operands[at++] = {c.to, c.type, g.types[c.type].type, 0, 0};
    use(c.from, step), use(c.to, step);
    f.steps[step] = s;
  }
  for (int i = 0; i < n.statements; ++i) f.statements[i] = p.statements[i];
  for (int i = 0; i < n.words; ++i) f.words[i] = p.words[i];
  for (int i = 0; i < n.statement_operands; ++i) f.statement_operands[i] = p.operands[i];
  for (int i = 0; i < n.extents; ++i) f.extents[i] = p.extents[i];
  for (int i = 0; i < n.results; ++i) f.results[i] = results[i];
  return f;
}

template <plan_size S, plan_size From> constexpr frozen_plan<S> trim_plan(const frozen_plan<From>& f) {
  frozen_plan<S> r;
  r.size = f.size, r.commit = f.commit;
  for (int i = 0; i < S.steps; ++i) r.steps[i] = f.steps[i];
  for (int i = 0; i < S.operands; ++i) r.operands[i] = f.operands[i];
  for (int i = 0; i < S.statements; ++i) r.statements[i] = f.statements[i];
  for (int i = 0; i < S.words; ++i) r.words[i] = f.words[i];
  for (int i = 0; i < S.statement_operands; ++i) r.statement_operands[i] = f.statement_operands[i];
  for (int i = 0; i < S.extents; ++i) r.extents[i] = f.extents[i];
  for (int i = 0; i < S.slots; ++i) r.slots[i] = f.slots[i];
  for (int i = 0; i < S.results; ++i) r.results[i] = f.results[i];
  return r;
}

/// Offsets of the arena's slots for given sizes in bytes: each goes to the lowest gap between those that are alive at the same time
/// (first fit, larger ones first). Returns the arena's size.
constexpr std::int64_t place_slots(const slot_info* slots, int count, const std::int64_t* bytes, std::int64_t* offsets) {
  constexpr std::int64_t alignment = 64;
  list<int> order, placed;
  for (int i = 0; i < count; ++i)
    if (slots[i].where == slot_info::arena) order.push(i);
  for (int i = 1; i < order.size(); ++i)  // insertion sort, stable
    for (int k = i; k > 0 && bytes[order[k]] > bytes[order[k - 1]]; --k) {
      const int t = order[k];
      order[k] = order[k - 1], order[k - 1] = t;
    }
  std::int64_t peak = 0;
  for (int i : order) {
    const std::int64_t size = (bytes[i] + alignment - 1) / alignment * alignment;
    std::int64_t at = 0;
    for (bool moved = true; moved;) {
      moved = false;
      for (int o : placed) {
        if (slots[o].last < slots[i].first || slots[i].last < slots[o].first) continue;
        const std::int64_t end = offsets[o] + (bytes[o] + alignment - 1) / alignment * alignment;
        if (at < end && offsets[o] < at + size) at = end, moved = true;
      }
    }
    offsets[i] = at;
    placed.push(i);
    peak = at + size > peak ? at + size : peak;
  }
  return peak;
}

}  // namespace thunder
