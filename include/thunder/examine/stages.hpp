#pragma once
/// The passes that a program went through, run again at run time: with their results, their times, and where each statement comes
/// from.
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../ir/print.hpp"
#include "../jit/program.hpp"
#include "../transforms/autocast.hpp"

namespace thunder {

/// One pass and what it made.
struct stage {
  std::string pass;               // "trace", "vjp", "autocast", "inline_calls", "decompose", "simplify", an executor's own, "partition"
  std::string of;                 // the module whose body is treated; of the whole program: empty
  int before = 0, after = 0;      // statements; after the partition: steps
  double seconds = 0;             // of this run, which is not optimised by being at compile time
  std::vector<int> from;          // of each statement: the value of the pass's input that it was made for; -1: none
  std::vector<std::string> path;  // of each statement: the module path, "h.3.attn"

  /// The graph after the pass. (After the partition: the graph that was partitioned.)
  graph_view view() const { return g ? g->view() : fixed; }
  /// One statement a line, followed by where it comes from; of the partition, one step a line.
  std::string text() const {
    if (!listing.empty()) return listing;
    const std::string plain = print(view());
    std::string r;
    std::size_t at = 0;
    for (std::size_t k = 0; k < from.size(); ++k) {
      const std::size_t end = plain.find('\n', at);
      r += plain.substr(at, end - at);
      if (from[k] >= 0 || !path[k].empty()) r += "  //";
      if (from[k] >= 0) r += " of %" + std::to_string(from[k]);
      if (!path[k].empty()) r += " in " + path[k];
      r += '\n', at = end + 1;
    }
    return r + plain.substr(at);
  }

  std::shared_ptr<const graph> g;
  graph_view fixed;
  std::string listing;
};

/// All stages of a program. Prints as a table.
struct stage_list : std::vector<stage> {
  template <class Stream> friend Stream& operator<<(Stream& out, const stage_list& stages) {
    char line[160];
    std::snprintf(line, sizeof line, "%-14s %-20s %8s %8s %10s\n", "pass", "of", "before", "after", "ms");
    out << line;
    for (const stage& s : stages) {
      std::snprintf(line, sizeof line, "%-14.14s %-20.20s %8d %8d %10.3f\n", s.pass.c_str(), s.of.c_str(), s.before, s.after,
                    s.seconds * 1e3);
      out << line;
    }
    return out;
  }
};

/// The number of statements that results need, and formals.
inline int live_count(const graph_view& g) {
  int n = 0;
  for (const bool b : live_nodes(g)) n += b;
  return n;
}

/// Makes stages, one pass after another. A pass sees the graph with the statements that died before it, as during compilation;
/// what is kept is without them.
class stage_recorder {
 public:
  using clock = std::chrono::steady_clock;
  explicit stage_recorder(stage_list& out, std::string of) : out_(out), of_(std::move(of)) {}

  /// A graph that was there before the first pass.
  void begin(const graph_view& g) { input_ = {live_count(g), {}, {}}, note_first(g); }
  provenance* before(const char* pass) {
    pass_ = pass, notes_ = {};
    start_ = clock::now();
    return &notes_;
  }
  void after(const graph& g) {
    const double seconds = std::chrono::duration<double>(clock::now() - start_).count();
    const graph_view v = g.view();
    numbering now{0, std::vector<int>(static_cast<std::size_t>(v.node_count), -1),
                  std::vector<std::string>(static_cast<std::size_t>(v.node_count))};
    const list<bool> live = live_nodes(v);
    stage s;
    auto kept = std::make_shared<graph>();
    graph::import_maps map(v);
    for (int i = 0; i < v.node_count; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const int from = i < notes_.from.size() ? notes_.from[i] : -1,
                scope = i < notes_.scope.size() ? notes_.scope[i] : name_info::root;
      const bool known = from >= 0 && static_cast<std::size_t>(from) < input_.value.size();
      now.path[at] = scope >= 0 ? print_name(v, scope) : known ? input_.path[static_cast<std::size_t>(from)] : "";
      if (!live[i]) continue;
      now.value[at] = kept->import(v, v.nodes[i], map);
      ++now.count;
      s.from.push_back(known ? input_.value[static_cast<std::size_t>(from)] : -1);
      s.path.push_back(now.path[at]);
    }
    for (int k = 0; k < v.output_count; ++k) kept->outputs.push(map.values[v.outputs[k]]);
    for (int k = 0; k < v.parameter_count; ++k)
      kept->note_parameter(kept->import_name(v, map, v.parameters[k].name, name_info::root),
                           kept->import_type(v, map, v.parameters[k].type), v.parameters[k].words);
    kept->input_count = v.input_count;
    s.pass = pass_, s.of = of_, s.before = input_.count, s.after = now.count, s.seconds = seconds, s.g = std::move(kept);
    out_.push_back(std::move(s));
    input_ = std::move(now);
  }

