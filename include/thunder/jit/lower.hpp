#pragma once
/// From a trace to a plan, at compile time: inline the calls, decompose what no executor claims, simplify, fuse, place.
#include "../fusion/plan.hpp"
#include "../fusion/region.hpp"
#include "../ir/trace.hpp"
#include "../ir/verify.hpp"
#include "../transforms/decompose.hpp"
#include "../transforms/inline.hpp"
#include "../transforms/simplify.hpp"

namespace thunder {

/// About the number of statements after inlining.
constexpr int inlined_count(const graph_view& v) {
  int n = v.node_count;
  for (int i = 0; i < v.node_count; ++i) {
    if (v.nodes[i].body) n += inlined_count(*v.nodes[i].body);
    else if (v.nodes[i].operands > 6) n += 3 * v.nodes[i].operands;  // an optimizer, which becomes a dozen statements for each tensor
  }
  return n;
}

/// What sees the passes of a lowering: nobody. (examine/stages.hpp times them.)
struct unobserved {
  constexpr provenance* before(const char*) { return nullptr; }
  constexpr void after(const graph&) {}
};
/// What an executor rewrites in a graph of primitives before it is fused: nothing. Others are a pass as a type, such as product_epilogues.
struct unchanged {
  static constexpr digest key = 0;
};
/// From a trace to a flat graph of primitives: the passes in order, each verified.
template <class Rewrite, class Observer> constexpr graph lower_graph(const graph_view& v, Observer& o) {
  const graph flat = inline_calls(v, o.before("inline_calls"));
  o.after(verified(flat));
  const graph primitive = decompose(flat.view(), [](const op_info&) { return true; }, o.before("decompose"));
  o.after(verified(primitive));
  graph once = simplify(primitive.view(), o.before("simplify"));
  o.after(verified(once));
  if constexpr (Rewrite::key != 0) {
    once = Rewrite::run(once.view(), o.before(Rewrite::name));
    o.after(verified(once));
  }
  graph twice = simplify(once.view(), o.before("simplify"));
  o.after(verified(twice));
  return twice;
}

/// The flat graph of primitives that a body means.
template <class Body, class Rewrite> struct lowered_maker {
  static constexpr digest key = mix(mix(71, Body::key), Rewrite::key);
  static constexpr flattened make() {
    unobserved o;
    return {lower_graph<Rewrite>(Body::view, o), {}};
  }
  static constexpr graph_size guess() {
    const int n = inlined_count(Body::view) * 2 + 64;
    return {n, n * 2, n * 2 + 64, n, 96, n / 4 + 32, Body::view.parameter_count, Body::view.output_count, 0};
  }
};
template <class Body, class Rewrite = unchanged> using lowered = stored<lowered_maker<Body, Rewrite>>;

// ---- results that replace parameters
/// New values for named leaves: when the program is called with a state, they are written into it.
template <class... Entries> struct updates {};
/// Marks named expressions as new values for the parameters and buffers of their names.
template <class... Entries> constexpr auto update(named<Entries...>) { return updates<Entries...>{}; }
constexpr invalid update(invalid) { return {}; }
/// The same for one name: update<"norm.mean">(0.9_c * mean + 0.1_c * fresh), with the name as the state has it.
template <fixed_string Name, class E> constexpr auto update(E) {
  static_assert(typed<E>, "update<\"name\">(x): x is the expression of the new value");
  if constexpr (is_invalid<E>) return invalid{};
  else return updates<entry<literal_name<Name>, E>>{};
}
/// update(named_value<"running_mean">(m), ...)
template <class... Name, class... E> requires(sizeof...(E) > 0) constexpr auto update(entry<Name, E>...) { return updates<entry<Name, E>...>{}; }

template <class R, bool Inside = false> struct update_names { template <class Out> static constexpr void collect(Out&, int&) {} };
template <expression E, bool Inside> struct update_names<E, Inside> { template <class Out> static constexpr void collect(Out&, int& at) { ++at; } };
template <class Name, class E> struct update_names<entry<Name, E>, true> {
  template <class Out> static constexpr void collect(Out& out, int& at) { out[at++] = Name::hash; }
};
template <template <class...> class C, class... E, bool Inside> requires(tree<C<E...>>::leaves >= 0) struct update_names<C<E...>, Inside> {
  template <class Out> static constexpr void collect(Out& out, int& at) { (update_names<E, Inside>::collect(out, at), ...); }
};
template <class Name, class E> struct update_names<entry<Name, E>, false> {
  template <class Out> static constexpr void collect(Out&, int& at) { ++at; }
};
template <class... E> struct update_names<updates<E...>, false> {
  template <class Out> static constexpr void collect(Out& out, int& at) { (update_names<E, true>::collect(out, at), ...); }
};

/// For each result the hash of the name that it updates, or 0.
template <digest... Name> struct result_names {};
template <class R> struct names_in {
  static constexpr int count = tree<R>::leaves;
  struct name_list { digest of[at_least_one(count)]; };
  static constexpr name_list list = [] {
    name_list r{};
    int at = 0;
    update_names<R>::collect(r.of, at);
    return r;
  }();
  template <int... K> static constexpr auto names(std::integer_sequence<int, K...>) { return result_names<list.of[K]...>{}; }
  using type = decltype(names(std::make_integer_sequence<int, count>{}));
};

/// The plan of a lowered body. Names: those of its results. Donated: a mask of formals that results may replace (each by the first
/// result of its type). CommitLast: overwrite nothing before all results are known.
template <class Body, class Names, std::uint64_t Donated, bool CommitLast, fuel Fuel, class Rewrite = unchanged> struct planned;
template <class Body, digest... Name, std::uint64_t Donated, bool CommitLast, fuel Fuel, class Rewrite>
struct planned<Body, result_names<Name...>, Donated, CommitLast, Fuel, Rewrite> {
  using graph_type = lowered<Body, Rewrite>;
  static constexpr auto& graph = graph_type::view;
  static constexpr digest names[sizeof...(Name) + 1]{Name..., 0};
  static constexpr int results = sizeof...(Name);
  static constexpr digest key = [] {
    digest h = mix(mix(mix(73, graph_type::key), Donated), CommitLast);
    for (digest d : names) h = mix(h, d);
    if (Fuel != fuel::unlimited) h = mix(h, static_cast<digest>(Fuel));
    return h;
  }();
  struct replacement_list {
    replacement of[at_least_one(results)];
    std::uint64_t unused = 0;   // donated formals that no result can replace
    bool unknown_name = false;  // an update of what the program does not read
    bool twice = false;         // two values for one name
  };
  static constexpr replacement_list replaces = [] {
    replacement_list r{};
    r.unused = Donated;
    for (int i = 0; i < results; ++i) {
      for (int k = 0; names[i] && k < i; ++k) r.twice = r.twice || (names[k] == names[i] && graph.outputs[k] != graph.outputs[i]);
      const meta& m = graph.type(graph.outputs[i]);
      for (int k = 0; names[i] && k < graph.parameter_count; ++k)
        if (graph.names[graph.parameters[k].name].hash == names[i] && graph.types[graph.parameters[k].type] == m) r.of[i] = {replacement::parameter, k};
      if (names[i]) r.unknown_name = r.unknown_name || r.of[i].what == replacement::nothing;
      else
        for (int f = 0; f < graph.node_count && r.of[i].what == replacement::nothing; ++f) {
          const node& n = graph.nodes[f];
          if (n.op->id != table_of<ops::formal>()->id || graph.word(n, 0) >= 64 || !(r.unused >> graph.word(n, 0) & 1) || !(graph.type(n.result) == m)) continue;
          r.of[i] = {replacement::formal, static_cast<int>(graph.word(n, 0))};
          r.unused &= ~(std::uint64_t{1} << graph.word(n, 0));
        }
    }
    return r;
  }();
  static constexpr mistake problem = replaces.unknown_name ? mistake::update_unread : replaces.twice ? mistake::update_twice : replaces.unused ? mistake::donation_unused : mistake::none;

