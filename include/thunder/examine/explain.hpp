#pragma once
/// explain(program): each step, who runs it, where in the model it comes from, what it moves and computes, and why its region
/// ended there.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "../executors/cuda/values.hpp"
#include "../ops/matmul_epilogue.hpp"
#include "stages.hpp"

namespace thunder {
namespace cuda {
struct gpu;
}  // namespace cuda

/// Why a region holds no more: `statement` (of step `step`) uses a value of it and did not become part of it.
struct step_ending {
  obstacle why = obstacle::none;  // none: the values are results of the program
  int statement = -1, step = -1;
};

/// One step of a program.
struct step_report {
  std::string runs_as;  // "fused loop", "row program", "matmul", "copy", or the kernels that it becomes
  std::string path;     // the module path of its statements, "h.3.attn"; several: what they share, or all of them; outside of
                        // modules: the parameter that it writes
  std::vector<int> statements;           // of the program's graph (`program.graph`)
  std::int64_t read = -1, written = -1;  // bytes; -1: a named dimension has no size
  /// One for each element of a pointwise statement other than a cast and for each element that a reduction takes in, two for each
  /// multiply-add of a matrix product. Moving data counts nothing. -1 as above.
  std::int64_t operations = -1;
  std::vector<step_ending> endings;  // of a region
  std::vector<std::string> why;      // the same in words
};

/// "matmul" of "thunder.matmul"; other names as they are.
inline std::string short_name(const op_info& op) {
  const std::string_view name = op.name;
  return std::string(name.starts_with("thunder.") ? name.substr(8) : name);
}

/// "1.5 kB": a number with a prefix of the SI.
inline std::string with_prefix(std::int64_t n, const char* unit) {
  if (n < 0) return "?";
  const char* prefixes[]{" ", " k", " M", " G", " T", " P", " E"};
  double x = static_cast<double>(n);
  int p = 0;
  for (; x >= 999.5; x /= 1000) ++p;
  char text[32];
  std::snprintf(text, sizeof text, p == 0 || x >= 99.95 ? "%.0f" : x >= 9.995 ? "%.1f" : "%.2f", x);
  return std::string(text) + (p == 0 && !*unit ? "" : prefixes[p]) + unit;
}

/// All steps. Prints as a table; each reason has a line.
struct explanation : std::vector<step_report> {
  template <class Stream>
  friend Stream& operator<<(Stream& out, const explanation& steps) {
    std::size_t as = 7, path = 6;
    for (const step_report& s : steps) as = std::max(as, s.runs_as.size()), path = std::max(path, s.path.size());
    auto left = [](const std::string& s, std::size_t n) { return s + std::string(n > s.size() ? n - s.size() : 0, ' ') + "  "; };
    auto right = [](const std::string& s, std::size_t n) { return std::string(n > s.size() ? n - s.size() : 0, ' ') + s + "  "; };
    auto line = [&](const std::string& k, const std::string& a, const std::string& m, const std::string& r, const std::string& w,
                    const std::string& f, const std::string& why) {
      std::string text = right(k, 4) + left(a, as) + left(m, path) + right(r, 7) + right(w, 7) + right(f, 6) + why;
      text.resize(text.find_last_not_of(' ') + 1);
      out << text << '\n';
    };
    line("step", "runs as", "module", "reads", "writes", "flops", "ends before");
    for (std::size_t k = 0; k < steps.size(); ++k) {
      const step_report& s = steps[k];
      line(std::to_string(k), s.runs_as, s.path, with_prefix(s.read, "B"), with_prefix(s.written, "B"),
           with_prefix(s.operations, ""), s.why.empty() ? "" : s.why[0]);
      for (std::size_t i = 1; i < s.why.size(); ++i) line("", "", "", "", "", "", s.why[i]);
    }
    return out;
  }
};

/// Of many module paths: the longest that all are below, or the different ones where there is none.
inline std::string common_path(const std::vector<std::string>& paths) {
  std::vector<std::string> different;
  for (const std::string& p : paths)
    if (!p.empty() && std::find(different.begin(), different.end(), p) == different.end()) different.push_back(p);
  if (different.empty()) return "";
  std::string shared = different[0];
  for (const std::string& p : different)
    while (!shared.empty() && p != shared && p.compare(0, shared.size() + 1, shared + ".") != 0) {
      const std::size_t dot = shared.rfind('.');
      shared = dot == std::string::npos ? "" : shared.substr(0, dot);
    }
  if (!shared.empty()) return shared;
  std::string r = different[0];
  for (std::size_t k = 1; k < different.size() && k < 4; ++k) r += k == 3 ? ", ..." : ", " + different[k];
  return r;
}

/// What a program's steps say of themselves: its partition made once more, with notes. Plain functions on values.
class step_explainer {
 public:
  /// paths: of each statement of g. b: the sizes of named dimensions, as far as they are known. replaces: see make_steps; null: nothing.
  step_explainer(const graph_view& g, std::vector<std::string> paths, const bindings& b, fuel most = fuel::unlimited, const replacement* replaces = nullptr)
      : g_(g),
        paths_(std::move(paths)),
        b_(b),
        p_(make_steps(g, replaces, most, &notes_)),
        writer_(static_cast<std::size_t>(g.value_count), -1),
        steps_of_(static_cast<std::size_t>(g.node_count)) {
    for (int k = 0; k < p_.steps.size(); ++k) {
      for (int j = 0; j < p_.steps[k].outputs; ++j)
        writer_[static_cast<std::size_t>(p_.outputs[p_.steps[k].output + j].value)] = k;
      for (const int i : notes_.nodes_of_step[k]) steps_of_[static_cast<std::size_t>(i)].push_back(k);
    }
  }
  const partition& steps() const { return p_; }
  const partition_notes& notes() const { return notes_; }

