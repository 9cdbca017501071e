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

/// The number of statements after inlining.
constexpr int inlined_count(const graph_view& v) {
  int n = v.node_count;
  for (int i = 0; i < v.node_count; ++i)
    if (v.nodes[i].body) n += inlined_count(*v.nodes[i].body);
  return n;
}

/// The flat graph of primitives that a body means.
template <class Body> struct lowered_maker {
  static constexpr digest key = mix(71, Body::key);
  static constexpr flattened make() {
    const graph flat = inline_calls(Body::view);
    const graph primitive = decompose(verified(flat).view(), [](const op_info&) { return true; });
    const graph once = simplify(verified(primitive).view());
    flattened result{simplify(verified(once).view()), {}};
    verified(result.g);
    return result;
  }
  static constexpr graph_size guess() {
    const int n = inlined_count(Body::view) * 2 + 64;
    return {n, n * 2, n * 2 + 64, n, 96, n / 4 + 32, Body::view.parameter_count, Body::view.output_count, 0};
  }
};
template <class Body> using lowered = stored<lowered_maker<Body>>;

// ---- results that replace parameters
/// New values for named leaves: when the program is called with a state, they are written into it.
template <class... Entries> struct updates {};
/// Marks named expressions as new values for the parameters and buffers of their names.
template <class... Entries> constexpr auto update(named<Entries...>) { return updates<Entries...>{}; }
constexpr invalid update(invalid) { return {}; }
/// The same for one name: update<"norm.mean">(0.9_c * mean + 0.1_c * fresh), with the name as the state has it.
template <fixed_string Name, class E> constexpr auto update(E) {
  static_assert(is_typed<E>, "update<\"name\">(x): x is the expression of the new value");
  if constexpr (std::is_same_v<E, invalid>) return invalid{};
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

/// The hashes of the names that results are new values for, as words: 0 for those that are not.
template <class R> struct updated_names {
  struct storage_type { digest of[at_least_one(tree<R>::leaves)]{}; };
  static constexpr storage_type names = [] {
    storage_type r;
    int at = 0;
    update_names<R>::collect(r.of, at);
    return r;
  }();
  template <int... I> static constexpr auto as_words(std::integer_sequence<int, I...>) { return words<static_cast<std::int64_t>(names.of[I])...>{}; }
  using type = decltype(as_words(std::make_integer_sequence<int, tree<R>::leaves>{}));
};

/// The plan of a lowered body. Names: of its results, as above. Donated: a mask of formals that results may replace (each by the first
/// result of its type). Commit last: overwrite nothing before all results are known.
template <class Body, class Names, std::uint64_t Donated, bool CommitLast> struct planned_as {
  static constexpr digest key = mix(mix(mix(79, Body::key), word_data<Names>::key), Donated * 2 + CommitLast);
  using graph_type = lowered<Body>;
  static constexpr auto& graph = graph_type::view;
  static constexpr int leaves = word_data<Names>::count;
  struct replacement_list {
    replacement of[at_least_one(leaves)];
    std::uint64_t unused = 0;   // donated formals that no result can replace
    bool unknown_name = false;  // an update of what the program does not read
    bool twice = false;         // two values for one name
  };
  static constexpr replacement_list replaces = [] {
    const std::int64_t* given = word_data<Names>::data;
    list<digest> names;
    for (int i = 0; i < leaves; ++i) names.push(static_cast<digest>(given[i]));
    replacement_list r{};
    r.unused = Donated;
    for (int i = 0; i < leaves; ++i) {
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
  template <plan_size S> static constexpr frozen_plan<S> capped = make_plan<S>(graph, replaces.of, CommitLast);
  static constexpr plan_size guess = [] {
    const graph_size& g = graph_type::data.size;
    return plan_size{g.nodes + g.outputs, 3 * g.nodes + 2 * g.operands, 3 * g.nodes, 2 * g.words + 2 * g.nodes, 3 * g.operands + g.nodes, 4 * g.nodes, g.nodes + g.outputs, g.outputs};
  }();
  static constexpr plan_size size = capped<guess>.size;
  static constexpr auto fitted() {
    if constexpr (guess.holds(size)) return trim_plan<size>(capped<guess>);
    else return make_plan<size>(graph, replaces.of, CommitLast);
  }

 public:
  static constexpr auto data = fitted();
};

/// The same for results that are shaped like R.
template <class Body, class R, std::uint64_t Donated = 0, bool CommitLast = false>
using planned = planned_as<Body, typename updated_names<R>::type, Donated, CommitLast>;

// ---- from a plan's digest back to the plan: what is made for every step names the digest. A plan's own type names all parameters, which
// makes symbols of many thousand letters, and hundreds of those take g++ minutes.
template <digest Key> struct plan_tag {
#pragma GCC diagnostic push
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wnon-template-friend"
#endif
  friend constexpr auto plan_of(plan_tag);
#pragma GCC diagnostic pop
};
template <class Plan> struct plan_definition {
  friend constexpr auto plan_of(plan_tag<Plan::key>) { return type_c<Plan>{}; }
};
template <digest Key> struct keyed_plan {
  using type = typename decltype(plan_of(plan_tag<Key>{}))::type;
  static constexpr auto& graph = type::graph;
  static constexpr auto& data = type::data;
};

}  // namespace thunder
