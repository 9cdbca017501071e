// The plan of a program: where slots lie, and when what is replaced is overwritten.
#include "builder.hpp"

#include "../transforms/random_graphs.hpp"

#include <thunder/fusion/plan.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <random>

using namespace thunder;

TEST_CASE("slots that are alive at the same time do not overlap, and the arena is little more than what must be alive") {
  std::mt19937_64 random(7);
  auto below = [&](int n) { return static_cast<int>(random() % static_cast<std::uint64_t>(n)); };
  double worst = 1, sum = 0;
  const int rounds = 2000;
  for (int round = 0; round < rounds; ++round) {
    const int count = 1 + below(40), steps = 1 + below(30);
    std::vector<slot_info> slots(static_cast<std::size_t>(count));
    std::vector<std::int64_t> bytes(slots.size()), offsets(slots.size(), -1);
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const int first = below(steps);
      slots[i] = {below(8) ? slot_info::arena : slot_info::result, 0, 0, first, std::min(steps - 1, first + below(5))};
      bytes[i] = below(6) ? 1 + below(5000) : 0;
    }
    const std::int64_t peak = place_slots(slots.data(), count, bytes.data(), offsets.data());
    std::int64_t needed = 0;
    for (int t = 0; t < steps; ++t) {
      std::int64_t alive = 0;
      for (std::size_t i = 0; i < slots.size(); ++i)
        if (slots[i].where == slot_info::arena && slots[i].first <= t && t <= slots[i].last) alive += (bytes[i] + 63) / 64 * 64;
      needed = std::max(needed, alive);
    }
    for (std::size_t i = 0; i < slots.size(); ++i) {
      if (slots[i].where != slot_info::arena) {
        CHECK(offsets[i] == -1);
        continue;
      }
      CHECK(offsets[i] >= 0);
      CHECK(offsets[i] % 64 == 0);
      CHECK(offsets[i] + bytes[i] <= peak);
      for (std::size_t k = 0; k < i; ++k)
        if (slots[k].where == slot_info::arena && slots[k].first <= slots[i].last && slots[i].first <= slots[k].last)
          CHECK_MESSAGE((offsets[i] + bytes[i] <= offsets[k] || offsets[k] + bytes[k] <= offsets[i]), "round ", round, ": slots ", i, " and ", k);
    }
    CHECK(peak >= needed);
    const double ratio = needed ? static_cast<double>(peak) / static_cast<double>(needed) : 1;
    worst = std::max(worst, ratio), sum += ratio;
  }
  MESSAGE("arena / largest sum of what is alive: ", sum / rounds, " on average, ", worst, " at most");
  CHECK(sum / rounds < 1.1);
  CHECK(worst < 1.6);
}