  step_report report(int k) const {
    const step_info& s = p_.steps[k];
    step_report r;
    r.runs_as = s.op ? short_name(*s.op) : region_kind(s);
    for (const int i : notes_.nodes_of_step[k]) r.statements.push_back(i);
    r.path = path_of(r.statements);
    r.read = r.written = r.operations = 0;
    for (int j = 0; j < s.outputs; ++j) add(r.written, bytes(p_.outputs[s.output + j].value));
    for (int j = 0; j < s.inputs; ++j) {
      const int v = p_.inputs[s.input + j].value;
      add(r.read, s.op && j == 0 && reads_part(*s.op) ? r.written : bytes(v));
    }
    if (s.op)
      add(r.operations, operations_of(*s.op, s));
    else
      for (int j = 0; j < s.statements; ++j) add(r.operations, operations_of(s, p_.statements[s.statement + j]));
    if (s.op) return r;
    for (int j = k + 1; j < p_.steps.size(); ++j)
      if (reads(j, k)) r.endings.push_back(ending(k, j));
    std::vector<std::pair<std::string, std::vector<int>>> reasons;  // with the steps that they are true of
    for (const step_ending& e : r.endings) {
      const std::string text = words(k, e);
      const auto same = [&](const auto& known) { return known.first == text; };
      const auto found = std::find_if(reasons.begin(), reasons.end(), same);
      if (found != reasons.end())
        found->second.push_back(e.step);
      else
        reasons.push_back({text, {e.step}});
    }
    for (const auto& [text, steps] : reasons) {
      std::string list = steps.size() > 1 ? "steps " : "step ";
      for (std::size_t i = 0; i < steps.size(); ++i)
        if (steps.size() < 7 || i < 3 || i + 1 == steps.size())
          list += (i ? ", " : "") + std::to_string(steps[i]);
        else if (i == 3)
          list += ", ...";
      r.why.push_back(list + text);
    }
    if (r.endings.empty()) r.why = {"its values are results"}, r.endings.push_back({});
    return r;
  }
  std::string path_of(const std::vector<int>& statements) const {
    std::vector<std::string> p;
    for (const int i : statements)
      if (static_cast<std::size_t>(i) < paths_.size()) p.push_back(paths_[static_cast<std::size_t>(i)]);
    return common_path(p);
  }

