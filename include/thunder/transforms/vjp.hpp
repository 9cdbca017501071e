#pragma once
/// Reverse-mode differentiation: a graph and the cotangents of its results give the cotangents of its formals and parameters.
/// (Wengert's list, walked backwards.) A call stays a call: its derivative is a call of the callee's derivative, which
/// was made before.
#include "decompose.hpp"
#include "../ir/flatten.hpp"
#include "../ops/reduce.hpp"

namespace thunder {

/// The derivative of a callee: formals, then cotangents of its floating results -> cotangents of its floating formals, then of its
/// trainable floating parameters.
struct derived_body {
  digest of;
  const graph_view* derivative;
};

struct vjp_options {
  bool seeded = false;         // cotangents of the results are further formals; otherwise the first result's is 1
  bool keep_results = false;   // the results come first
  std::uint64_t formals = 0;   // which formals' cotangents are results
  bool parameters = false;     // the trainable parameters' cotangents are results
  const vjp_rule* rules = nullptr;
  int rule_count = 0;
  const derived_body* callees = nullptr;
  int callee_count = 0;
  provenance* notes = nullptr;
  constexpr bool wants(std::int64_t formal) const { return formal < 64 && (formals >> formal & 1); }
};

constexpr bool is_trainable(const parameter_info& p, const graph_view& v) { return p.words[0] != 0 && is_floating(v.types[p.type].type); }

/// What has no rule of its own is differentiated through its parts: such composites must be gone before `vjp`.
constexpr bool lacks_vjp(const op_info& op) { return op.decompose && !op.has_vjp; }

constexpr graph vjp(const graph_view& v, const vjp_options& options) {
  digest_table rule_of;
  for (int k = 0; k < options.rule_count; ++k) rule_of.add(options.rules[k].op, k);
  graph g;
  g.nodes.reserve(v.node_count * 3), g.operands.reserve(v.operand_count * 4), g.values.reserve(v.value_count * 3);
  g.begin_with_all(v);
  if (options.notes)
    for (int i = 0; i < v.node_count; ++i) options.notes->from.push(i), options.notes->scope.push(options.notes->in);
  g.notes = options.notes;

  const int primal_nodes = v.node_count;
  list<int> cotangents(g.values.size(), -1), parameter_cotangents(g.parameters.size(), -1);
  list<bool> trainable(g.parameters.size(), false);
  for (int k = 0; k < v.parameter_count; ++k) trainable[k] = is_trainable(v.parameters[k], v);
  list<bool> active(g.values.size(), false);
  auto accumulate = [&](int& slot, int v1) { slot = slot < 0 ? v1 : (value{&g, slot} + value{&g, v1}).id; };

  // forward: what depends on what we differentiate by
  const digest formal_id = table_of<ops::formal>()->id, parameter_id = table_of<ops::parameter>()->id;
  for (int i = 0; i < primal_nodes; ++i) {
    const node& n = v.nodes[i];
    bool a = false;
    if (n.op->id == formal_id) a = options.wants(v.word(n, 0));
    else if (n.op->id == parameter_id) a = options.parameters && v.word(n, 0) != 0;
    for (int k = 0; k < n.operands; ++k) a = a || active.items[v.operands[n.operand + k]];
    if (n.body && options.parameters)
      for (int k = 0; k < n.body->parameter_count; ++k) a = a || is_trainable(n.body->parameters[k], *n.body);
    if (a)
      for (int k = 0; k < n.results; ++k) active.items[n.result + k] = is_floating(v.type(n.result + k).type);
  }

  // seeds
  if (options.seeded) {
    for (int k = 0; k < v.output_count; ++k) {
      const int out = v.outputs[k];
      if (!is_floating(g.type(out).type)) continue;
      const std::int64_t w = g.input_count++;
      const int t = g.values[out].type, seed = g.put(table_of<ops::formal>(), &w, 1, nullptr, 0, &t, 1);
      accumulate(cotangents[out], seed);
    }
  } else {
    const int out = v.outputs[0];
    cotangents[out] = full_like(&g, 1, g.type(out)).id;
  }

  // backward
  list<int> parts, types, called_parameters;  // the last two: of the derivative that was called last, and of what it derives
  const graph_view* called = nullptr;
  list<bool> wanted;
  for (int i = primal_nodes; i-- > 0;) {
    const node& n = v.nodes[i];
    const int* operands = v.operands + n.operand;
    bool reached = false;
    for (int k = 0; k < n.results; ++k) reached = reached || (cotangents.items[n.result + k] >= 0 && active.items[n.result + k]);
    if (!reached || n.op->kind == op_kind::leaf) continue;
    if (g.notes) g.notes->at = g.notes->from[i];
    if (parts.room < n.operands) parts.make_room(n.operands), wanted.make_room(n.operands);
    for (int k = 0; k < n.operands; ++k) parts.items[k] = -1, wanted.items[k] = active.items[operands[k]];
    if (n.body) {
      const graph_view* d = nullptr;
      for (int k = 0; k < options.callee_count; ++k)
        if (options.callees[k].of == n.body->id) d = options.callees[k].derivative;
      if (!d) throw "vjp: the derivative of a callee is missing";
      list<int> x;
      for (int k = 0; k < n.operands; ++k) x.push(operands[k]);
      for (int k = 0; k < n.results; ++k)
        if (is_floating(g.type(n.result + k).type)) x.push(cotangents[n.result + k] >= 0 ? cotangents[n.result + k] : full_like(&g, 0, g.type(n.result + k)).id);
      if (called != d) {  // layers one after another call one body
        called = d, types.clear(), called_parameters.clear();
        list<int> type_map(d->type_count, -1);
        for (int k = 0; k < d->output_count; ++k) {
          int& type = type_map[d->values[d->outputs[k]].type];
          if (type < 0) type = g.intern(d->types[d->values[d->outputs[k]].type]);
          types.push(type);
        }
        for (int k = 0; k < n.body->parameter_count; ++k)
          if (is_trainable(n.body->parameters[k], *n.body)) called_parameters.push(n.body->parameters[k].name);
      }
      int at = g.put(table_of<ops::call>(), nullptr, 0, x.data(), x.size(), types.data(), types.size(), n.name, d);
      for (int k = 0; k < n.operands; ++k)
        if (is_floating(g.type(operands[k]).type)) parts[k] = at++;
      for (const int name : called_parameters) {
        if (options.parameters) accumulate(parameter_cotangents[g.names[g.find_name(n.body->names[name], n.name)].parameter], at);
        ++at;
      }
    } else if (!n.op->has_vjp) {
      throw "grad: an op between the loss and what it is differentiated by has no derivative: give it partials or a vjp (zero{} where it is 0)";
    } else {
      const int rule = rule_of.find(n.op->id);
      if (rule < 0) throw "vjp: the rule of an op is missing";
      vjp_context c{&g, i, cotangents.items + n.result, parts.items, wanted.items};
      options.rules[rule].apply(c);
    }
    for (int k = 0; k < n.operands; ++k)
      if (parts.items[k] >= 0 && wanted.items[k]) accumulate(cotangents.items[operands[k]], parts.items[k]);
  }

  // results
  auto give = [&](int cotangent, const meta& m) { g.outputs.push(cotangent >= 0 ? cotangent : full_like(&g, 0, m).id); };
  if (options.keep_results)
    for (int k = 0; k < v.output_count; ++k) g.outputs.push(v.outputs[k]);
  list<int> formal_value(v.input_count, -1);
  for (int i = 0; i < primal_nodes; ++i) {
    const node& n = v.nodes[i];
    if (n.op->id == formal_id && v.word(n, 0) < v.input_count) formal_value[static_cast<int>(v.word(n, 0))] = n.result;
    if (n.op->id == parameter_id && cotangents.items[n.result] >= 0) accumulate(parameter_cotangents[g.names[n.name].parameter], cotangents[n.result]);
  }
  for (int k = 0; k < v.input_count; ++k)
    if (options.wants(k)) give(cotangents[formal_value[k]], g.type(formal_value[k]));
  if (options.parameters)
    for (int k = 0; k < g.parameters.size(); ++k)
      if (trainable[k]) give(parameter_cotangents[k], g.types[g.parameters[k].type]);
  g.notes = nullptr;
  return g;
}

}  // namespace thunder