// ---- plans of random programs
namespace {

constexpr plan_size room{600, 4000, 4000, 6000, 9000, 3000, 1500, 40};
constexpr const char* names[]{"a", "b", "c", "d", "e", "f", "g", "h"};

struct program {
  graph g;
  std::vector<replacement> replaces;
  std::vector<reference_array> formals, parameters;
};

value softmax_of(value x) {
  const meta m = x.type();
  const std::int64_t row = std::int64_t{1} << (m.rank - 1);
  const value e = exp(x - expand(max(x, row), row, m));
  return e / expand(sum(e, row), row, m);
}

/// A random graph some of whose formals became parameters, with outputs that replace parameters and donated formals.
program make_program(std::uint64_t seed) {
  random_graphs::options o;
  o.statements = 1 + static_cast<int>(seed % 7);
  auto s = random_graphs::make(seed, o);
  std::mt19937_64 random(seed);
  auto below = [&](int n) { return static_cast<int>(random() % static_cast<std::uint64_t>(n)); };
  const graph simple = execution::lowered(s.g.view());
  const graph_view v = simple.view();
  const list<bool> live = live_nodes(v);
  program p;
  graph::import_maps map(v);
  std::vector<int> leaves, values;
  std::vector<replacement> leaf;
  for (int i = 0; i < v.node_count; ++i) {
    const node& n = v.nodes[i];
    if (!live[i]) continue;
    if (n.op->id == table_of<ops::formal>()->id) {
      const auto& x = s.inputs[static_cast<std::size_t>(v.word(n, 0))];
      const int type = p.g.intern(v.type(n.result));
      if (x.floating() && below(3)) {
        const std::int64_t w[]{1, 0, 0, 0};
        const int name = p.g.intern_name(names[p.parameters.size()], name_info::root);
        map.values[n.result] = p.g.put(table_of<ops::parameter>(), w, 4, nullptr, 0, &type, 1, name);
        p.g.note_parameter(name, type, w);
        leaf.push_back({replacement::parameter, static_cast<int>(p.parameters.size())});
        p.parameters.push_back(x);
      } else {
        const auto w = static_cast<std::int64_t>(p.formals.size());
        map.values[n.result] = p.g.put(table_of<ops::formal>(), &w, 1, nullptr, 0, &type, 1);
        leaf.push_back({replacement::formal, static_cast<int>(p.formals.size())});
        p.formals.push_back(x);
      }
      leaves.push_back(map.values[n.result]);
    } else {
      p.g.import(v, n, map);
    }
    values.push_back(map.values[n.result]);
  }
  p.g.input_count = static_cast<int>(p.formals.size());
  // new values of the same type, also for leaves that are read late
  for (std::size_t k = 0; k < leaves.size(); ++k) {
    if (below(4) == 0) continue;
    const meta m = p.g.type(leaves[k]);
    std::vector<int> fit;
    for (int x : values)
      if (p.g.type(x) == m) fit.push_back(x);
    int chosen = fit[static_cast<std::size_t>(below(static_cast<int>(fit.size())))];
    if (is_floating(m.type) && below(3) == 0) {  // a step of gradient descent, or one along a row
      const value x{&p.g, leaves[k]}, y{&p.g, chosen};
      if (m.rank && below(2)) chosen = (x + softmax_of(y)).id;
      else chosen = (x - y * full_like(&p.g, 0.1, m)).id;
    }
    p.g.outputs.push(chosen), p.replaces.push_back(leaf[k]);
  }
  for (int k = 1 + below(3); k-- > 0;) p.g.outputs.push(values[static_cast<std::size_t>(below(static_cast<int>(values.size())))]), p.replaces.push_back({});
  if (below(2) && p.g.outputs.size() > 1) {
    const int a = below(p.g.outputs.size()), b = below(p.g.outputs.size());
    std::swap(p.g.outputs[a], p.g.outputs[b]), std::swap(p.replaces[static_cast<std::size_t>(a)], p.replaces[static_cast<std::size_t>(b)]);
  }
  p.g = execution::without_dead(p.g.view());
  return p;
}

std::vector<std::int64_t> extents_of(const meta& m) {
  std::vector<std::int64_t> e;
  for (int i = 0; i < m.rank; ++i) e.push_back(m.d[i].size);
  return e;
}

/// Runs a plan: memory that was never written, or that another slot of the arena has taken, is poison.
struct machine {
  const graph_view& g;
  const frozen_plan<room>& f;
  std::vector<std::optional<reference_array>> memory;
  std::vector<std::int64_t> bytes, offsets;

  machine(const graph_view& graph, const frozen_plan<room>& plan, const program& p) : g(graph), f(plan) {
    const auto n = static_cast<std::size_t>(f.size.slots);
    memory.resize(n), bytes.resize(n), offsets.resize(n, -1);
    for (std::size_t i = 0; i < n; ++i) {
      const slot_info& s = f.slots[i];
      bytes[i] = g.types[s.type].count().size * size_of(g.types[s.type].type);
      if (s.where == slot_info::formal) memory[i] = p.formals[static_cast<std::size_t>(s.index)];
      if (s.where == slot_info::parameter) memory[i] = p.parameters[static_cast<std::size_t>(s.index)];
      for (std::size_t k = 0; k < i; ++k)
        execution::require(s.where == slot_info::arena || s.where != f.slots[k].where || s.index != f.slots[k].index, "two slots for one argument");
    }
    place_slots(f.slots, f.size.slots, bytes.data(), offsets.data());
  }
  reference_array read(const plan_operand& o) const {
    const auto& m = memory[static_cast<std::size_t>(o.slot)];
    execution::require(m.has_value(), "slot " + std::to_string(o.slot) + " is read before it is written, or after its memory was given away");
    reference_array x = *m;
    x.extents = extents_of(g.types[o.type]);
    execution::require(x.type == g.types[o.type].type && x.size() == m->size(), "a slot holds another type");
    return x;
  }
  void write(const plan_operand& o, reference_array x) {
    const auto at = static_cast<std::size_t>(o.slot);
    if (f.slots[at].where == slot_info::arena)
      for (std::size_t k = 0; k < memory.size(); ++k)
        if (k != at && f.slots[k].where == slot_info::arena && offsets[k] < offsets[at] + bytes[at] && offsets[at] < offsets[k] + bytes[k]) memory[k].reset();
    x.extents = extents_of(g.types[o.type]);
    execution::require(x.size() * size_of(x.type) == bytes[at], "a slot is written with another size");
    memory[at] = std::move(x);
  }
  bool is_argument(int slot) const { return f.slots[slot].where == slot_info::formal || f.slots[slot].where == slot_info::parameter; }