 private:
  std::string region_kind(const step_info& s) const {
    bool rows = false, columns = false;
    const unsigned row = s.extents > 1 ? 1u << (s.extents - 1) : 0u;
    for (int j = 0; j < s.statements; ++j) {
      const step_statement& t = p_.statements[s.statement + j];
      if (t.op->kind != op_kind::reduction) continue;
      const auto removed = static_cast<unsigned>(p_.words[t.word]);
      (removed == row ? rows : columns) = true;
    }
    return !rows && !columns ? "fused loop" : !columns ? "row program" : rows ? "row program with column sums" : "reduction";
  }
  std::int64_t bytes(int value) const {
    std::int64_t n = size_of(g_.type(value).type);
    for (int i = 0; i < g_.type(value).rank; ++i) multiply(n, b_.extent(g_.type(value).d[i]));
    return n;
  }
  static void multiply(std::int64_t& n, std::int64_t by) { n = n < 0 || by < 0 ? -1 : n * by; }
  static void add(std::int64_t& n, std::int64_t more) { n = n < 0 || more < 0 ? -1 : n + more; }
  /// Ops that read as much of their first operand as they write.
  static bool reads_part(const op_info& op) {
    return op.id == table_of<ops::slice>()->id || op.id == table_of<ops::dynamic_slice>()->id ||
           op.id == table_of<ops::take>()->id;
  }
  std::int64_t operations_of(const step_info& s, const step_statement& t) const {
    if (t.op->kind == op_kind::indexed || t.op->id == table_of<ops::cast>()->id) return 0;
    unsigned mask = t.mask;
    if (t.op->kind == op_kind::reduction) mask |= static_cast<unsigned>(p_.words[t.word]);
    std::int64_t n = 1;
    for (int i = 0; i < s.extents; ++i)
      if (mask >> i & 1u) multiply(n, b_.extent(p_.extents[s.extent + i]));
    return n;
  }
  std::int64_t operations_of(const op_info& op, const step_info& s) const {
    if (op.id != table_of<ops::matmul>()->id && op.id != table_of<ops::matmul_epilogue>()->id) return 0;
    const meta &x = g_.type(p_.inputs[s.input].value), &y = g_.type(p_.outputs[s.output].value);
    std::int64_t n = 2;
    for (int i = 0; i < y.rank; ++i) multiply(n, b_.extent(y.d[i]));
    multiply(n, b_.extent(x.d[x.rank - (p_.words[s.word] ? 2 : 1)]));
    return n;
  }

  bool reads(int step, int from) const {
    const step_info& s = p_.steps[step];
    for (int j = 0; j < s.inputs; ++j)
      if (writer_[static_cast<std::size_t>(p_.roots[p_.inputs[s.input + j].value])] == from) return true;
    return false;
  }
  bool is_part_of(int statement, int step) const {
    const std::vector<int>& steps = steps_of_[static_cast<std::size_t>(statement)];
    return std::find(steps.begin(), steps.end(), step) != steps.end();
  }
  /// The last reason that was noted between two steps.
  step_ending ending(int from, int to) const {
    if (p_.steps[to].op) return {obstacle::library, notes_.nodes_of_step[to][0], to};
    for (int i = notes_.refused.size(); i-- > 0;) {
      const refusal& r = notes_.refused[i];
      if (notes_.step_of_region[r.region] == from && is_part_of(r.statement, to))
        return {r.why, r.statement, to};
    }
    const step_info& s =
        p_.steps[from];  // nobody asked: what all compute again until one needs it in memory, or the key of random numbers
    for (int j = 0; j < s.outputs; ++j)
      if (const op_info* op = g_.producer(p_.outputs[s.output + j].value).op;
          op->kind == op_kind::indexed || op->kind == op_kind::structural || op->id == table_of<ops::cast>()->id)
        return {obstacle::stored, notes_.nodes_of_step[to][0], to};
    return {obstacle::scalar, notes_.nodes_of_step[to][0], to};
  }
  /// What follows the number of the step.
  std::string words(int from, const step_ending& e) const {
    auto said = [&]() -> std::string {
      switch (e.why) {
        case obstacle::library:
          return "a library step";
        case obstacle::later:
          return "also needs step " + std::to_string(last_need(e.step, from));
        case obstacle::unfinished:
          return "needs a reduction that is complete when all rows are done";
        case obstacle::reshaped:
          return "reads it reshaped";
        case obstacle::space:
          return "walks over other dimensions, " + space(e.statement);
        case obstacle::spread:
          return "needs a value along other dimensions than this step has it";
        case obstacle::row:
          return "reduces or repeats other dimensions than the rows of this step";
        case obstacle::passes:
          return "a region has at most " + std::to_string(assignment::max_passes) + " reductions that wait for each other";
        case obstacle::statements:
          return "a region has at most " + std::to_string(assignment::max_statements) + " statements";
        case obstacle::inputs:
          return "a region reads at most " + std::to_string(assignment::max_inputs) + " buffers";
        case obstacle::scalar:
          return "takes one number of it";
        case obstacle::user:
          return "went with its first user";
        case obstacle::between:
          return "a step between them needs this one first";
        case obstacle::stored:
          return "one of both only stores a broadcast, constant or cast";
        case obstacle::fuel:
          return "no fuel is left";
        case obstacle::none:
          break;
      }
      return "";
    };
    return " (" + short_name(*g_.nodes[e.statement].op) + "): " + said();
  }
  /// The last step before `step` that it reads from.
  int last_need(int step, int at_least) const {
    int last = at_least;
    for (int k = at_least + 1; k < step; ++k)
      if (reads(step, k)) last = k;
    return last;
  }
  std::string space(int statement) const {
    const node& n = g_.nodes[statement];
    const meta& m = g_.type(n.op->kind == op_kind::reduction ? g_.operand(n, 0) : n.result);
    std::string r = "[";
    for (int i = 0; i < m.rank; ++i) r.append(i ? ", " : "").append(spelled(m.d[i]).text);
    return r + "]";
  }