 private:
  template <plan_size S> static constexpr frozen_plan<S> capped = make_plan<S>(graph, replaces.of, CommitLast, Fuel);
  static constexpr plan_size guess = [] {
    const graph_size& g = graph_type::data.size;
    return plan_size{g.nodes + g.outputs, 3 * g.nodes + 2 * g.operands, 3 * g.nodes, 2 * g.words + 2 * g.nodes, 3 * g.operands + g.nodes, 4 * g.nodes, g.nodes + g.outputs, g.outputs};
  }();
  static constexpr plan_size size = capped<guess>.size;
  static constexpr auto fitted() {
    if constexpr (guess.holds(size)) return trim_plan<size>(capped<guess>);
    else return make_plan<size>(graph, replaces.of, CommitLast, Fuel);
  }

 public:
  static constexpr auto data = fitted();
};

/// A plan by its key alone, for the names of the functions that its steps become (see `body`).
template <digest Key> struct program_plan {
  using made = body_struct<Key>;
  static constexpr auto& graph = made::graph;
  static constexpr auto& data = made::data;
  static constexpr mistake problem = made::problem;
};
template <class Plan> struct registered_plan {
  static_assert(sizeof(body_definition<Plan>) > 0);
  using type = program_plan<Plan::key>;
};
/// The plan of a body whose results are shaped like R.
template <class Body, class R, std::uint64_t Donated = 0, bool CommitLast = false, fuel Fuel = fuel::unlimited, class Rewrite = unchanged>
using plan_for = typename registered_plan<planned<Body, typename names_in<R>::type, Donated, CommitLast, Fuel, Rewrite>>::type;

}  // namespace thunder