  void step(int k, bool may_replace) {
    const step_info& s = f.steps[k];
    const plan_operand *in = f.operands + s.input, *out = f.operands + s.output;
    std::vector<reference_array> held;
    std::vector<const reference_array*> x;
    for (int j = 0; j < s.inputs; ++j) held.push_back(read(in[j]));
    for (const auto& h : held) x.push_back(&h);
    for (int j = 0; j < s.outputs; ++j) {
      execution::require(may_replace || !is_argument(out[j].slot), "an argument is overwritten before the results are checked");
      for (int i = 0; i < s.inputs; ++i) {
        if (in[i].slot != out[j].slot) continue;
        bool safe = s.op == nullptr && in[i].mask == out[j].mask;
        for (int t = 0; t < s.statements; ++t) safe = safe && f.statements[s.statement + t].op->kind != op_kind::reduction;
        for (int d = 0; d < s.extents; ++d) safe = safe && (in[i].mask >> d & 1 || f.extents[s.extent + d].is_one());
        execution::require(safe, "step " + std::to_string(k) + " overwrites what it reads elsewhere");
      }
    }
    if (s.op) {
      reference_array r(g.types[out[0].type].type, extents_of(g.types[out[0].type]));
      execution::run_op(*s.op, x, {f.words + s.word, f.words + s.word + s.words}, r);
      write(out[0], std::move(r));
    } else {
      execution::region_step r{f.statements + s.statement, s.statements, f.words, f.statement_operands, {}, {}, {}};
      for (int d = 0; d < s.extents; ++d) r.space.push_back(f.extents[s.extent + d].size);
      for (int j = 0; j < s.inputs; ++j) r.inputs.push_back({in[j].element, in[j].mask, j});
      for (int j = 0; j < s.outputs; ++j) r.outputs.push_back({out[j].element, out[j].mask, out[j].local});
      auto results = execution::run_region(r, x);
      for (int j = 0; j < s.outputs; ++j) write(out[j], std::move(results[static_cast<std::size_t>(j)]));
    }
  }
};

}  // namespace

namespace {

/// Whether two steps are regions of one type, but for the lengths of loops over all elements.
template <class Plan> bool same_region(const Plan& p, const step_info& a, const step_info& b) {
  bool same = !a.op && !b.op && a.inputs == b.inputs && a.outputs == b.outputs && a.statements == b.statements && a.extents == b.extents;
  for (int i = 0; same && i < a.inputs; ++i) {
    const plan_operand &x = p.operands[a.input + i], &y = p.operands[b.input + i];
    same = x.element == y.element && x.mask == y.mask;
  }
  for (int i = 0; same && i < a.outputs; ++i) {
    const plan_operand &x = p.operands[a.output + i], &y = p.operands[b.output + i];
    same = x.element == y.element && x.mask == y.mask && x.local == y.local;
  }
  for (int i = 0; same && i < a.statements; ++i) {
    const step_statement &x = p.statements[a.statement + i], &y = p.statements[b.statement + i];
    same = x.op == y.op && x.type == y.type && x.mask == y.mask && x.words == y.words && x.operands == y.operands;
    for (int k = 0; same && k < x.words; ++k) same = p.words[x.word + k] == p.words[y.word + k];
    for (int k = 0; same && k < x.operands; ++k) same = p.statement_operands[x.operand + k] == p.statement_operands[y.operand + k];
  }
  for (int i = 0; same && a.extents > 1 && i < a.extents; ++i) same = p.extents[a.extent + i] == p.extents[b.extent + i];
  return same && (a.extents > 1 || p.extents[a.extent].is_one() == p.extents[b.extent].is_one());
}

}  // namespace

