#pragma once
/// One step of a program as a C++ program of its own.
#include "explain.hpp"
#include "print_cpp.hpp"
#include "print_fused.hpp"
#include "step_graph.hpp"

namespace thunder {

/// Step k of a lowered program as the source of a stand-alone program: what the step means, as C++ that can be traced; what runs,
/// as the region's type or the call of the library step; and a main function that runs it for these sizes of named dimensions and
/// compares both. For a report of a mistake, or to look at the step's loop alone. Throws error for the steps that only write a
/// size or copy, and where a size is missing.
///
///     std::ofstream("step.cpp") << repro(jit(f).lower(x, w), 3, sizes({{B, 128}}));
template <lowered_program P>
std::string repro(const P&, int k, const bindings& b = {}) {
  using plan = typename P::plan;
  const auto& g = plan::graph;
  if (k < 0 || k >= P::step_count)
    throw error("repro: there is no step " + std::to_string(k) + ": the program has " + std::to_string(P::step_count));
  const step_explainer steps(g, statement_paths<P>(), b, P::fuel_limit, plan::made::replaces.of);
  const partition& p = steps.steps();
  if (k >= p.steps.size() || (p.steps[k].op && p.steps[k].op->id == table_of<ops::extent>()->id))
    throw error("repro: step " + std::to_string(k) + " computes nothing: it copies, or writes a size");
  const graph meaning = step_graph(g, p, k);
  std::string dims;
  for (const meta& m : meaning.types)
    for (int d = 0; d < m.rank; ++d)
      for (const std::uint64_t name : {m.d[d].a, m.d[d].b, m.d[d].c}) {
        const std::string text = name ? "{thunder::dim(\"" + dim_name(name) + "\"), " : "";
        if (text.empty() || dims.find(text) != std::string::npos) continue;
        if (b.find(name) < 0)
          throw shape_error("repro: the dimension '" + dim_name(name) + "' has no size: pass sizes({{B, 128}})");
        dims += (dims.empty() ? "" : ", ") + text + std::to_string(b.find(name)) + "}";
      }
  auto slots = [](int first, int count) {
    std::string r;
    for (int i = 0; i < count; ++i) r += (i ? ", " : "") + std::to_string(plan::data.operands[first + i].slot);
    return "{" + r + "}";
  };
  const step_info& s = plan::data.steps[k];
  const step_report report = steps.report(k);
  const std::string number = std::to_string(k), meant = "step_" + number + "_means", runs = "step_" + number + "_runs";
  std::string r =
      "// Step " + number + " of a program: " + report.runs_as + (report.path.empty() ? "" : " of " + report.path) + ".\n";
  if (P::executor_type::where == device::cuda && s.op && s.op->id == table_of<ops::sort>()->id) r += "#include <thunder/executors/cuda/sort.hpp>\n";
  r += print_cpp(meaning.view(), meant) + "\n" + step_printer<plan>().print(runs, k);
  r += "\n#include <thunder/examine/compare_step.hpp>\n\nint main() {\n";
  r += wrapped("  return thunder::examine::compare_step<thunder::device::" + std::string(name_of(P::executor_type::where)) +
               ">(" + meant + "::traced(), " + slots(s.input, s.inputs) + ", " + slots(s.output, s.outputs) +
               ", thunder::sizes({" + dims + "}),");
  return r + "      [](auto& executor, void* const* slots, const thunder::bindings& bound) { " + runs +
         "::run(executor, slots, bound); });\n}\n";
}

}  // namespace thunder
