#pragma once
/// A call whose steps are watched: with their names, module paths, inputs and outputs.
#include <span>

#include "../executors/step.hpp"
#include "../jit/jit.hpp"
#include "explain.hpp"

namespace thunder {

/// One step of one call.
struct step_call {
  int step;
  std::string name;  // "matmul", "row program", "copy"
  std::string path;  // the module path, "h.3.attn"
  device where;      // of the buffers
  std::span<const array> inputs, outputs;
  const bindings& sizes;  // of named dimensions
};

/// The state before the arguments of a call, if there is one, and the arguments' types.
template <class F>
auto without_state(F&& f) {
  return f();
}
template <class F, class... A>
auto without_state(F&& f, const state&, const A&... a) {
  return f(a...);
}
template <class F, class A, class... Rest>
auto without_state(F&& f, const A& a, const Rest&... rest) {
  return f(a, rest...);
}

/// What has steps to observe: a program, or a jitted function.
template <class P>
inline constexpr bool is_program = lowered_program<P>;
template <class F, class E, non_finite Policy, fuel Fuel>
inline constexpr bool is_program<jitted<F, E, Policy, Fuel>> = true;

/// The program itself, or that of a jitted function for these arguments (one of its own, with an arena of its own).
template <lowered_program P, class... A>
P& program_for(P& program, const A&...) {
  return program;
}
template <class F, class E, non_finite Policy, fuel Fuel, class... A>
auto program_for(const jitted<F, E, Policy, Fuel>& f, const A&... a) {
  return without_state([&](const auto&... x) { return f.lower(x...); }, a...);
}

/// Tells `Callbacks` of the steps of P: before(const step_call&) and after(const step_call&), or what can be called with a
/// step_call after each.
template <class P, class Callbacks>
class step_watcher {
 public:
  using plan = typename P::plan;
  static_assert(
      requires(Callbacks& to, const step_call& c) { to.before(c); } ||
          requires(Callbacks& to, const step_call& c) { to.after(c); } || requires(Callbacks& to, const step_call& c) { to(c); },
      "observe: callbacks has before(const step_call&) or after(const step_call&), or can be called with a step_call");
  explicit step_watcher(Callbacks& to) : to_(to) {}
  void before(int k, void* const* slots, const bindings& b) {
    if constexpr (requires(const step_call& c) { to_.before(c); }) tell(k, slots, b, [&](const step_call& c) { to_.before(c); });
  }
  void after(int k, void* const* slots, const bindings& b) {
    if constexpr (requires(const step_call& c) { to_.after(c); })
      tell(k, slots, b, [&](const step_call& c) { to_.after(c); });
    else if constexpr (requires(const step_call& c) { to_(c); })
      tell(k, slots, b, to_);
  }

 private:
  /// Of each step: its name and module path. They follow from the program's type, so they are found once.
  static const std::vector<std::pair<std::string, std::string>>& names() {
    static const auto all = [] {
      std::vector<std::pair<std::string, std::string>> r;
      for (const step_report& s : explain(P{})) r.emplace_back(s.runs_as, s.path);
      return r;
    }();
    return all;
  }
  template <class F>
  void tell(int k, void* const* slots, const bindings& b, F&& f) {
    const step_info& s = plan::data.steps[k];
    operands_.resize(static_cast<std::size_t>(s.inputs + s.outputs));
    for (std::size_t i = 0; i < operands_.size(); ++i) {
      const plan_operand& o = plan::data.operands[s.input + static_cast<int>(i)];
      const meta& m = plan::graph.types[o.type];
      array& x = operands_[i];
      x.data = slots[o.slot], x.type = m.type, x.rank = m.rank;
      for (int d = 0; d < m.rank; ++d) x.extents[d] = b.extent(m.d[d]);
    }
    const auto& [name, path] = names()[static_cast<std::size_t>(k)];
    const std::span<const array> all(operands_);
    f(step_call{k, name, path, P::executor_type::where, all.first(static_cast<std::size_t>(s.inputs)),
                all.last(static_cast<std::size_t>(s.outputs)), b});
  }

  Callbacks& to_;
  std::vector<array> operands_;
};

/// Calls a program and tells of each step: `callbacks` has before(const step_call&) or after(const step_call&) or both, or is a
/// function for what comes after. Equal regions that run at once have all been told of before any has run. Buffers of the GPU are on the device, and a step may still be running: copies of its outputs
/// wait for it. An exception of a callback ends the call there: parameters and donated arguments that were written stay written.
///
///     observe(program, [](const step_call& s) { std::cout << s.step << ' ' << s.name << ' ' << s.path << '\n'; }, weights,
///     images);
///
/// program: jit(f), or what jit(f).lower(...) gives. Returns what the program returns.
template <class Program, class Callbacks, class... A>
auto observe(Program&& program, Callbacks&& callbacks, A&&... arguments) {
  auto&& lowered = program_for(program, arguments...);
  step_watcher<std::remove_cvref_t<decltype(lowered)>, std::remove_reference_t<Callbacks>> watcher(callbacks);
  return lowered.watch(watcher, arguments...);
}

}  // namespace thunder