TEST_CASE("replacements see the old values and leave the new ones") {
  const int programs = random_graphs::count();
  static frozen_plan<room> plan;
  int in_place = 0, copied = 0, batched = 0;
  for (int seed = 0; seed < programs; ++seed) {
    const program p = make_program(static_cast<std::uint64_t>(seed));
    const graph_view g = p.g.view();
    const bool commit_last = seed % 3 == 0;
    std::string problem;
    double difference = 0;
    try {
      std::map<std::string, reference_array, std::less<>> parameters;
      for (int k = 0; k < g.parameter_count; ++k) parameters.emplace(print_name(g, g.parameters[k].name), p.parameters[static_cast<std::size_t>(k)]);
      const auto expected = interpret(g, p.formals, parameters);
      plan = make_plan<room>(g, p.replaces.data(), commit_last);
      execution::require(room.holds(plan.size), "the plan is larger than the test allows");
      machine m(g, plan, p);
      for (int k = 0; k < plan.size.steps; k += std::max(plan.steps[k].batch, 1)) {  // those of a batch in any order
        execution::require(plan.steps[k].batch >= 1, "a step belongs to no batch");
        batched += plan.steps[k].batch - 1;
        for (int i = 0; i < plan.steps[k].batch; ++i) {
          execution::require(i == 0 || plan.steps[k + i].batch == 0, "two batches overlap");
          execution::require(i == 0 || same_region(plan, plan.steps[k], plan.steps[k + i]), "a batch has different regions");
          const int at = k + (seed % 2 ? plan.steps[k].batch - 1 - i : i);
          m.step(at, at >= plan.commit || !commit_last);
        }
      }
      std::vector<bool> replaced(static_cast<std::size_t>(plan.size.slots), false);
      for (int k = 0; k < g.output_count; ++k) {
        const int slot = plan.results[k];
        const replacement& r = p.replaces[static_cast<std::size_t>(k)];
        execution::require(r.what == replacement::nothing ? plan.slots[slot].where == slot_info::result
                                                          : m.is_argument(slot) && plan.slots[slot].index == r.index && (plan.slots[slot].where == slot_info::parameter) == (r.what == replacement::parameter),
                           "a result is in another place than the program says");
        plan_operand o;
        o.slot = slot, o.type = g.values[g.outputs[k]].type;
        difference = std::max(difference, execution::difference(expected[static_cast<std::size_t>(k)], m.read(o)));
        replaced[static_cast<std::size_t>(slot)] = true;
      }
      for (int i = 0; i < plan.size.slots; ++i)
        if (m.is_argument(i) && !replaced[static_cast<std::size_t>(i)])
          execution::require(*m.memory[static_cast<std::size_t>(i)] == (plan.slots[i].where == slot_info::formal ? p.formals : p.parameters)[static_cast<std::size_t>(plan.slots[i].index)],
                             "an argument that nothing replaces has changed");
      for (int k = 0; k < plan.size.steps; ++k)
        for (int j = 0; j < plan.steps[k].outputs; ++j) (k < plan.commit ? in_place : copied) += m.is_argument(plan.operands[plan.steps[k].output + j].slot);
    } catch (const std::exception& e) {
      problem = e.what();
    } catch (const char* e) {
      problem = e;
    }
    CHECK_MESSAGE((problem.empty() && difference < 1e-9), "seed ", seed, ": ", problem, " difference ", difference, "\n", print(g), execution::print(partitioner(g).run()));
  }
  MESSAGE(in_place, " values written in place, ", copied, " copied; ", batched, " steps in batches with others");
  CHECK(batched > programs / 100);
  CHECK(in_place > programs / 3);
}
