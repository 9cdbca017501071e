#pragma once
/// The engine's form of a trace: a flat list of statements in SSA form, lean (integers only) because constexpr steps are
/// the compile-time budget. Types and names are interned; operands, attributes and results live in shared arrays.
#include "statement.hpp"

namespace thunder {

// The structs of a graph have no default initialisers: g++ would run those of every element of a new list.

/// A parameter's or scope's name: a last segment below a parent. Interned, so that equal names are equal numbers.
struct name_info {
  const char* text;
  int parent;
  bool is_absolute;
  int parameter;       // which parameter of the graph has this name, or -1
  digest hash, power;  // of the full name, "h.3.attn.weight" (name_hasher)
  static constexpr int root = -1, absolute = -2;
};

/// One statement.
struct node {
  const op_info* op;
  const graph_view* body;  // of a call
  int operand, operands;   // first and count, in the graph's operand list (of values)
  int word, words;         // in the graph's attribute list
  int result, results;     // the values this statement makes
  int name;                // a parameter's name, a call's prefix
  int scope;               // the prefix of the call that the statement was taken out of
};

/// One result of one statement.
struct value_info {
  int from;  // the statement
  int type;  // in the graph's table of types
};

/// A parameter that a graph reads, itself or in a call.
struct parameter_info {
  int name, type;
  std::int64_t words[4];  // the attributes of ops::param: trainable, initialiser and its two numbers
};

/// A graph for reading: a frozen one in static storage, or a growing one between two changes.
struct graph_view {
  const node* nodes = nullptr;
  const int* operands = nullptr;
  const std::int64_t* words = nullptr;
  const value_info* values = nullptr;
  const meta* types = nullptr;
  const name_info* names = nullptr;
  const parameter_info* parameters = nullptr;
  const int* outputs = nullptr;
  int node_count = 0, operand_count = 0, word_count = 0, value_count = 0, type_count = 0, name_count = 0, parameter_count = 0, output_count = 0;
  int input_count = 0;
  digest id = 0;
  bool same_names = false;  // a relative name and an absolute one are equal as long as nothing is put before the relative one

  constexpr int operand(const node& n, int k) const { return operands[n.operand + k]; }
  constexpr std::int64_t word(const node& n, int k) const { return words[n.word + k]; }
  constexpr const meta& type(int value) const { return types[values[value].type]; }
  constexpr const node& producer(int value) const { return nodes[values[value].from]; }
};

/// Open addressing, from a digest to an integer; several entries may share a digest.
class digest_table {
 public:
  /// The first item of a digest, or -1.
  constexpr int find(digest h) {
    if (mask_ == 0) return -1;
    for (int at = static_cast<int>(h & static_cast<digest>(mask_));; at = (at + 1) & mask_) {
      const slot& s = blocks_.items[at / block_size].of[at % block_size];
      if (s.item == 0 || s.key == h) return cursor_ = at, s.item - 1;
    }
  }
  /// The next item of the digest that was looked for last, or -1.
  constexpr int next(digest h) {
    for (;;) {
      cursor_ = (cursor_ + 1) & mask_;
      const slot& s = blocks_.items[cursor_ / block_size].of[cursor_ % block_size];
      if (s.item == 0 || s.key == h) return s.item - 1;
    }
  }
  /// Adds an item.
  constexpr void add(digest h, int item) {
    if (++used_ * 2 > mask_) grow();
    place(blocks_.items, mask_, h, item + 1);
  }
  /// Adds an item where the search for its digest ended, by `find` and `next` just now, without a result.
  constexpr void add_found(digest h, int item) {
    if ((used_ + 1) * 2 > mask_) return add(h, item);
    ++used_;
    slot& s = blocks_.items[cursor_ / block_size].of[cursor_ % block_size];
    s.key = h, s.item = item + 1;
  }

