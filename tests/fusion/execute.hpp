#pragma once
// A partition run at run time, statement by statement, in double precision and 64-bit integers: what fused steps mean. Memory that no
// step has written is poison.
#include <thunder/executors/reference.hpp>
#include <thunder/fusion/partition.hpp>
#include <thunder/ir/print.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

namespace execution {

using namespace thunder;

/// A step that breaks the rules of fusion/region.hpp or reads what is not there.
struct broken : std::runtime_error { using std::runtime_error::runtime_error; };
inline void require(bool holds, const std::string& what) {
  if (!holds) throw broken(what);
}

using rule = void (*)(const reference_call&, reference_array&);
template <class... Op> std::unordered_map<digest, rule> rules_of(pack<Op...>) { return {{digest_of(Op::name), &reference_rule<Op>::run}...}; }
template <class... Op> std::unordered_map<digest, rule> indexed_rules_of(pack<Op...>) { return {{digest_of(Op::name), &indexed_rule<Op>::run}...}; }

/// What a step reads and writes, whatever names its buffers.
struct operand {
  dtype type;
  unsigned mask;
  int local;
};
struct region_step {
  const step_statement* statements;
  int statement_count;
  const std::int64_t* words;
  const int* operands;
  std::vector<std::int64_t> space;
  std::vector<operand> inputs, outputs;
};

/// Runs one op. words: the attributes as the op wants them.
inline void run_op(const op_info& op, const std::vector<const reference_array*>& x, const std::vector<std::int64_t>& words, reference_array& out, bool indexed = false) {
  static const auto rules = rules_of(builtin_ops{});
  static const auto indexed_rules = indexed_rules_of(pack<ops::iota, ops::random_uniform, ops::random_normal>{});
  const auto& table = indexed ? indexed_rules : rules;
  const auto found = table.find(op.id);
  require(found != table.end(), std::string("there is no rule for ") + op.name);
  graph_view g;
  g.words = words.data();
  node n{};
  n.op = &op, n.operands = static_cast<int>(x.size()), n.words = static_cast<int>(words.size());
  const bindings none;
  found->second(reference_call{g, n, x.data(), none, true}, out);
}

/// A value of a region: its elements along the dimensions of its mask.
struct local_value {
  unsigned mask = 0;
  reference_array data;
};
inline std::vector<std::int64_t> extents_along(const std::vector<std::int64_t>& space, unsigned mask) {
  std::vector<std::int64_t> e;
  for (std::size_t d = 0; d < space.size(); ++d)
    if (mask >> d & 1) e.push_back(space[d]);
  return e;
}
/// The value along the dimensions of a larger mask.
inline reference_array spread(const std::vector<std::int64_t>& space, const local_value& v, unsigned to) {
  require((v.mask & ~to) == 0, "a value varies along a dimension that its user does not have");
  reference_array r(v.data.type, extents_along(space, to));
  const auto inner = strides_of(v.data.extents);
  std::vector<std::int64_t> strides;
  std::size_t k = 0;
  for (std::size_t d = 0; d < space.size(); ++d)
    if (to >> d & 1) strides.push_back(v.mask >> d & 1 ? inner[k++] : 0);
  gather_strided(r, v.data, 0, strides);
  return r;
}

/// The outputs of a region, given its inputs (flat, over the dimensions of their masks).
inline std::vector<reference_array> run_region(const region_step& s, const std::vector<const reference_array*>& inputs) {
  const auto dims = s.space.size();
  const unsigned all = (1u << dims) - 1u, row = 1u << (dims - 1);
  require(dims >= 1 && dims <= static_cast<std::size_t>(max_rank), "a region has one to six dimensions");
  std::vector<local_value> v;
  std::vector<bool> terminal;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    const operand& in = s.inputs[k];
    require((in.mask & ~all) == 0, "an input's mask names a dimension that does not exist");
    local_value x{in.mask, *inputs[k]};
    x.data.extents = extents_along(s.space, in.mask);
    require(x.data.type == in.type && x.data.size() == inputs[k]->size(), "an input has another type or number of elements than its mask says");
    v.push_back(x), terminal.push_back(false);
  }
  std::vector<int> passes(v.size(), 0);
  for (int j = 0; j < s.statement_count; ++j) {
    const step_statement& t = s.statements[j];
    require((t.mask & ~all) == 0, "a statement's mask names a dimension that does not exist");
    local_value r{t.mask, reference_array(t.type, extents_along(s.space, t.mask))};
    std::vector<reference_array> held;
    int pass = 0;
    for (int k = 0; k < t.operands; ++k) {
      const int x = s.operands[t.operand + k];
      require(x >= 0 && static_cast<std::size_t>(x) < v.size(), "an operand follows its user");
      require(!terminal[static_cast<std::size_t>(x)], "a reduction of more than the row is used inside its region");
      pass = std::max(pass, passes[static_cast<std::size_t>(x)]);
    }
    auto at = [&](int k) -> const local_value& { return v[static_cast<std::size_t>(s.operands[t.operand + k])]; };
    std::vector<std::int64_t> words(s.words + t.word, s.words + t.word + t.words);
    bool ends = false;
    if (t.op->kind == op_kind::reduction) {
      require(words.size() == 1 && words[0] > 0 && (words[0] & ~static_cast<std::int64_t>(all)) == 0, "a reduction's first word is the mask it removes");
      const auto removed = static_cast<unsigned>(words[0]);
      require((t.mask & removed) == 0, "a reduction varies along what it removes");
      ends = removed != row || dims == 1;
      held.push_back(spread(s.space, at(0), t.mask | removed));
      std::int64_t axes = 0;
      for (std::size_t d = 0, k = 0; d < dims; ++d)
        if ((t.mask | removed) >> d & 1) axes |= static_cast<std::int64_t>(removed >> d & 1) << k++;
      words = {axes};
      ++pass;
    } else if (t.op->kind == op_kind::indexed) {
      for (int k = 0; k < t.operands; ++k) {
        require(at(k).mask == 0, "a random key varies");
        held.push_back(at(k).data);
      }
      if (t.op->id != table_of<ops::full>()->id) {
        require(words.size() == 1 && words[0] == static_cast<std::int64_t>(t.mask), "an indexed statement's first word is the mask of its index");
        words.clear();
      }
    } else {
      require(t.op->kind == op_kind::pointwise, std::string("a region holds ") + t.op->name);
      for (int k = 0; k < t.operands; ++k) held.push_back(spread(s.space, at(k), t.mask));
    }
    std::vector<const reference_array*> x;
    for (const auto& h : held) x.push_back(&h);
    run_op(*t.op, x, words, r.data, t.op->kind == op_kind::indexed && t.op->id != table_of<ops::full>()->id);
    v.push_back(r), terminal.push_back(ends), passes.push_back(pass);
  }
  for (int p : passes) require(p < 8, "a region has more than seven reductions that depend on each other");
  std::vector<reference_array> r;
  for (const operand& o : s.outputs) {
    require(o.local >= 0 && static_cast<std::size_t>(o.local) < v.size(), "an output is no value of the region");
    const local_value& x = v[static_cast<std::size_t>(o.local)];
    const bool converted = terminal[static_cast<std::size_t>(o.local)] && is_floating(x.data.type) && is_floating(o.type);
    require(x.data.type == o.type || converted, "an output has another element type than its value");
    require(!terminal[static_cast<std::size_t>(o.local)] || o.mask == x.mask, "a reduction of more than the row is stored along more dimensions than its own");
    r.push_back(spread(s.space, x, o.mask));
    if (x.data.type != o.type) {  // a reduction is stored in another type
      r.back().type = o.type;
      for (double& d : r.back().reals) d = rounded_to(o.type, d);
    }
  }
  return r;
}

