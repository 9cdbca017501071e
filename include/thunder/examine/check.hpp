#pragma once
/// A checked call: every step against the reference executor, so that the first one that computes something else has a name.
#include <deque>

#include "../executors/reference.hpp"
#include "distance.hpp"
#include "observe.hpp"
#include "step_graph.hpp"

namespace thunder {

/// An element of an output of a step that is not what it should be.
struct step_difference {
  int step = 0;
  std::string name, path;  // as explain gives them
  int output = 0;
  std::string type;                 // of the output, "f32[batch, 10]"
  std::vector<std::int64_t> index;  // of the worst element
  double got = 0, expected = 0;     // of it
  double error = 0, allowed = 0;    // relative to its size and to the largest of the output; of integers: 1 and 0
};

/// What check found: no difference, or the steps that make one, in order. Each step is judged by what it really read, so that a
/// wrong step does not make those after it look wrong.
struct check_report {
  int steps = 0;
  std::vector<step_difference> differences;
  bool passed() const { return differences.empty(); }

  template <class Stream>
  friend Stream& operator<<(Stream& out, const check_report& r) {
    if (r.passed()) {
      out << "all " << r.steps << " steps agree with the reference executor\n";
      return out;
    }
    for (const step_difference& d : r.differences) {
      char numbers[160];
      std::snprintf(numbers, sizeof numbers, "%.9g, and should be %.9g (relative difference %.2g, allowed %.2g)", d.got,
                    d.expected, d.error, d.allowed);
      out << "step " << d.step << " (" << d.name << (d.path.empty() ? "" : " of " + d.path) << "): output " << d.output << ", "
          << d.type << ", at [";
      for (std::size_t i = 0; i < d.index.size(); ++i) out << (i ? ", " : "") << d.index[i];
      out << "] is " << numbers << '\n';
    }
    return out;
  }
};

/// Multiplies what rounding may do; for programs whose sums cancel.
struct tolerance {
  double factor = 1;
};

/// The ops of a plan's graph, your own among them: what its interpreter is made of.
template <class Plan>
struct plan_ops {
  struct id_list {
    digest of[at_least_one(Plan::graph.node_count)]{};
    int count = 0;
  };
  static constexpr id_list ids = [] {
    id_list r;
    for (int i = 0; i < Plan::graph.node_count; ++i) {
      const op_info& op = *Plan::graph.nodes[i].op;
      bool known = op.kind == op_kind::leaf;
      for (int k = 0; k < r.count && !known; ++k) known = r.of[k] == op.id;
      if (!known) r.of[r.count++] = op.id;
    }
    return r;
  }();
  template <int... K>
  static pack<op_struct<ids.of[K]>...> list(std::integer_sequence<int, K...>);
  using type = decltype(list(std::make_integer_sequence<int, ids.count>{}));
};

template <class P>
class check_watcher {
 public:
  using plan = typename P::plan;
  explicit check_watcher(tolerance t)
      : tolerance_(t), partition_(make_steps(plan::graph, plan::made::replaces.of, P::fuel_limit)) {}

  void before(const step_call& s) {
    auto& x = inputs_.emplace_back();
    for (const array& a : s.inputs) x.push_back(copied(a, s.where));  // now: the step may write over them
  }
  void after(const step_call& s) {
    ++report.steps;
    const std::vector<reference_array> expected = meaning(s, inputs_.front());
    inputs_.pop_front();
    for (std::size_t k = 0; k < expected.size(); ++k) {
      const reference_array got = copied(s.outputs[k], s.where);
      const array_distance d = distance_of(got, expected[k]);
      const double allowed = tolerance_.factor * rounding_of(got.type);
      if (d.error <= allowed) continue;
      step_difference found{s.step, s.name, s.path, static_cast<int>(k), "", {}, 0, 0, d.error, allowed};
      const plan_operand& o = plan::data.operands[plan::data.steps[s.step].output + static_cast<int>(k)];
      found.type = print(plan::graph.types[o.type]);
      auto at = static_cast<std::int64_t>(d.element);
      for (const std::int64_t stride : strides_of(got.extents)) found.index.push_back(at / stride), at %= stride;
      found.got = got.floating() ? got.reals[d.element] : static_cast<double>(got.integers[d.element]);
      found.expected = got.floating() ? expected[k].reals[d.element] : static_cast<double>(expected[k].integers[d.element]);
      report.differences.push_back(found);
      break;
    }
  }
  check_report report;

 private:
  static reference_array copied(const array& x, device where) {
    if (where == device::cpu) return to_reference(x.data, x.type, x.extents, x.rank);
    std::vector<char> bytes(static_cast<std::size_t>(x.bytes()));
    copy_bytes(bytes.data(), device::cpu, x.data, where, bytes.size());
    return to_reference(bytes.data(), x.type, x.extents, x.rank);
  }
  std::vector<reference_array> meaning(const step_call& s, const std::vector<reference_array>& inputs) const {
    if (s.step >= partition_.steps.size()) return inputs;  // a copy at the end
    const graph g = step_graph(plan::graph, partition_, s.step);
    const op_info* op = partition_.steps[s.step].op;
    if (op && op->id == table_of<ops::extent>()->id) {
      const std::int64_t* words = partition_.words.data() + partition_.steps[s.step].word;
      return {reference_array::scalar(s.sizes.extent(ops::extent::of(words)), s.outputs[0].type)};
    }
    return interpret<typename plan_ops<plan>::type>(g.view(), inputs, {}, {.sizes = s.sizes});
  }

  tolerance tolerance_;
  partition partition_;
  std::deque<std::vector<reference_array>> inputs_;  // of the steps that run now
};

/// Calls a program once, as observe does, and compares what each step writes with what its statements mean for what it read (in
/// float64; integers and random bits exactly). It is a whole call: a state is updated, donated arguments are given. Slow: for
/// small sizes. Where rounding moves a value over a jump (of floor, a comparison, argmax), a step is named that is right.
///
///     std::cout << check(jit(step), weights, images, labels);
template <class Program, class... A>
  requires is_program<std::remove_cvref_t<Program>>
check_report check(tolerance t, Program&& program, A&&... arguments) {
  auto&& lowered = program_for(program, arguments...);
  check_watcher<std::remove_cvref_t<decltype(lowered)>> watcher(t);
  observe(lowered, watcher, arguments...);
  return std::move(watcher.report);
}
template <class Program, class... A>
  requires is_program<std::remove_cvref_t<Program>>
check_report check(Program&& program, A&&... arguments) {
  return check(tolerance{}, program, arguments...);
}

}  // namespace thunder