 private:
  // An array inside a class is zeroed at once, the elements of an array one by one (8 us each with g++): blocks, and 0 where nothing is.
  static constexpr int block_size = 64;
  struct slot { digest key; int item; };
  struct block { slot of[block_size]{}; };
  static constexpr void place(block* blocks, int mask, digest h, int item) {
    int at = static_cast<int>(h & static_cast<digest>(mask));
    while (blocks[at / block_size].of[at % block_size].item) at = (at + 1) & mask;
    slot& s = blocks[at / block_size].of[at % block_size];
    s.key = h, s.item = item;
  }
  constexpr void grow() {
    const int n = mask_ == 0 ? block_size * 4 : (mask_ + 1) * 8;
    list<block> larger = list<block>::unset(n / block_size);
    for (int i = 0; i < blocks_.size(); ++i)
      for (const slot& s : blocks_.items[i].of)
        if (s.item) place(larger.items, n - 1, s.key, s.item);
    blocks_ = static_cast<list<block>&&>(larger), mask_ = n - 1;
  }

  list<block> blocks_;
  int used_ = 0, cursor_ = 0, mask_ = 0;
};

/// Where a pass's statements come from, for who asks (examine/stages.hpp): of each new statement, which one of the graph before was
/// being treated, and the prefix of the call that it was taken out of.
struct provenance {
  list<int> from, scope;
  int at = -1, in = name_info::root;
};

/// A graph that grows. Equal statements are made once (hash-consing), so common subexpressions are shared by construction.
struct graph {
  list<node> nodes;
  list<int> operands;
  list<std::int64_t> words;
  list<value_info> values;
  list<meta> types;
  list<name_info> names;
  list<parameter_info> parameters;
  list<int> outputs;
  int input_count = 0;
  mistake problem = mistake::none;  // of the program as a whole; the front end reports it
  bool same_names = false;
  int scope = name_info::root;      // of statements that are added now
  provenance* notes = nullptr;      // for the time of a pass

  constexpr graph_view view(digest id = 0) const {
    return {nodes.data(), operands.data(), words.data(), values.data(), types.data(), names.data(), parameters.data(), outputs.data(),
            nodes.size(), operands.size(), words.size(), values.size(), types.size(), names.size(), parameters.size(), outputs.size(), input_count, id, same_names};
  }
  constexpr int operand(const node& n, int k) const { return operands.items[n.operand + k]; }
  constexpr std::int64_t word(const node& n, int k) const { return words.items[n.word + k]; }
  constexpr const meta& type(int value) const { return types.items[values.items[value].type]; }
  constexpr const node& producer(int value) const { return nodes.items[values.items[value].from]; }

  // ---- interning
  constexpr int intern(const meta& m) {
    const digest key = type_key(m);
    for (int i = type_index_.find(key); i >= 0; i = type_index_.next(key))
      if (types.items[i] == m) return i;
    type_index_.add_found(key, types.count);
    return types.push(m);
  }
  constexpr int intern_name(const char* text, int parent) {
    if (*text == '/') ++text, parent = name_info::absolute;
    const name_hasher h = hash_below(name_hasher::of(text), parent);
    return intern_name({text, parent, parent >= 0 ? names[parent].is_absolute : parent == name_info::absolute, -1, h.hash, h.power});
  }
  constexpr int intern_name(const name_info& n) {
    const int found = find_name(n.hash);
    if (found >= 0) {
      same_names = same_names || names[found].is_absolute != n.is_absolute;
      return found;
    }
    name_index_.add_found(n.hash, names_indexed_++);
    return names.push(n);
  }
  /// The name that a callee's name becomes below a prefix, or -1.
  constexpr int find_name(const name_info& callee, int prefix) { return find_name(callee.is_absolute ? callee.hash : hash_below({callee.hash, callee.power}, prefix).hash); }
  constexpr name_hasher hash_below(const name_hasher& name, int prefix) const {
    return prefix < 0 ? name : name.below({names[prefix].hash, names[prefix].power});
  }
  /// The name with this hash, or -1.
  constexpr int find_name(digest hash) {
    for (; names_indexed_ < names.count; ++names_indexed_) name_index_.add(names.items[names_indexed_].hash, names_indexed_);
    return name_index_.find(hash);
  }