/// The results of a graph, by its partition.
inline std::vector<reference_array> run(const graph_view& g, const partition& p, const std::vector<reference_array>& inputs) {
  const auto count = static_cast<std::size_t>(g.value_count);
  std::vector<std::optional<reference_array>> memory(count);
  for (int i = 0; i < g.node_count; ++i)
    if (g.nodes[i].op->id == table_of<ops::formal>()->id) memory[static_cast<std::size_t>(g.nodes[i].result)] = inputs[static_cast<std::size_t>(g.word(g.nodes[i], 0))];
  auto extents_of = [&](int value) {
    std::vector<std::int64_t> e;
    for (int i = 0; i < g.type(value).rank; ++i) e.push_back(g.type(value).d[i].size);
    return e;
  };
  auto read = [&](int value) {  // in the shape of the value
    const auto& m = memory[static_cast<std::size_t>(p.roots[value])];
    require(m.has_value(), "%" + std::to_string(value) + " is read before it is written");
    reference_array x = *m;
    x.extents = extents_of(value);
    require(x.type == g.type(value).type && x.size() == m->size(), "%" + std::to_string(value) + " shares memory of another size or type");
    return x;
  };
  auto write = [&](int value, reference_array x) {
    auto& m = memory[static_cast<std::size_t>(value)];
    require(p.roots[value] == value && !m.has_value(), "%" + std::to_string(value) + " is written twice, or in another's memory");
    x.extents = extents_of(value);
    require(x.type == g.type(value).type && std::max(x.reals.size(), x.integers.size()) == static_cast<std::size_t>(x.size()), "%" + std::to_string(value) + " is written with another size or type");
    m = std::move(x);
  };
  for (const step_info& s : p.steps) {
    std::vector<reference_array> held;
    std::vector<const reference_array*> x;
    for (int j = 0; j < s.inputs; ++j) {
      require(p.inputs[s.input + j].type == g.type(p.inputs[s.input + j].value).type, "an input's type is not its value's");
      held.push_back(read(p.inputs[s.input + j].value));
    }
    for (const auto& h : held) x.push_back(&h);
    if (s.op) {
      const node& n = g.producer(p.outputs[s.output].value);
      require(n.op->id == s.op->id && s.outputs == n.results && s.outputs == 1, "a library step is not its statement");
      reference_array out(g.type(n.result).type, extents_of(n.result));
      run_op(*s.op, x, std::vector<std::int64_t>(p.words.data() + s.word, p.words.data() + s.word + s.words), out);
      write(n.result, std::move(out));
    } else {
      require(s.statements <= 2 * partitioner::max_statements && s.inputs <= 2 * partitioner::max_inputs && s.outputs >= 1, "a region is too large, or writes nothing");
      region_step r{p.statements.data() + s.statement, s.statements, p.words.data(), p.operands.data(), {}, {}, {}};
      for (int k = 0; k < s.extents; ++k) r.space.push_back(p.extents[s.extent + k].size);
      for (int k = 0; k < s.inputs; ++k) r.inputs.push_back({p.inputs[s.input + k].type, p.inputs[s.input + k].mask, k});
      for (int k = 0; k < s.outputs; ++k) r.outputs.push_back({p.outputs[s.output + k].type, p.outputs[s.output + k].mask, p.outputs[s.output + k].local});
      const auto results = run_region(r, x);
      for (int k = 0; k < s.outputs; ++k) write(p.outputs[s.output + k].value, results[static_cast<std::size_t>(k)]);
    }
  }
  std::vector<reference_array> r;
  for (int k = 0; k < g.output_count; ++k) r.push_back(read(g.outputs[k]));
  return r;
}

