#pragma once
/// The engine's form of a trace: a flat list of statements in SSA form, lean (integers only) because constexpr steps are
/// the compile-time budget. Types and names are interned; operands, attributes and results live in shared arrays.
#include "statement.hpp"

namespace thunder {

/// A parameter's or scope's name: a last segment below a parent. Interned, so that equal names are equal numbers.
struct name_info {
  const char* text = nullptr;
  int parent = root;
  digest hash = 0;  // of the full name, "h.3.attn.weight"
  static constexpr int root = -1, absolute = -2;
};

constexpr digest name_hash(digest parent, const char* text) { return digest_of(text, parent ? digest_of(".", parent) : 1); }

/// One statement.
struct node {
  const op_info* op = nullptr;
  const graph_view* body = nullptr;  // of a call
  int operand = 0, operands = 0;     // first and count, in the graph's operand list (of values)
  int word = 0, words = 0;           // in the graph's attribute list
  int result = 0, results = 0;       // the values this statement makes
  int name = name_info::root;        // a parameter's name, a call's prefix
};

/// One result of one statement.
struct value_info {
  int from = 0;  // the statement
  int type = 0;  // in the graph's table of types
};

/// A parameter that a graph reads, itself or in a call.
struct parameter_info {
  int name = 0, type = 0;
  std::int64_t words[4]{};  // the attributes of ops::param: trainable, initialiser and its two numbers
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

  constexpr int operand(const node& n, int k) const { return operands[n.operand + k]; }
  constexpr std::int64_t word(const node& n, int k) const { return words[n.word + k]; }
  constexpr const meta& type(int value) const { return types[values[value].type]; }
  constexpr const node& producer(int value) const { return nodes[values[value].from]; }
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

  constexpr graph_view view(digest id = 0) const {
    return {nodes.data(), operands.data(), words.data(), values.data(), types.data(), names.data(), parameters.data(), outputs.data(),
            nodes.size(), operands.size(), words.size(), values.size(), types.size(), names.size(), parameters.size(), outputs.size(), input_count, id};
  }
  constexpr int operand(const node& n, int k) const { return operands[n.operand + k]; }
  constexpr std::int64_t word(const node& n, int k) const { return words[n.word + k]; }
  constexpr const meta& type(int value) const { return types[values[value].type]; }
  constexpr const node& producer(int value) const { return nodes[values[value].from]; }

  // ---- interning
  constexpr int intern(const meta& m) {
    for (int i = types.size(); i-- > 0;)
      if (types[i] == m) return i;
    return types.push(m);
  }
  constexpr int intern_name(const char* text, int parent) {
    if (*text == '/') ++text, parent = name_info::absolute;
    const digest h = name_hash(parent >= 0 ? names[parent].hash : 0, text);
    const int found = name_index_.find(h);
    if (found >= 0) return found;
    const int i = names.push({text, parent, h});
    name_index_.add(h, i);
    return i;
  }

  // ---- statements
  /// Adds a statement whose results are known (from a checked record or another graph) unless it exists; its first value.
  constexpr int put(const op_info* op, const std::int64_t* w, int word_count, const int* x, int operand_count, const int* result_types,
                    int result_count, int name = name_info::root, const graph_view* body = nullptr) {
    digest h = op->id;
    for (int k = 0; k < word_count; ++k) h = mix(h, static_cast<digest>(w[k]));
    for (int k = 0; k < operand_count; ++k) h = mix(h, static_cast<digest>(x[k]));
    if (op->has_target) h = mix(h, static_cast<digest>(result_types[0]));
    if (name >= 0) h = mix(h, static_cast<digest>(name));
    if (body) h = mix(h, body->id);
    for (int i = statement_index_.first(h); i >= 0; i = statement_index_.next(h)) {
      const node& n = nodes[i];
      bool same = n.op->id == op->id && n.words == word_count && n.operands == operand_count && n.name == name && n.results == result_count &&
                  (n.body == body || (n.body && body && n.body->id == body->id)) && (!op->has_target || values[n.result].type == result_types[0]);
      for (int k = 0; same && k < word_count; ++k) same = words[n.word + k] == w[k];
      for (int k = 0; same && k < operand_count; ++k) same = operands[n.operand + k] == x[k];
      if (same) return n.result;
    }
    node n{op, body, operands.size(), operand_count, words.size(), word_count, values.size(), result_count, name};
    for (int k = 0; k < word_count; ++k) words.push(w[k]);
    for (int k = 0; k < operand_count; ++k) operands.push(x[k]);
    for (int k = 0; k < result_count; ++k) values.push({nodes.size(), result_types[k]});
    statement_index_.add(h, nodes.push(n));
    return n.result;
  }