  // ---- statements
  /// Adds a statement whose results are known (from a checked record or another graph) unless it exists; its first value.
  constexpr int put(const op_info* op, const std::int64_t* w, int word_count, const int* x, int operand_count, const int* result_types,
                    int result_count, int name = name_info::root, const graph_view* body = nullptr) {
    const digest h = content_key(op, w, word_count, x, operand_count, op->has_target ? result_types[0] : 0, name, body);
    for (int i = statement_index_.find(h); i >= 0; i = statement_index_.next(h)) {
      const node& n = nodes.items[i];
      if (n.op->id != op->id || n.words != word_count || n.operands != operand_count || n.name != name || n.results != result_count) continue;
      if (n.body != body && !(n.body && body && n.body->id == body->id)) continue;
      bool same = !op->has_target || values.items[n.result].type == result_types[0];
      for (int k = 0; same && k < word_count; ++k) same = words.items[n.word + k] == w[k];
      for (int k = 0; same && k < operand_count; ++k) same = operands.items[n.operand + k] == x[k];
      if (same) return n.result;
    }
    const int first = values.count, at = nodes.count;
    statement_index_.add_found(h, at);
    if (notes) notes->from.push(notes->at), notes->scope.push(notes->in);
    nodes.push(node{op, body, operands.count, operand_count, words.count, word_count, first, result_count, name, scope});
    if (word_count) words.append(w, word_count);
    if (operand_count) operands.append(x, operand_count);
    for (int k = 0; k < result_count; ++k) values.push({at, result_types[k]});
    return first;
  }

  /// The type with the same shape and element type bool.
  constexpr int bool_type(int type) {
    while (bool_types_.size() <= type) bool_types_.push(-1);
    if (bool_types_[type] < 0) {
      const int t = intern(types[type].with(dtype::b8));
      bool_types_[type] = t;
    }
    return bool_types_[type];
  }

  /// Adds a statement that a pass makes: infers its results. A mistake here is a bug in the pass.
  constexpr int emit(const op_info* op, const std::int64_t* w, int word_count, const int* x, int operand_count, const meta* target = nullptr) {
    operand_types_.clear();
    operand_types_.make_room(operand_count);
    for (int k = 0; k < operand_count; ++k) operand_types_.items[k] = &types.items[values.items[x[k]].type];
    inference& r = inferred_;
    r.reset();
    op->infer({operand_types_.items, operand_count, w, word_count, target}, r);
    if (r.error != mistake::none) throw "a pass made an ill-typed statement";
    const int first = intern(r.result);
    if (r.more.count == 0) return put(op, w, word_count, x, operand_count, &first, 1);
    list<int> t;
    t.push(first);
    for (const meta& m : r.more) t.push(intern(m));
    return put(op, w, word_count, x, operand_count, t.data(), t.size());
  }