/// The largest difference between two arrays, relative to 1 and to the size of the numbers; infinity if types or extents differ.
inline double difference(const reference_array& a, const reference_array& b) {
  if (a.type != b.type || a.extents != b.extents || a.integers.size() != b.integers.size()) return INFINITY;
  double d = 0;
  for (std::size_t i = 0; i < a.reals.size(); ++i) {
    const double x = a.reals[i], y = b.reals[i];
    if (x == y || (x != x && y != y)) continue;
    const double e = std::abs(x - y) / (1 + std::abs(x));
    d = e <= d ? d : e != e ? INFINITY : e;
  }
  for (std::size_t i = 0; i < a.integers.size(); ++i)
    if (a.integers[i] != b.integers[i]) return INFINITY;
  return d;
}
inline double difference(const std::vector<reference_array>& a, const std::vector<reference_array>& b) {
  if (a.size() != b.size()) return INFINITY;
  double d = 0;
  for (std::size_t k = 0; k < a.size(); ++k) d = std::max(d, difference(a[k], b[k]));
  return d;
}

/// The steps of a partition as text.
inline std::string print(const partition& p) {
  std::string r;
  for (int k = 0; k < p.steps.size(); ++k) {
    const step_info& s = p.steps[k];
    r += "step " + std::to_string(k) + ": ";
    r += s.op ? s.op->name : "region over";
    for (int j = 0; j < s.extents && !s.op; ++j) r += std::string(j ? " x " : " ") + spelled(p.extents[s.extent + j]).text;
    r += "; reads";
    for (int j = 0; j < s.inputs; ++j) r += " %" + std::to_string(p.inputs[s.input + j].value) + "/" + std::to_string(p.inputs[s.input + j].mask);
    r += '\n';
    for (int j = 0; j < s.statements; ++j) {
      const step_statement& t = p.statements[s.statement + j];
      r += "    v" + std::to_string(s.inputs + j) + "/" + std::to_string(t.mask) + " = " + t.op->name;
      for (int i = 0; i < t.words; ++i) r += " <" + std::to_string(p.words[t.word + i]) + ">";
      for (int i = 0; i < t.operands; ++i) r += " v" + std::to_string(p.operands[t.operand + i]);
      r += '\n';
    }
    for (int j = 0; j < s.outputs; ++j) {
      const step_output& o = p.outputs[s.output + j];
      r += "  writes %" + std::to_string(o.value) + "/" + std::to_string(o.mask) + " = v" + std::to_string(o.local) + '\n';
    }
  }
  return r;
}

}  // namespace execution