  graph_view g_;
  std::vector<std::string> paths_;
  bindings b_;
  partition_notes notes_;
  partition p_;
  std::vector<int> writer_;   // of each value: the step that writes it, or -1
  std::vector<std::vector<int>> steps_of_;  // of each statement: the steps that it is part of
};

/// The module path of each statement of a lowered program's graph.
template <lowered_program P>
std::vector<std::string> statement_paths() {
  stage_list passes;
  stage_recorder r(passes, "");
  r.begin(P::body_type::view);
  lower_graph<typename P::rewrite>(P::body_type::view, r);
  return passes.back().path;
}

/// The kernels of a region on a GPU, in words.
template <class Region, int... P>
std::string kernels_of(std::integer_sequence<int, P...>) {
  std::string r;
  auto one = [&](const std::string& family) {
    if (r.find(family) == std::string::npos) r += (r.empty() ? "" : ", ") + family;
  };
  (one(cuda::family_of(cuda::kernel_values<Region, cuda::gpu, P>::shape)), ...);
  return r;
}
template <class Executor, class Plan, int K>
void name_kernels(step_report& r) {
  if constexpr (Executor::where == device::cuda && Plan::data.steps[K].op == nullptr) {
    using region = decltype(region_of<Plan, K>());
    r.runs_as = kernels_of<region>(std::make_integer_sequence<int, cuda::parts_of<region>::count>{});
  }
}

/// The fusions of a lowered program, in order; fuel{n} allows the first n.
///
///     12: mul of h.1 joins step 4
///     13: add of h.1 brings a region to step 4
template <lowered_program P>
std::vector<std::string> fusions(const P&) {
  const auto& g = P::plan::graph;
  const step_explainer steps(g, statement_paths<P>(), {}, P::fuel_limit, P::plan::made::replaces.of);
  std::vector<std::string> r;
  for (const fused_statement& f : steps.notes().fused) {
    const std::string path = steps.path_of({f.statement});
    r.push_back(std::to_string(r.size() + 1) + ": " + short_name(*g.nodes[f.statement].op) + (path.empty() ? "" : " of " + path) +
                (f.from < 0 ? " joins " : " brings a region to ") +
                (steps.notes().step_of_region[f.region] < 0 ? "a region that others compute again"
                                                            : "step " + std::to_string(steps.notes().step_of_region[f.region])));
  }
  return r;
}

/// A table of the steps of a lowered program, with the sizes of its named dimensions.
///
///     std::cout << explain(jit(step).lower(images, labels), sizes({{B, 128}}));
template <lowered_program P>
explanation explain(const P&, const bindings& b = {}) {
  using plan = typename P::plan;
  const step_explainer steps(plan::graph, statement_paths<P>(), b, P::fuel_limit, plan::made::replaces.of);
  explanation r;
  for (int k = 0; k < steps.steps().steps.size(); ++k) r.push_back(steps.report(k));
  for (int k = steps.steps().steps.size(); k < plan::data.size.steps; ++k) {  // copies at the end
    const plan_operand& o = plan::data.operands[plan::data.steps[k].input];
    step_report copy;
    copy.runs_as = "copy";
    copy.read = copy.written = size_of(o.element);
    for (int i = 0; i < plan::graph.types[o.type].rank; ++i) {
      const std::int64_t e = b.extent(plan::graph.types[o.type].d[i]);
      copy.read = copy.written = e < 0 || copy.read < 0 ? -1 : copy.read * e;
    }
    copy.operations = 0;
    r.push_back(copy);
  }
  for (int k = 0; k < plan::data.size.steps;
       ++k) {  // outside of modules: a parameter that it writes, h.3.weight rather than adamw.m.h.3.weight
    std::string& path = r[static_cast<std::size_t>(k)].path;
    if (!path.empty()) continue;
    const step_info& s = plan::data.steps[k];
    for (int j = 0; j < s.outputs; ++j)
      if (const slot_info& to = plan::data.slots[plan::data.operands[s.output + j].slot]; to.where == slot_info::parameter)
        if (const std::string name = print_name(plan::graph, plan::graph.parameters[to.index].name);
            path.empty() || name.size() < path.size())
          path = name;
  }
  [&]<int... K>(std::integer_sequence<int, K...>) {
    (name_kernels<typename P::executor_type, plan, K>(r[K]), ...);
  }(std::make_integer_sequence<int, plan::data.size.steps>{});
  return r;
}

}  // namespace thunder