  /// From another graph's values, types and names to ours. Types and names: -1 where not met yet; empty where ours are the other's.
  struct import_maps {
    list<int> values, types, names;
    constexpr explicit import_maps(const graph_view& g) : values(g.value_count, -1), types(g.type_count, -1), names(g.name_count, -1) {}
    import_maps() = default;
  };
  /// Starts a pass over another graph, which calls `finish` in the end: takes over its types, names and parameters as they are.
  constexpr import_maps begin(const graph_view& g) {
    types.append(g.types, g.type_count), names.append(g.names, g.name_count), parameters.append(g.parameters, g.parameter_count);
    for (int i = 0; i < g.type_count; ++i) type_index_.add(type_key(g.types[i]), i);
    same_names = g.same_names;
    nodes.reserve(g.node_count * 2), operands.reserve(g.operand_count * 2), values.reserve(g.value_count * 2);
    import_maps map;
    map.values = list<int>(g.value_count, -1);
    return map;
  }
  /// Starts a pass that keeps all statements of another graph and adds some: values have the same numbers here.
  constexpr void begin_with_all(const graph_view& g) {
    begin(g);
    nodes.append(g.nodes, g.node_count), operands.append(g.operands, g.operand_count), words.append(g.words, g.word_count), values.append(g.values, g.value_count);
    for (int i = 0; i < g.node_count; ++i) {
      const node& n = g.nodes[i];
      statement_index_.add(content_key(n.op, g.words + n.word, n.words, g.operands + n.operand, n.operands, n.op->has_target ? g.values[n.result].type : 0, n.name, n.body), i);
    }
    input_count = g.input_count;
  }
  constexpr int import_type(const graph_view& g, import_maps& map, int t) {
    if (map.types.empty()) return t;
    if (map.types[t] < 0) map.types[t] = intern(g.types[t]);
    return map.types[t];
  }
  constexpr int import_name(const graph_view& g, import_maps& map, int i, int prefix) {
    if (i < 0) return i == name_info::root ? prefix : i;
    if (map.names.empty()) return i;
    same_names = same_names || g.same_names;
    if (g.same_names && prefix >= 0) problem = mistake::parameter_names;
    if (map.names[i] < 0) {
      name_info n = g.names[i];
      n.parameter = -1;
      n.parent = import_name(g, map, n.parent, prefix);
      if (prefix >= 0 && !n.is_absolute) {
        const name_hasher h = hash_below({n.hash, n.power}, prefix);
        n.hash = h.hash, n.power = h.power, n.is_absolute = names[prefix].is_absolute;
      }
      map.names[i] = intern_name(n);
    }
    return map.names[i];
  }
  /// Copies statement `n` of another graph.
  constexpr int import(const graph_view& g, const node& n, import_maps& map, int prefix = name_info::root) {
    int small[8]{}, kinds[4]{};
    list<int> x8, t4;
    int *x = small, *t = kinds;
    if (n.operands > 8) x8 = list<int>(n.operands), x = x8.data();
    if (n.results > 4) t4 = list<int>(n.results), t = t4.data();
    int* seen_values = map.values.data();
    const int* from = g.operands + n.operand;
    for (int k = 0; k < n.operands; ++k) x[k] = seen_values[from[k]];
    const bool same_types = map.types.empty();
    for (int k = 0; k < n.results; ++k) {
      const int type = g.values[n.result + k].type;
      t[k] = same_types ? type : import_type(g, map, type);
    }
    scope = n.scope < 0 && prefix < 0 ? n.scope : import_name(g, map, n.scope, prefix);
    const int name = n.name < 0 && n.op->kind != op_kind::call ? name_info::root : import_name(g, map, n.name, prefix);
    const int first = put(n.op, g.words + n.word, n.words, x, n.operands, t, n.results, name, n.body);
    for (int k = 0; k < n.results; ++k) seen_values[n.result + k] = first + k;
    return first;
  }

  /// Notes what parameters another graph reads.
  constexpr void import_parameters(const graph_view& g, import_maps& map, int prefix = name_info::root) {
    names.make_room(g.parameter_count), parameters.make_room(g.parameter_count);
    for (int k = 0; k < g.parameter_count; ++k)
      note_parameter(import_name(g, map, g.parameters[k].name, prefix), import_type(g, map, g.parameters[k].type), g.parameters[k].words);
  }
  /// Ends a pass over another graph, of whose values `map` knows what stands for them: outputs and inputs are those.
  constexpr void finish(const graph_view& g, import_maps& map) {
    for (int k = 0; k < g.output_count; ++k) outputs.push(map.values[g.outputs[k]]);
    input_count = g.input_count;
    notes = nullptr;
  }

  /// Notes that the graph reads a parameter; one name has one type.
  constexpr void note_parameter(int name, int type, const std::int64_t* w) {
    int& known = names[name].parameter;
    if (known < 0) known = parameters.push({name, type, {w[0], w[1], w[2], w[3]}});
    else if (parameters[known].type != type) problem = mistake::parameter_shapes;
  }

  /// What equal statements have in common. type: of the result, where that is an attribute.
  static constexpr digest content_key(const op_info* op, const std::int64_t* w, int word_count, const int* x, int operand_count, int type, int name,
                                      const graph_view* body) {
    digest h = op->id;
    for (int k = 0; k < word_count; ++k) h = (h ^ static_cast<digest>(w[k])) * 0xff51afd7ed558ccdull, h ^= h >> 32;
    for (int k = 0; k < operand_count; ++k) h = (h ^ static_cast<digest>(x[k] + 1)) * 0xff51afd7ed558ccdull, h ^= h >> 32;
    h = (h ^ static_cast<digest>(type + 7)) * 0xc4ceb9fe1a85ec53ull;
    if (name >= 0) h = (h ^ static_cast<digest>(name + 3)) * 0xc4ceb9fe1a85ec53ull;
    if (body) h ^= body->id;
    return h ^ h >> 29;
  }

 private:
  digest_table statement_index_, type_index_, name_index_;
  int names_indexed_ = 0;
  list<int> bool_types_;
  inference inferred_;
  list<const meta*> operand_types_;
};

}  // namespace thunder
