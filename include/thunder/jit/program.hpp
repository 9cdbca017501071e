#pragma once
/// A lowered program and what it needs to run: pointers, one arena, the steps in order.
#include <cstdio>
#include <vector>

#include "arguments.hpp"
#include "checks.hpp"
#include "reify.hpp"
#include "../executors/cpu/executor.hpp"
#include "../ir/print.hpp"

namespace thunder {

/// A value that a program keeps in memory.
struct memory_buffer {
  slot_info::place where;     // an argument, a parameter, a fresh result, or between steps in the arena
  std::string holds;          // "argument 0", "parameter fc.weight", "result 1", "output 0 of step 3"
  meta type;
  std::int64_t offset, bytes;  // in the arena; elsewhere the offset is 0
  int first, last;            // the steps between which it is in use; -1: no step uses it
};
/// What a program needs, known before it runs.
struct memory_plan {
  std::int64_t arena = 0;       // bytes between the steps
  std::int64_t arguments = 0;   // bytes of arguments and parameters
  std::int64_t results = 0;     // bytes of fresh results
  std::vector<memory_buffer> buffers;
  /// What a call holds altogether. Of it, the program allocates the arena, once, and the results.
  std::int64_t peak() const { return arena + arguments + results; }
};

/// What a program does about results that are infinite or NaN.
enum class non_finite : std::uint8_t {
  keep,   // gives them back
  refuse  // throws numeric_error before anything is overwritten: parameters and donated arguments are as they were
};

/// Who watches a call: nobody. (examine/observe.hpp has others.)
struct unwatched {};
/// The steps of a plan from First to before Last, of a batch the first alone.
template <class Plan, int First, int Last> constexpr auto leading_steps() {
  struct list { int at[at_least_one(Last - First)]{}, count = 0; };
  constexpr list leaders = [] {
    list l;
    for (int k = First; k < Last; ++k)
      if (Plan::data.steps[k].batch > 0) l.at[l.count++] = k;
    return l;
  }();
  return [&]<int... I>(std::integer_sequence<int, I...>) { return std::integer_sequence<int, leaders.at[I]...>{}; }(std::make_integer_sequence<int, leaders.count>{});
}

/// A step in words, with the module it comes from: "step 12 (thunder.matmul, h.3.mlp)", "step 4 (6 fused statements that end with thunder.sum)".
template <class Plan> [[gnu::cold]] std::string step_text(int k) {
  const step_info& s = Plan::data.steps[k];
  return step_words(k, s, !s.op && s.statements ? Plan::data.statements[s.statement + s.statements - 1].op->name : nullptr, print_name(Plan::graph, s.name));
}

/// Runs the steps of a plan: `where` are its slots. A type of its own, because names of functions hold their class's arguments.
template <class Executor, class Plan> struct step_list {
  template <int... K>
  static void run([[maybe_unused]] Executor& executor, [[maybe_unused]] void* const* where, [[maybe_unused]] const bindings& b, std::integer_sequence<int, K...>) {
    naming_the_step([&](int& at) { ((at = K, run_step<K, Plan::data.steps[K].batch>(executor, where, b)), ...); });
  }
  template <class Watcher, int... K>
  static void watch([[maybe_unused]] Watcher& w, [[maybe_unused]] Executor& executor, [[maybe_unused]] void* const* where, [[maybe_unused]] const bindings& b,
                    std::integer_sequence<int, K...>) {
    (watch_step<K, Plan::data.steps[K].batch>(w, executor, where, b), ...);
  }
  template <int K, int Batch, class Watcher> static void watch_step(Watcher& w, Executor& executor, void* const* where, const bindings& b) {
    for (int k = K; k < K + Batch; ++k) w.before(k, where, b);
    naming_the_step([&](int& at) { at = K, run_step<K, Batch>(executor, where, b); });
    for (int k = K; k < K + Batch; ++k) w.after(k, where, b);
  }
  /// An error says which step it is of, and keeps its type.
  template <class Run> static void naming_the_step(Run run) {
    int at = 0;
    try {
      run(at);
    } catch (const error&) {
      rethrow_in(step_text<Plan>(at));
    }
  }
  /// The steps from K to before K + Batch, which are equal regions. A function of its own: inlined, hundreds of steps would be one function, and g++'s time grows with the square of its size.
  template <int K, int Batch> [[gnu::noinline]] static void run_step(Executor& executor, void* const* where, const bindings& b) {
    constexpr step_info s = Plan::data.steps[K];
    [[maybe_unused]] const typename Executor::range range(&step_text<Plan>, K);
    if constexpr (s.op == nullptr) {
      const void* in[Batch][at_least_one(s.inputs)]{};
      void* out[Batch][at_least_one(s.outputs)]{};
      std::int64_t extents[Batch][max_rank]{};
      region_call calls[Batch];
      for (int k = 0; k < Batch; ++k) {
        const step_info& t = Plan::data.steps[K + k];
        const region_space dims = space_of_step(Plan::data, K + k);
        for (int i = 0; i < s.inputs; ++i) in[k][i] = where[Plan::data.operands[t.input + i].slot];
        for (int i = 0; i < s.outputs; ++i) out[k][i] = where[Plan::data.operands[t.output + i].slot];
        for (int i = 0; i < dims.dynamic_count; ++i) extents[k][i] = b.extent(dims.dynamic[i]);
        calls[k] = {in[k], out[k], extents[k]};
      }
      executor.run(region_of<Plan, K>(), calls);
    } else if constexpr (s.op->id == digest_of(ops::extent::name)) {
      executor.write(where[Plan::data.operands[s.output].slot], b.extent(ops::extent::of(Plan::data.words + s.word)));
    } else {
      array x[at_least_one(s.inputs + s.outputs)];
      describe_operands(x, Plan::data.operands + s.input, s.inputs + s.outputs, Plan::graph.types, where, b);
      executor.run(type_c<op_struct<s.op->id>>{}, step_arguments{x, s.inputs, x + s.inputs, s.outputs, Plan::data.words + s.word, s.words});
    }
  }
};

/// What an executor asks to be rewritten before fusion (see `unchanged`).
template <class Executor> struct rewrite_for { using type = unchanged; };
template <class Executor> requires requires { typename Executor::rewrite; } struct rewrite_for<Executor> { using type = typename Executor::rewrite; };

/// A program of one trace. R: what the traced function returns; Donated: a mask of formals that it may overwrite.
template <class Executor, class Body, class R, std::uint64_t Donated, non_finite Policy, fuel Fuel> class compiled {
 public:
  using executor_type = Executor;
  using body_type = Body;
  using rewrite = std::conditional_t<Fuel == fuel::unlimited, typename rewrite_for<Executor>::type, unchanged>;
  using plan = plan_for<Body, R, Donated, Policy == non_finite::refuse, Fuel, rewrite>;
  using steps = step_list<Executor, plan>;
  static constexpr auto& graph = plan::graph;
  static constexpr int step_count = plan::data.size.steps, slot_count = plan::data.size.slots;
  using result_type = typename result_builder<R>::type;
  static constexpr slot_table table{plan::data.slots, slot_count, graph.types, plan::data.results, plan::data.size.results};
  static constexpr program_place here{Executor::where, Executor::alignment};
  static constexpr fuel fuel_limit = Fuel;
  static constexpr std::uint64_t donations = Donated;

  /// Bytes needed for given sizes of the named dimensions (none, if all dimensions are static).
  memory_plan memory(const bindings& b = {}) const {
    const layout l(b, true);
    memory_plan m{l.arena, 0, 0, {}};
    for (int i = 0; i < slot_count; ++i) {
      const slot_info& s = plan::data.slots[i];
      if (s.where == slot_info::result) m.results += l.bytes[i];
      else if (s.where != slot_info::arena) m.arguments += l.bytes[i];
      m.buffers.push_back({s.where, what_is_in(i), graph.types[s.type], l.offsets[i], l.bytes[i], s.first, s.last});
    }
    return m;
  }

  /// Without a state: a program that reads no parameters.
  template <class... A> auto operator()(const A&... arguments) {
    if constexpr (graph.parameter_count > 0) return make<refused<mistake::state_missing, graph.parameter_count>>();
    else return run(unwatched{}, nullptr, false, arguments...);
  }
  /// Reads parameters from the state; new values (`update`) are written into it, in place.
  template <class... A> result_type operator()(state& s, const A&... arguments) { return run(unwatched{}, &s, true, arguments...); }
  template <class... A> result_type operator()(const state& s, const A&... arguments) { return run(unwatched{}, const_cast<state*>(&s), false, arguments...); }

  /// A call that is watched: w.before(k, slots, sizes) and w.after(k, slots, sizes) are called around step k, in order; where a batch of steps
  /// runs at once, around all of it. `slots`: the buffers of `plan::data.slots`, on the program's device. Nothing is recorded for replay; on CUDA nothing waits for a step to end.
  template <class Watcher, class... A> auto watch(Watcher& w, const A&... arguments) {
    if constexpr (graph.parameter_count > 0) return make<refused<mistake::state_missing, graph.parameter_count>>();
    else return run(w, nullptr, false, arguments...);
  }
  template <class Watcher, class... A> result_type watch(Watcher& w, state& s, const A&... arguments) { return run(w, &s, true, arguments...); }
  template <class Watcher, class... A> result_type watch(Watcher& w, const state& s, const A&... arguments) {
    return run(w, const_cast<state*>(&s), false, arguments...);
  }

 private:
  /// Fresh results, one after another.
  struct leaf_source {
    storage* from;
    const bindings& b;
    int at = 0;
    template <class T> T next() { return T(std::move(from[at++]), b); }
    void skip(int n) { at += n; }
  };
  struct layout {
    bindings bound{};
    bool ready = false;
    std::int64_t bytes[at_least_one(slot_count)]{}, offsets[at_least_one(slot_count)]{}, arena = 0;

    explicit layout(const bindings& b = {}, bool now = false) : bound(b), ready(now) {
      if (now) arena = table.lay_out(b, bytes, offsets);
    }
    bool same(const bindings& b) const {
      if (!ready || bound.count != b.count) return false;
      for (int i = 0; i < b.count; ++i)
        if (bound.find(b.names[i]) != b.sizes[i]) return false;
      return true;
    }
  };

  /// Of each formal: its type's number.
  static constexpr auto formal_type = [] {
    struct { int of[at_least_one(graph.input_count)]{}; } r;
    for (int i = 0; i < graph.node_count; ++i)
      if (const node& n = graph.nodes[i]; n.op->id == table_of<ops::formal>()->id) r.of[graph.word(n, 0)] = graph.values[n.result].type;
    return r;
  }();
  static std::string what_is_in(int slot) {
    const slot_info& s = plan::data.slots[slot];
    if (s.where == slot_info::formal) return text_of({"argument ", s.index});
    if (s.where == slot_info::parameter) return text_of({"parameter ", full_name(s.index)});
    if (s.where == slot_info::result) return text_of({"result ", s.index});
    for (int k = 0; k < step_count; ++k)
      for (int j = 0; j < plan::data.steps[k].outputs; ++j)
        if (plan::data.operands[plan::data.steps[k].output + j].slot == slot) return text_of({"output ", j, " of step ", k});
    return "";
  }
  /// Throws an error that says what the whole program needs. Nothing has been overwritten then.
  static storage allocate(std::int64_t bytes, const layout& l) {
    try {
      return Executor::allocate(static_cast<std::size_t>(bytes));
    } catch (const error& e) {
      table.refuse_allocation(e, l.arena, l.bytes);
    }
  }
  static std::string full_name(int parameter) { return print_name(graph, graph.parameters[parameter].name); }
  /// What is held while a program runs: an executor may have one stream for several threads.
  auto turn() {
    if constexpr (requires { executor_.turn(); }) return executor_.turn();
    else return 0;
  }
  template <class Watcher, class... A> result_type run([[maybe_unused]] Watcher&& w, state* s, bool writable, const A&... arguments) {
    [[maybe_unused]] const auto held = turn();
    void* where[at_least_one(slot_count)]{};
    bindings b;
    // arguments
    void* formals[at_least_one(graph.input_count)]{};
    int at = 0;
    auto visit = [&](void* data, const std::int64_t* extents, const auto& shape, device place) {
      char name[24];
      std::snprintf(name, sizeof name, "argument %d", at);
      const meta& m = graph.types[formal_type.of[at]];
      const std::int64_t bytes = bytes_of(m, extents);
      check_memory(name, data, bytes);
      shape.bind(b, name);  // products of names, too
      bind_extents(b, m, extents, {name});
      if (needs_copy(name, data, place, at < 64 && (Donated >> at & 1), here)) data = executor_.bring(at, data, bytes, place);
      formals[at++] = data;
    };
    (argument_of<A>::each(arguments, visit), ...);
    // parameters
    void* parameters[at_least_one(graph.parameter_count)]{};
    if constexpr (graph.parameter_count > 0) take_parameters(parameters, names_, *s, graph, b, here);
    if (!layout_.same(b)) {
      const layout next(b, true);
      if (static_cast<std::int64_t>(arena_.bytes()) < next.arena) {
        layout_.ready = false;  // whatever happens now, the old layout has lost its arena
        arena_ = storage();
        arena_ = allocate(next.arena, next);
      }
      layout_ = next;
    }
    // results
    storage results[at_least_one(tree<R>::leaves)];
    for (int k = 0; k < plan::data.size.results; ++k) {
      const slot_info& slot = plan::data.slots[plan::data.results[k]];
      const std::int64_t bytes = layout_.bytes[plan::data.results[k]];
      if (slot.where == slot_info::result) {
        results[k] = allocate(bytes, layout_);
        where[plan::data.results[k]] = results[k].data();
      } else if (slot.where == slot_info::parameter) {
        if (!writable) throw_error<state_error>({"the program updates the parameter '", full_name(slot.index), "': pass a state that is not const"});
        table.check_overlap(layout_.bytes, parameters[slot.index], bytes, formals, -1, "a parameter that the program updates in place");
      } else {
        table.check_overlap(layout_.bytes, formals[slot.index], bytes, formals, slot.index, "a donated argument");
      }
    }
    table.fill(where, formals, parameters, arena_.data(), layout_.offsets);
    constexpr auto first_steps = leading_steps<plan, 0, plan::data.commit>();
    constexpr auto last_steps = leading_steps<plan, plan::data.commit, step_count>();
    constexpr bool watched = !std::is_same_v<std::remove_cvref_t<Watcher>, unwatched>;
    if constexpr (watched) steps::watch(w, executor_, where, b, first_steps);
    else executor_.play(where, slot_count, b, [&] { steps::run(executor_, where, b, first_steps); });
    if constexpr (Policy == non_finite::refuse) check_finite(where);
    if constexpr (watched) steps::watch(w, executor_, where, b, last_steps);
    else if constexpr (plan::data.commit < step_count) steps::run(executor_, where, b, last_steps);
    int formal = 0;
    auto hand_over = [&](const auto& argument) {
      using Argument = argument_of<decltype(argument)>;
      if (Argument::donations)
        for (int k = 0; k < plan::data.size.results; ++k) {
          const slot_info& slot = plan::data.slots[plan::data.results[k]];
          if (slot.where == slot_info::formal && slot.index == formal) results[k] = release_donated(argument);
        }
      formal += Argument::leaves;
    };
    if constexpr (Donated != 0) (hand_over(arguments), ...);
    leaf_source leaf{results, b};
    return result_builder<R>::build(leaf);
  }
  /// Looks at everything that is about to leave the program.
  void check_finite(void* const* where) const {
    for (int k = 0; k < plan::data.size.results; ++k) {
      const slot_info& to = plan::data.slots[plan::data.results[k]];
      int slot = plan::data.results[k];
      if (to.where != slot_info::result)  // still where the copy will take it from
        for (int s = plan::data.commit; s < step_count; ++s)
          if (plan::data.operands[plan::data.steps[s].output].slot == slot) {
            slot = plan::data.operands[plan::data.steps[s].input].slot;
            break;
          }
      if (!executor_.finite(where[slot], graph.types[plan::data.slots[slot].type].type, layout_.bytes[slot]))
        throw_error<numeric_error>({to.where == slot_info::parameter ? text_of({"the new value of the parameter '", full_name(to.index), "'"}) : text_of({"result ", k}),
                                    " is not finite; nothing was updated"});
    }
  }
  [[no_unique_address]] Executor executor_;
  layout layout_;
  storage arena_;
  std::vector<std::string> names_;  // of the parameters, once
};

/// A lowered program: what jit(f).lower(...) gives.
template <class P> concept lowered_program = requires { typename P::plan; typename P::body_type; typename P::executor_type; };

}  // namespace thunder