  /// Adds a statement that a pass makes: infers its results. A mistake here is a bug in the pass.
  constexpr int emit(const op_info* op, const std::int64_t* w, int word_count, const int* x, int operand_count, const meta* target = nullptr) {
    const meta* in[8]{};
    list<const meta*> many;
    const meta** m = in;
    if (operand_count > 8) {
      many = list<const meta*>(operand_count);
      m = many.begin();
    }
    for (int k = 0; k < operand_count; ++k) m[k] = &type(x[k]);
    inference r;
    op->infer({m, operand_count, w, word_count, target}, r);
    if (r.error != mistake::none) throw "a pass made an ill-typed statement";
    list<int> t;
    t.reserve(r.count());
    for (int k = 0; k < r.count(); ++k) t.push(intern(r[k]));
    return put(op, w, word_count, x, operand_count, t.data(), t.size());
  }

  /// Copies statement `n` of another graph. `map` leads from its values to ours, `types_of` from its types and `names_of`
  /// from its names (-1: not met yet).
  struct import_maps {
    list<int> values, types, names;
    constexpr explicit import_maps(const graph_view& g) : values(g.value_count, -1), types(g.type_count, -1), names(g.name_count, -1) {}
  };
  constexpr int import_type(const graph_view& g, import_maps& map, int t) {
    if (map.types[t] < 0) map.types[t] = intern(g.types[t]);
    return map.types[t];
  }
  constexpr int import_name(const graph_view& g, import_maps& map, int i, int prefix) {
    if (i < 0) return i == name_info::root ? prefix : i;
    if (map.names[i] < 0) {
      const int parent = import_name(g, map, g.names[i].parent, prefix);
      map.names[i] = intern_name(g.names[i].text, parent);
    }
    return map.names[i];
  }
  constexpr int import(const graph_view& g, const node& n, import_maps& map, int prefix = name_info::root) {
    int small[8]{}, kinds[4]{};
    list<int> x8, t4;
    int *x = small, *t = kinds;
    if (n.operands > 8) x8 = list<int>(n.operands), x = x8.begin();
    if (n.results > 4) t4 = list<int>(n.results), t = t4.begin();
    for (int k = 0; k < n.operands; ++k) x[k] = map.values[g.operand(n, k)];
    for (int k = 0; k < n.results; ++k) t[k] = import_type(g, map, g.values[n.result + k].type);
    const int name = n.name < 0 && n.op->kind != op_kind::call ? name_info::root : import_name(g, map, n.name, prefix);
    const int first = put(n.op, g.words + n.word, n.words, x, n.operands, t, n.results, name, n.body);
    for (int k = 0; k < n.results; ++k) map.values[n.result + k] = first + k;
    return first;
  }

  /// Notes that the graph reads a parameter; one name has one type.
  constexpr void note_parameter(int name, int type, const std::int64_t* w) {
    const digest h = names[name].hash;
    const int found = parameter_index_.find(h);
    if (found < 0) parameter_index_.add(h, parameters.push({name, type, {w[0], w[1], w[2], w[3]}}));
    else if (parameters[found].type != type) problem = mistake::parameter_shapes;
  }

 private:
  /// Open addressing, from a digest to an integer; several entries may share a digest.
  struct index_table {
    list<digest> keys;
    list<int> items;
    int used = 0, cursor = 0;
    constexpr int first(digest h) {
      if (keys.empty()) return -1;
      cursor = static_cast<int>(h & static_cast<digest>(keys.size() - 1));
      return seek(h);
    }
    constexpr int next(digest h) {
      advance();
      return seek(h);
    }
    constexpr int find(digest h) { return first(h); }
    constexpr void add(digest h, int item) {
      if (++used * 2 > keys.size()) grow();
      cursor = static_cast<int>(h & static_cast<digest>(keys.size() - 1));
      while (items[cursor] >= 0) advance();
      keys[cursor] = h, items[cursor] = item;
    }

   private:
    constexpr void advance() { cursor = (cursor + 1) & (keys.size() - 1); }
    constexpr int seek(digest h) {
      for (; items[cursor] >= 0; advance())
        if (keys[cursor] == h) return items[cursor];
      return -1;
    }
    constexpr void grow() {
      list<digest> old_keys = static_cast<list<digest>&&>(keys);
      list<int> old_items = static_cast<list<int>&&>(items);
      const int n = old_keys.empty() ? 64 : old_keys.size() * 4;
      keys = list<digest>(n), items = list<int>(n, -1);
      for (int i = 0; i < old_keys.size(); ++i)
        if (old_items[i] >= 0) {
          cursor = static_cast<int>(old_keys[i] & static_cast<digest>(n - 1));
          while (items[cursor] >= 0) advance();
          keys[cursor] = old_keys[i], items[cursor] = old_items[i];
        }
    }
  };
  index_table statement_index_, name_index_, parameter_index_;
};

}  // namespace thunder
