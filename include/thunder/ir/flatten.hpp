#pragma once
/// From records to a graph, and from a graph to static data.
#include "leaves.hpp"

namespace thunder {

struct flattened {
  graph g;
  list<statement::operand> lifted;  // what the trace uses of enclosing traces: further formals
};

/// The statements that `roots` depend on, in order. An iterative walk: recursion would meet the compilers' depth limits. What depends on
/// formals of enclosing traces but not on this one's becomes a further formal.
constexpr flattened flatten(const statement::operand* roots, int root_count, const statement* const* formals, int formal_count, int level) {
  flattened f;
  graph& g = f.g;
  digest_table seen, kinds;  // statements to values, and types to ours
  list<const statement*> stack;
  const std::uint64_t mine = std::uint64_t{1} << level;
  auto is_free = [&](const statement* s) { return s->below.levels != 0 && (s->below.levels & mine) == 0; };
  auto type_of = [&](const keyed_meta& m) {
    int t = kinds.find(m.key);
    if (t < 0) t = g.intern(m.value), kinds.add_found(m.key, t);
    return t;
  };
  auto add_formal = [&](int index, const meta& m) {
    const std::int64_t w = index;
    const int t = g.intern(m);
    return g.put(table_of<ops::formal>(), &w, 1, nullptr, 0, &t, 1);
  };
  auto lift = [&](const statement::operand& o) {
    const statement* from = o.from();
    const digest h = mix(from->id, static_cast<digest>(o.result) + 77);
    int v = seen.find(h);
    if (v < 0) {
      v = add_formal(formal_count + f.lifted.push(o), from->body ? from->body->type(from->body->outputs[o.result]) : from->results[o.result]->value);
      seen.add(h, v);
    }
    return v;
  };
  auto value_of = [&](const statement::operand& o) {
    const statement* from = o.from();
    if (from->below.levels != 0 && (from->below.levels & mine) == 0) return lift(o);
    const int v = seen.find(from->id);
    return v < 0 ? -1 : v + o.result;
  };
  for (int k = 0; k < formal_count; ++k) seen.add(formals[k]->id, add_formal(k, formals[k]->results[0]->value));
  for (int r = root_count; r-- > 0;)
    if (const statement* s = roots[r].from(); !is_free(s) && (stack.empty() || s != stack.back())) stack.push(s);
  int x[8]{}, types[4]{};
  list<int> many_operands, many_types, callee_types;
  const graph_view* called = nullptr;
  const digest parameter_id = table_of<ops::parameter>()->id;
  while (stack.count > 0) {
    const statement* s = stack.items[stack.count - 1];
    if (seen.find(s->id) >= 0) {
      --stack.count;
      continue;
    }
    int *px = x, *pt = types;
    if (s->operand_count > 8) many_operands = list<int>(s->operand_count), px = many_operands.data();
    if (s->result_count > 4) many_types = list<int>(s->result_count), pt = many_types.data();
    bool ready = true;
    for (int k = 0; k < s->operand_count; ++k) {
      px[k] = value_of(s->operands[k]);
      ready = ready && px[k] >= 0;
    }
    for (int k = s->operand_count; !ready && k-- > 0;)  // the first operand is visited first
      if (px[k] < 0) stack.push(s->operands[k].from());
    if (!ready) continue;
    --stack.count;
    const int name = s->text && *s->text ? g.intern_name(s->text, name_info::root) : name_info::root;
    const graph_view* b = s->body;
    if (!b) {
      for (int k = 0; k < s->result_count; ++k) pt[k] = type_of(*s->results[k]);
    } else {
      graph::import_maps map;  // of the callee's types and names
      if (called != b) called = b, callee_types = list<int>(b->type_count, -1);  // layers one after another call one body
      map.types = static_cast<list<int>&&>(callee_types);
      for (int k = 0; k < s->result_count; ++k) pt[k] = g.import_type(*b, map, b->values[b->outputs[k]].type);
      map.names = list<int>(b->name_count, -1);
      g.import_parameters(*b, map, name);
      callee_types = static_cast<list<int>&&>(map.types);
    }
    seen.add(s->id, g.put(s->op, s->words, s->word_count, px, s->operand_count, pt, s->result_count, name, b));
    if (s->op->id == parameter_id) g.note_parameter(name, pt[0], s->words);
  }
  g.outputs.reserve(root_count);
  for (int r = 0, v = 0; r < root_count; ++r) {  // many may be results of one statement
    v = r > 0 && roots[r].from == roots[r - 1].from && !is_free(roots[r].from()) ? v + roots[r].result - roots[r - 1].result : value_of(roots[r]);
    g.outputs.push(v);
  }
  g.input_count = formal_count + f.lifted.size();
  return f;
}

// ---- static data
struct graph_size {
  int nodes = 0, operands = 0, words = 0, values = 0, types = 0, names = 0, parameters = 0, outputs = 0, lifted = 0;
  constexpr bool holds(const graph_size& o) const {
    return nodes >= o.nodes && operands >= o.operands && words >= o.words && values >= o.values && types >= o.types && names >= o.names &&
           parameters >= o.parameters && outputs >= o.outputs && lifted >= o.lifted;
  }
};
constexpr int at_least_one(int n) { return n > 0 ? n : 1; }

template <graph_size S> struct frozen {
  graph_size size{};
  int input_count = 0;
  mistake problem = mistake::none;
  bool same_names = false;
  node nodes[at_least_one(S.nodes)]{};
  int operands[at_least_one(S.operands)]{};
  std::int64_t words[at_least_one(S.words)]{};
  value_info values[at_least_one(S.values)]{};
  meta types[at_least_one(S.types)]{};
  name_info names[at_least_one(S.names)]{};
  parameter_info parameters[at_least_one(S.parameters)]{};
  int outputs[at_least_one(S.outputs)]{};
  statement::operand lifted[at_least_one(S.lifted)]{};
};

/// Which statements the outputs need; formals stay, used or not.
constexpr list<bool> live_nodes(const graph_view& g) {
  list<bool> result(g.node_count, false);
  bool* live = result.items;
  const digest formal_id = table_of<ops::formal>()->id;
  for (int k = 0; k < g.output_count; ++k) live[g.values[g.outputs[k]].from] = true;
  for (int i = g.node_count; i-- > 0;) {
    const node& n = g.nodes[i];
    if (!live[i] && n.op->id != formal_id) continue;
    live[i] = true;
    for (int k = n.operand; k < n.operand + n.operands; ++k) live[g.values[g.operands[k]].from] = true;
  }
  return result;
}

/// What a graph has beside statements; `f.size` says how much.
template <graph_size S> constexpr void copy_tables(frozen<S>& f, const meta* types, const name_info* names, const parameter_info* parameters, const statement::operand* lifted) {
  for (int i = 0; i < f.size.types; ++i) f.types[i] = types[i];
  for (int i = 0; i < f.size.names; ++i) f.names[i] = names[i];
  for (int i = 0; i < f.size.parameters; ++i) f.parameters[i] = parameters[i];
  for (int i = 0; i < f.size.lifted; ++i) f.lifted[i] = lifted[i];
}

/// A graph without its dead statements, in arrays of a given size. Where they are too small, only `size` is right.
template <graph_size S> constexpr frozen<S> freeze(const flattened& from) {
  frozen<S> f;
  const graph_view g = from.g.view();
  const list<bool> live = live_nodes(g);
  f.input_count = g.input_count, f.problem = from.g.problem, f.same_names = g.same_names;
  int dead = 0, dead_operands = 0, dead_words = 0, dead_values = 0;
  for (int i = 0; i < g.node_count; ++i)
    if (!live.items[i]) ++dead, dead_operands += g.nodes[i].operands, dead_words += g.nodes[i].words, dead_values += g.nodes[i].results;
  f.size = {g.node_count - dead, g.operand_count - dead_operands, g.word_count - dead_words, g.value_count - dead_values,
            g.type_count, g.name_count, g.parameter_count, g.output_count, from.lifted.size()};
  if (!S.holds(f.size)) return f;
  list<int> map_list(g.value_count, -1);
  int* map = map_list.items;
  int node_at = 0, operand_at = 0, word_at = 0, value_at = 0;
  for (int i = 0; i < g.node_count; ++i) {
    if (!live.items[i]) continue;
    node d = g.nodes[i];
    for (int k = d.operand, end = k + d.operands; k < end; ++k) f.operands[operand_at++] = map[g.operands[k]];
    for (int k = d.word, end = k + d.words; k < end; ++k) f.words[word_at++] = g.words[k];
    for (int k = d.result, end = k + d.results; k < end; ++k) f.values[value_at] = {node_at, g.values[k].type}, map[k] = value_at++;
    d.operand = operand_at - d.operands, d.word = word_at - d.words, d.result = value_at - d.results;
    f.nodes[node_at++] = d;
  }
  for (int i = 0; i < g.output_count; ++i) f.outputs[i] = map[g.outputs[i]];
  copy_tables(f, g.types, g.names, g.parameters, from.lifted.data());
  return f;
}

template <graph_size S, graph_size From> constexpr frozen<S> trim(const frozen<From>& f) {
  frozen<S> r;
  r.size = f.size, r.input_count = f.input_count, r.problem = f.problem, r.same_names = f.same_names;
  for (int i = 0; i < S.nodes; ++i) r.nodes[i] = f.nodes[i];
  for (int i = 0; i < S.operands; ++i) r.operands[i] = f.operands[i];
  for (int i = 0; i < S.words; ++i) r.words[i] = f.words[i];
  for (int i = 0; i < S.values; ++i) r.values[i] = f.values[i];
  for (int i = 0; i < S.outputs; ++i) r.outputs[i] = f.outputs[i];
  copy_tables(r, f.types, f.names, f.parameters, f.lifted);
  return r;
}

/// A graph made by Maker::make() as static data of exact size. Maker::guess() bounds the size, so that one evaluation is enough;
/// where it is too small, a second one follows. Source::maker is the Maker: its name may be long.
template <class Source> struct stored_graph {
  using Maker = typename Source::maker;
  static constexpr digest key = Maker::key;

 private:
  template <graph_size S> static constexpr frozen<S> capped = freeze<S>(Maker::make());
  static constexpr graph_size guess = Maker::guess();
  static constexpr graph_size size = capped<guess>.size;
  static constexpr auto fitted() {
    if constexpr (guess.holds(size)) return trim<size>(capped<guess>);
    else return freeze<size>(Maker::make());
  }

 public:
  static constexpr auto data = fitted();
  static constexpr graph_view view{data.nodes, data.operands, data.words, data.values, data.types, data.names, data.parameters, data.outputs,
                                   size.nodes, size.operands, size.words, size.values, size.types, size.names, size.parameters, size.outputs, data.input_count, key, data.same_names};
};

template <class Maker> struct maker_itself { using maker = Maker; };
template <class Maker> using stored = stored_graph<maker_itself<Maker>>;

// ---- from the key of a body (or of a program's plan) back to its maker (or to its type)
template <digest Key> struct body_tag {
#pragma GCC diagnostic push
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wnon-template-friend"
#endif
  friend constexpr auto body_of(body_tag);
#pragma GCC diagnostic pop
};
template <class Body> struct body_definition {
  friend constexpr auto body_of(body_tag<Body::key>) { return type_c<Body>{}; }
};
template <digest Key> using body_struct = typename decltype(body_of(body_tag<Key>{}))::type;

/// A stored graph by its key alone. The name of a function or variable spells its template arguments out, and those of a Maker grow with
/// the trace: what is instantiated with a graph takes this, else the names alone cost the square of the trace's length.
template <digest Key> struct maker_of { using maker = body_struct<Key>; };
template <digest Key> struct body : stored_graph<maker_of<Key>> {};
template <class Maker> struct registered {
  static_assert(sizeof(body_definition<Maker>) > 0);
  using type = body<Maker::key>;
};
/// Makes a graph, stores it, and names it.
template <class Maker> using stored_body = typename registered<Maker>::type;

}  // namespace thunder