 private:
  struct numbering {
    int count = 0;
    std::vector<int> value;  // of a statement: its first value as it is numbered without the dead ones, or -1
    std::vector<std::string> path;
  };
  void note_first(const graph_view& g) {
    const list<bool> live = live_nodes(g);
    for (int i = 0, n = 0; i < g.node_count; n += live[i] ? g.nodes[i].results : 0, ++i)
      input_.value.push_back(live[i] ? n : -1), input_.path.push_back(g.nodes[i].body ? print_name(g, g.nodes[i].name) : "");
  }
  stage_list& out_;
  std::string of_;
  const char* pass_ = "";
  provenance notes_;
  clock::time_point start_;
  numbering input_;
};

/// What a call of a module is named after: of "h.0" to "h.11" the first.
template <class Body> std::string caller_name(const graph_view& g) {
  for (int i = 0; i < g.node_count; ++i)
    if (g.nodes[i].body && g.nodes[i].body->id == Body::key) return print_name(g, g.nodes[i].name);
  return "";
}

/// What bodies are called, by their keys: each is treated once.
using body_names = std::map<digest, std::string>;
/// The passes that made a body: the traces and derivatives of what it calls first, each once.
template <class Body> struct body_stages;
template <class Body> struct callees_in { static constexpr callee_list list = callees_of(Body::view); };
template <class Body, class Callee> void callee_stage(stage_list& out, body_names& seen, const std::string& of) {
  const std::string name = caller_name<Callee>(Body::view);
  body_stages<Callee>::add(out, seen, of.empty() || name.empty() ? of + name : of + "." + name);
}
template <class Body, int... K>
void callee_stages(stage_list& out, body_names& seen, const std::string& of, std::integer_sequence<int, K...>) {
  (callee_stage<Body, body<callees_in<Body>::list.ids[K]>>(out, seen, of), ...);
}
template <class Body> void callee_stages(stage_list& out, body_names& seen, const std::string& of) {
  callee_stages<Body>(out, seen, of, std::make_integer_sequence<int, callees_in<Body>::list.count>{});
}
template <digest Key> struct body_stages<body<Key>> : body_stages<body_struct<Key>> {};
template <int Level, class Out, class In> struct body_stages<trace_maker<Level, Out, In>> {
  using maker = trace_maker<Level, Out, In>;
  static void add(stage_list& out, body_names& seen, const std::string& of) {
    using body = thunder::body<maker::key>;
    if (!seen.emplace(body::key, of).second) return;
    callee_stages<body>(out, seen, of);
    stage s;
    s.pass = "trace", s.of = of, s.fixed = body::view, s.after = body::view.node_count;
    s.from.assign(static_cast<std::size_t>(s.after), -1);
    for (int i = 0; i < s.after; ++i)
      s.path.push_back(body::view.nodes[i].body ? print_name(body::view, body::view.nodes[i].name) : "");
    const auto start = stage_recorder::clock::now();
    const flattened again = maker::make();
    s.seconds = std::chrono::duration<double>(stage_recorder::clock::now() - start).count();
    s.before = again.g.nodes.size();
    out.push_back(std::move(s));
  }
};
template <class Body> struct body_stages<decomposed_maker<Body>> {
  static void add(stage_list& out, body_names& seen, const std::string& of) {
    if (!seen.emplace(decomposed_maker<Body>::key, of).second) return;
    body_stages<Body>::add(out, seen, of);
    stage_recorder r(out, of);
    r.begin(Body::view);
    r.after(decomposed_maker<Body>::make(r.before("decompose")).g);
  }
};
template <class Body, std::uint64_t Formals, bool Parameters, bool Seeded, bool Keep>
struct body_stages<vjp_maker<Body, Formals, Parameters, Seeded, Keep>> {
  using maker = vjp_maker<Body, Formals, Parameters, Seeded, Keep>;
  static void add(stage_list& out, body_names& seen, const std::string& caller) {
    if (seen.count(maker::key)) return;
    body_stages<Body>::add(out, seen, caller);
    const std::string of = seen[Body::key];  // perhaps after an earlier call: the last layer's derivative comes first
    seen[maker::key] = of;
    body_stages<typename maker::source>::add(out, seen, of);
    callee_stages<body<maker::key>>(out, seen, of);
    stage_recorder r(out, of);
    r.begin(maker::source::view);
    r.after(maker::make(r.before("vjp")).g);
  }
};

template <class Body, dtype Half> struct body_stages<autocast_maker<Body, Half>> {
  using maker = autocast_maker<Body, Half>;
  static void add(stage_list& out, body_names& seen, const std::string& caller) {
    if (seen.count(maker::key)) return;
    body_stages<Body>::add(out, seen, caller);
    const std::string of = seen[maker::key] = seen[Body::key];
    callee_stages<body<maker::key>>(out, seen, of);
    stage_recorder r(out, of);
    r.begin(Body::view);
    r.after(maker::make(r.before("autocast")).g);
  }
};

/// The steps of a graph, one a line.
inline std::string list_steps(const partition& p) {
  std::string r;
  for (int k = 0; k < p.steps.size(); ++k) {
    const step_info& s = p.steps[k];
    r += "step " + std::to_string(k) + ": " +
         (s.op ? s.op->name
               : "a region of " + std::to_string(s.statements) + (s.statements == 1 ? " statement" : " statements")) +
         " (";
    for (int j = 0; j < s.inputs; ++j) r += (j ? ", %" : "%") + std::to_string(p.inputs[s.input + j].value);
    r += ") -> ";
    for (int j = 0; j < s.outputs; ++j) r += (j ? ", %" : "%") + std::to_string(p.outputs[s.output + j].value);
    r += '\n';
  }
  return r;
}

template <class Body, class Rewrite = unchanged> stage_list stages_of(const replacement* replaces = nullptr, fuel most = fuel::unlimited) {
  stage_list r;
  body_names seen;
  body_stages<Body>::add(r, seen, "");
  stage_recorder passes(r, "");
  passes.begin(Body::view);
  lower_graph<Rewrite>(Body::view, passes);
  stage s;
  s.pass = "partition", s.before = r.back().after, s.g = r.back().g, s.path = r.back().path;
  const auto start = stage_recorder::clock::now();
  const partition p = make_steps(s.g->view(), replaces, most);
  s.seconds = std::chrono::duration<double>(stage_recorder::clock::now() - start).count();
  s.after = p.steps.size(), s.listing = list_steps(p);
  r.push_back(std::move(s));
  return r;
}

/// Every pass from the traces of modules to the steps of a program: what it did, and how long it takes at run time. Nothing is
/// added to programs that do not ask.
///
///     std::cout << stages(trace(step, images, labels));
///     std::cout << stages(jit(step).lower(images, labels))[3].text();
template <class R, class Body> stage_list stages(traced<R, Body>) { return stages_of<Body>(); }
template <lowered_program P> stage_list stages(const P&) { return stages_of<typename P::body_type, typename P::rewrite>(P::plan::made::replaces.of, P::fuel_limit); }

}  // namespace thunder
