#pragma once
/// The reference executor: runs a graph statement by statement, in float64 for all floating types (results are not rounded, except
/// by casts), exactly for integers, bools and random bits. Slow and simple; other executors and the passes are tested against it.
#include <map>
#include <string>
#include <unordered_map>

#include "../core/error.hpp"
#include "../ir/print.hpp"
#include "../transforms/decompose.hpp"
#include "reference/rules.hpp"

namespace thunder {

struct interpret_options {
  bool round_casts = true;  // false: casts between floating types keep the value, so that finite differences see smooth functions
  bindings sizes{};         // of named dimensions, in case that no input has them
};

/// One execution. Ops: the ops that graphs may hold; your own are added to the list.
template <class Ops = builtin_ops> class interpreter;
template <class... Op> class interpreter<pack<Op...>> {
 public:
  using parameter_map = std::map<std::string, reference_array, std::less<>>;

  /// The sizes of named dimensions, from the inputs' extents. Throws shape_error where an input does not fit its declared shape.
  interpreter(const graph_view& g, std::span<const reference_array> inputs, const parameter_map& parameters, interpret_options options)
      : parameters_(parameters), options_(options), dims_(options.sizes) {
    if (static_cast<int>(inputs.size()) != g.input_count)
      throw shape_error("interpret: the graph has " + std::to_string(g.input_count) + " inputs, " + std::to_string(inputs.size()) + " are given");
    for (int pass = 0; pass < 2; ++pass)  // products of names are checked when all names are bound
      for (int i = 0; i < g.node_count; ++i)
        if (g.nodes[i].op->id == table_of<ops::formal>()->id) {
          const auto k = static_cast<std::size_t>(g.word(g.nodes[i], 0));
          bind(g.type(g.nodes[i].result), inputs[k], "input " + std::to_string(k), pass == 1);
        }
    for (const auto& x : inputs) inputs_.push_back(&x);
  }

  std::vector<reference_array> run(const graph_view& g) { return run(g, inputs_, ""); }

 private:
  using rule = void (*)(const reference_call&, reference_array&);
  static rule rule_of(const op_info& op) {
    static const std::unordered_map<digest, rule> rules{{digest_of(Op::name), &reference_rule<Op>::run}...};
    const auto found = rules.find(op.id);
    if (found == rules.end()) throw error(std::string("interpret: there is no op ") + op.name + " in this interpreter's list of ops");
    return found->second;
  }

  void bind(const meta& m, const reference_array& x, const std::string& what, bool products) {
    if (x.type != m.type) throw error("interpret: " + what + " is " + name_of(x.type) + ", and should be " + name_of(m.type));
    if (x.rank() != m.rank) throw shape_error("interpret: " + what + " has " + std::to_string(x.rank()) + " dimensions, and should have " + std::to_string(m.rank));
    for (int i = 0; i < m.rank; ++i) {
      const dim& d = m.d[i];
      const std::int64_t e = x.extents[static_cast<std::size_t>(i)];
      if (d.a && !d.b && e % d.size == 0 && dims_.find(d.a) < 0) dims_.bind(d.a, e / d.size);
      if ((!d.b || products) && dims_.extent(d) != e)
        throw shape_error("interpret: dimension " + std::to_string(i) + " of " + what + " is " + std::to_string(e) + ", and " + spelled(d).text + " is " +
                          std::to_string(dims_.extent(d)));
    }
  }
  std::vector<std::int64_t> extents_of(const meta& m) const {
    std::vector<std::int64_t> r;
    for (int i = 0; i < m.rank; ++i) {
      r.push_back(dims_.extent(m.d[i]));
      if (r.back() < 0) throw shape_error(std::string("interpret: no input says how large ") + spelled(m.d[i]).text + " is");
    }
    return r;
  }

  std::vector<reference_array> run(const graph_view& whole, std::span<const reference_array* const> inputs, const std::string& prefix) {
    graph flat;
    const graph_view g = without_composites(whole, flat);
    std::vector<reference_array> made(static_cast<std::size_t>(g.value_count));
    std::vector<const reference_array*> value(made.size());
    std::vector<const reference_array*> x;
    const list<bool> live = live_nodes(g);
    for (std::size_t v = 0; v < made.size(); ++v) value[v] = &made[v];
    for (int i = 0; i < g.node_count; ++i) {
      if (!live[i]) continue;
      const node& n = g.nodes[i];
      const auto first = static_cast<std::size_t>(n.result);
      x.clear();
      for (int k = 0; k < n.operands; ++k) x.push_back(value[static_cast<std::size_t>(g.operand(n, k))]);
      if (n.op->id == table_of<ops::formal>()->id) {
        value[first] = inputs[static_cast<std::size_t>(g.word(n, 0))];
      } else if (n.op->id == table_of<ops::parameter>()->id) {
        const std::string name = print_name(g, n.name, prefix);
        const auto found = parameters_.find(name);
        if (found == parameters_.end()) throw state_error("interpret: there is no parameter " + name);
        bind(g.type(n.result), found->second, "the parameter " + name, true);
        value[first] = &found->second;
      } else if (n.body) {
        auto results = run(*n.body, x, print_name(g, n.name, prefix));
        for (std::size_t k = 0; k < results.size(); ++k) made[first + k] = std::move(results[k]);
      } else {
        for (int k = 0; k < n.results; ++k) {
          const meta& m = g.type(n.result + k);
          made[first + static_cast<std::size_t>(k)] = reference_array(m.type, extents_of(m));
        }
        rule_of(*n.op)(reference_call{g, n, x.data(), dims_, options_.round_casts}, made[first]);
      }
    }
    std::vector<reference_array> r;
    for (int k = 0; k < g.output_count; ++k) r.push_back(*value[static_cast<std::size_t>(g.outputs[k])]);
    return r;
  }
  static graph_view without_composites(const graph_view& g, graph& storage) {
    for (int i = 0; i < g.node_count; ++i)
      if (g.nodes[i].op->decompose) {
        storage = decompose(g, [](const op_info&) { return true; });
        return storage.view(g.id);
      }
    return g;
  }

  const parameter_map& parameters_;
  interpret_options options_;
  bindings dims_;
  std::vector<const reference_array*> inputs_;
};

/// Runs a graph: its results, in order. Throws shape_error where an input does not fit its declared shape or one name has two sizes,
/// state_error where a parameter is missing, error where an input has another element type.
template <class Ops = builtin_ops>
std::vector<reference_array> interpret(const graph_view& g, std::span<const reference_array> inputs,
                                       const typename interpreter<Ops>::parameter_map& parameters = {}, interpret_options options = {}) {
  return interpreter<Ops>(g, inputs, parameters, options).run(g);
}

}  // namespace thunder
