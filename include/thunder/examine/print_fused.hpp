#pragma once
/// A lowered program as C++ source: each region as a type, and the steps in order as calls of an executor.
#include <string>

#include "../jit/program.hpp"
#include "spelling.hpp"

namespace thunder {

/// Prints the steps of a plan. (The plan is read at run time, except for what region types are made of.)
template <class Plan> class step_printer {
 public:
  /// All steps, or one of them.
  std::string print(const std::string& space, int only = -1) {
    for (int i = 0; i < graph.type_count; ++i) types_.note(graph.types[i], names_);
    for (int i = 0; i < data.size.extents; ++i) types_.note(data.extents[i], names_);
    std::string regions, steps;
    for (int k = 0; k < data.size.steps; ++k) {
      if (only >= 0 && k != only) continue;
      if (!data.steps[k].op) regions += "using step_" + std::to_string(k) + " =\n" + region(k) + ";\n\n";
      steps += wrapped("  " + call(k) + ";");
    }
    return "#include <thunder/thunder.hpp>\n#include <thunder/examine/fused.hpp>\n\nnamespace " + space +
           " {\nusing namespace thunder;\n\n" + types_.declarations() + regions + slots() +
           "template <class Executor> void run(Executor& executor, void* const* slots, [[maybe_unused]] const bindings& bound) "
           "{\n" +
           steps + "}\n\n}  // namespace " + space + "\n";
  }

 private:
  static constexpr auto& graph = Plan::graph;
  static constexpr auto& data = Plan::data;
  static std::string element(dtype t) { return std::string("dtype::") + (t == dtype::b8 ? "b8" : name_of(t)); }
  static std::string mask(unsigned m) {
    std::string r;
    do r.insert(0, 1, m & 1u ? '1' : '0');
    while (m >>= 1);
    return "0b" + r;
  }
  static std::string op_words(const op_info& op, int first, int count) {
    std::string r = "words<";
    for (int k = 0; k < count; ++k) r += (k ? ", " : "") + spell_word(op, data.words[first + k]);
    return r + ">";
  }
  std::string region(int k) const {
    const step_info& s = data.steps[k];
    const region_space dims = space_of_step(data, k);
    std::string r = "    region<space<";
    for (int i = 0; i < s.extents; ++i) r += (i ? ", " : "") + std::to_string(dims.extents[i]);
    r += ">, pack<";
    for (int i = 0; i < s.inputs; ++i) r += (i ? ", " : "") + input_type(data.operands[s.input + i]);
    r += ">, pack<";
    for (int i = 0; i < s.outputs; ++i) {
      const plan_operand& o = data.operands[s.output + i];
      r += std::string(i ? ", " : "") + "output<" + std::to_string(o.local) + ", " + element(o.element) + ", " + mask(o.mask) +
           ">";
    }
    r = wrapped(r + ">");
    for (int i = 0; i < s.statements; ++i) {
      const step_statement& t = data.statements[s.statement + i];
      r.insert(r.size() - 1, 1, ',');
      r += "           s<" + spell_op(*t.op) + ", " + op_words(*t.op, t.word, t.words) + ", " + element(t.type) + ", " +
           mask(t.mask);
      for (int j = 0; j < t.operands; ++j) r += ", " + std::to_string(data.statement_operands[t.operand + j]);
      r += ">\n";
    }
    r.back() = '>';
    return r;
  }
  static std::string input_type(const plan_operand& o) { return "input<" + element(o.element) + ", " + mask(o.mask) + ">"; }

  static std::string slot(int i) { return "slots[" + std::to_string(data.operands[i].slot) + "]"; }
  std::string buffers(int first, int count) const {
    std::string r;
    for (int i = 0; i < count; ++i)
      r += (i ? ", " : "") + ("examine::on<" + types_.element_and_dims(graph.types[data.operands[first + i].type]) + ">(" +
                              slot(first + i) + ", bound)");
    return "{" + r + "}";
  }
  static std::string pointers(int first, int count) {
    std::string r;
    for (int i = 0; i < count; ++i) r += (i ? ", " : "") + slot(first + i);
    return "{" + r + "}";
  }
  std::string call(int k) const {
    const step_info& s = data.steps[k];
    if (!s.op) {
      const region_space dims = space_of_step(data, k);
      std::string extents;
      for (int i = 0; i < dims.dynamic_count; ++i)
        extents += (i ? ", " : "") + ("bound.extent(" + types_.spell(dims.dynamic[i]) + ")");
      return "examine::fused<step_" + std::to_string(k) + ">(executor, " + pointers(s.input, s.inputs) + ", " +
             pointers(s.output, s.outputs) + (extents.empty() ? "" : ", {" + extents + "}") + ")";
    }
    if (s.op->id == digest_of(ops::extent::name))
      return "executor.write(" + slot(s.output) + ", bound.extent(" + types_.spell(ops::extent::of(data.words + s.word)) + "))";
    return "examine::call<" + spell_op(*s.op) + (s.words ? ", " + op_words(*s.op, s.word, s.words) : "") + ">(executor, " +
           buffers(s.input, s.inputs) + ", " + buffers(s.output, s.outputs) + ")";
  }
  std::string slots() const {
    std::string r = "// The steps in order, on these buffers:\n";
    for (int i = 0; i < data.size.slots; ++i) {
      const slot_info& s = data.slots[i];
      r += "// slots[" + std::to_string(i) + "]: " + thunder::print(graph.types[s.type]) + ", ";
      if (s.where == slot_info::formal) r += "argument " + std::to_string(s.index);
      else if (s.where == slot_info::parameter) r += "parameter " + string_literal(print_name(graph, graph.parameters[s.index].name));
      else if (s.where == slot_info::result) r += "result " + std::to_string(s.index);
      else r += "between steps " + std::to_string(s.first) + " and " + std::to_string(s.last);
      r += '\n';
    }
    return r;
  }

  identifiers names_;
  type_speller types_;
};

/// The steps of a lowered program as C++ source in a namespace: `step_3` is the region type of step 3, the one that the program
/// instantiates, and `run(executor, slots, bindings)` runs all steps on the buffers of the plan.
template <lowered_program P> std::string print_fused(const P&, const std::string& space = "printed") {
  return step_printer<typename P::plan>().print(space);
}

}  // namespace thunder
