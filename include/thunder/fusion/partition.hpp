#pragma once
/// From a flat graph to steps: fused regions and library calls, in order of execution.
///
/// Statements are taken in order. One joins a region if the region comes no earlier than the steps it depends on (so no cycle can
/// arise), if their iteration spaces agree, and if that saves traffic: the region makes or reads one of its operands. Constants,
/// iotas and random numbers belong to nobody: each region that needs them computes them again.
#include "../ir/flatten.hpp"
#include "../ops/random.hpp"
#include "../transforms/simplify.hpp"

namespace thunder {

/// One step of a program. `op` is null for a fused region.
struct step_info {
  const op_info* op = nullptr;
  int statement = 0, statements = 0;  // of a region
  int input = 0, inputs = 0;
  int output = 0, outputs = 0;
  int extent = 0, extents = 0;        // of a region: its iteration space
  int word = 0, words = 0;            // of a library call
  int name = name_info::root;         // where in the model it comes from
};
struct step_input {
  int value;
  dtype type;
  unsigned mask;
};
struct step_output {
  int value;
  int local;
  dtype type;
  unsigned mask;
};
struct step_statement {
  const op_info* op;
  dtype type;
  unsigned mask;
  int word, words, operand, operands;
};

/// The steps of a program and the values between them.
struct partition {
  list<step_info> steps;
  list<step_input> inputs;
  list<step_output> outputs;
  list<step_statement> statements;
  list<std::int64_t> words;
  list<int> operands;
  list<dim> extents;
  list<int> roots;  // of each value of the graph: the value whose memory it shares (a reshape of it), itself otherwise
};

/// A shape without its dimensions of extent 1.
struct squeezed_shape {
  int rank = 0;
  dim d[max_rank]{};
  constexpr explicit squeezed_shape(const meta& m) {
    for (int i = 0; i < m.rank; ++i)
      if (!m.d[i].is_one()) d[rank++] = m.d[i];
  }
  constexpr bool operator==(const squeezed_shape& o) const {
    if (rank != o.rank) return false;
    for (int i = 0; i < rank; ++i)
      if (!(d[i] == o.d[i])) return false;
    return true;
  }
};
/// A mask of dimensions as a mask of those that are not 1.
constexpr unsigned squeezed_mask(const meta& m, std::int64_t mask) {
  unsigned r = 0;
  for (int i = 0, k = 0; i < m.rank; ++i)
    if (!m.d[i].is_one()) r |= static_cast<unsigned>(mask >> i & 1) << k++;
  return r;
}
/// The bits of `inner`, which count the set bits of `outer`, in place: deposit(0b101, 0b1101) = 0b1001.
constexpr unsigned deposit(unsigned inner, unsigned outer) {
  unsigned r = 0;
  for (int i = 0, k = 0; i < max_rank; ++i)
    if (outer >> i & 1) r |= (inner >> k++ & 1u) << i;
  return r;
}

class partitioner {
 public:
  static constexpr int max_statements = 96, max_inputs = 32;

  constexpr explicit partitioner(const graph_view& g)
      : g_(g), step_of_(g.value_count, -1), shape_mask_(g.value_count, 0u), vary_mask_(g.value_count, 0u), terminal_(g.value_count, false), reader_(g.value_count, -1),
        used_outside_(g.value_count, false) {
    for (int v = 0; v < g.value_count; ++v) p_.roots.push(v);
  }

  constexpr partition run() {
    for (int i = 0; i < g_.node_count; ++i) place(i);
    for (int k = 0; k < g_.output_count; ++k) {
      const int v = g_.outputs[k];
      if (is_free(v)) materialise(v);
      used_outside_[root(v)] = true;
    }
    for (int k = 0; k < regions_.size(); ++k) mark_reads(k);
    for (int k = 0; k < regions_.size(); ++k) emit_step(k);
    return static_cast<partition&&>(p_);
  }

 private:
  struct region_builder {
    int library = -1;  // the statement, for a library call
    int rank = 0;
    dim d[max_rank]{};
    unsigned row = 0;      // the dimensions of the row, once a reduction has fixed it
    bool reduced = false;  // holds a reduction
    list<int> nodes;
    list<unsigned> masks;  // of all that is in it: what the choice of the row must agree with
    list<int> reads;       // values from outside
    constexpr unsigned all() const { return (1u << rank) - 1u; }
  };

  constexpr int root(int v) const { return p_.roots[v]; }
  constexpr const node& at(int v) const { return g_.producer(v); }
  constexpr bool is_op(const node& n, const op_info* op) const { return n.op->id == op->id; }
  constexpr bool is_free(int v) const { return at(v).op->kind == op_kind::indexed && step_of_[v] < 0; }
  constexpr bool is_leaf(int v) const { return at(v).op->kind == op_kind::leaf; }

  /// The first step that may use a value.
  constexpr int available(int v) const {
    if (is_free(v)) {
      int need = 0;
      for (int k = 0; k < at(v).operands; ++k) need = max_of(need, available(g_.operand(at(v), k)));
      return need;
    }
    const int r = root(v);
    if (step_of_[r] < 0) return 0;
    const bool inside = r == v && !terminal_[r] && regions_[step_of_[r]].library < 0;
    return step_of_[r] + !inside;
  }
  static constexpr int max_of(int a, int b) { return a > b ? a : b; }

  constexpr bool is_unit_reshape(const node& n) const {
    return is_op(n, table_of<ops::reshape>()) && squeezed_shape(g_.type(n.result)) == squeezed_shape(g_.type(g_.operand(n, 0)));
  }
  constexpr bool is_fusable(const node& n) const {
    return n.op->kind == op_kind::pointwise || n.op->kind == op_kind::reduction || is_op(n, table_of<ops::broadcast>());
  }

  constexpr void place(int i) {
    const node& n = g_.nodes[i];
    if (n.op->kind == op_kind::leaf || n.op->kind == op_kind::indexed) return;
    if (is_op(n, table_of<ops::reshape>())) {  // part of the region of what it reshapes if it only moves dimensions of extent 1; else an alias
      const int x = g_.operand(n, 0), k = step_of_[x];
      const bool inside = k >= 0 && regions_[k].library < 0 && is_inside(k, x);
      if (is_unit_reshape(n) && inside && join(k, i, false)) {
        join(k, i, true);
        return;
      }
      if (is_free(x)) materialise(x);
      p_.roots[n.result] = root(x);
      return;
    }
    if (!is_fusable(n)) return add_library(i);
    int need = 0;
    for (int k = 0; k < n.operands; ++k) need = max_of(need, available(g_.operand(n, k)));
    int best = -1, best_score = 0;
    for (int k = 0; k < n.operands; ++k) {
      const int v = g_.operand(n, k), r = root(v);
      for (int candidate : {step_of_[r], reader_[r]}) {
        if (candidate < need || candidate == best || regions_[candidate].library >= 0) continue;
        int score = 0;
        for (int j = 0; j < n.operands; ++j) {
          const int o = g_.operand(n, j);
          const bool worth = g_.type(o).rank > 0 || g_.type(n.result).rank == 0;  // reading one scalar saves nothing
          score += is_free(o) ? 0 : step_of_[root(o)] == candidate ? 4 : reader_[root(o)] == candidate && worth ? 3 : 0;
        }
        if (score > best_score && fits(candidate, i)) best = candidate, best_score = score;
      }
    }
    if (best < 0) {
      region_builder r;
      const squeezed_shape s(g_.type(n.op->kind == op_kind::reduction ? g_.operand(n, 0) : n.result));
      r.rank = s.rank;
      for (int k = 0; k < s.rank; ++k) r.d[k] = s.d[k];
      best = regions_.push(r);
    }
    if (!join(best, i, true)) throw "fusion: a statement does not fit a region of its own";
  }

  constexpr void add_library(int i) {
    const node& n = g_.nodes[i];
    for (int k = 0; k < n.operands; ++k)
      if (is_free(g_.operand(n, k))) materialise(g_.operand(n, k));
    region_builder r;
    r.library = i;
    const int k = regions_.push(r);
    for (int j = 0; j < n.results; ++j) step_of_[n.result + j] = k;
  }
  /// A constant, iota or random value that must exist in memory.
  constexpr void materialise(int v) {
    region_builder r;
    const squeezed_shape s(g_.type(v));
    r.rank = s.rank;
    for (int k = 0; k < s.rank; ++k) r.d[k] = s.d[k];
    const int k = regions_.push(r);
    shape_mask_[v] = regions_[k].all(), vary_mask_[v] = free_mask(v, shape_mask_[v]);
    for (int j = 0; j < at(v).operands; ++j) note_read(k, g_.operand(at(v), j));
    step_of_[v] = k;
    regions_[k].nodes.push(g_.values[v].from);
    regions_[k].masks.push(vary_mask_[v]);
  }

  constexpr bool fits(int k, int i) { return join(k, i, false); }

  /// Along which dimensions a constant (none), iota (one) or random value (all of its own) varies.
  constexpr unsigned free_mask(int v, unsigned shape) const {
    const node& n = at(v);
    if (is_op(n, table_of<ops::full>())) return 0;
    if (is_op(n, table_of<ops::iota>())) return deposit(squeezed_mask(g_.type(v), std::int64_t{1} << g_.word(n, 0)), shape);
    return shape;
  }
  constexpr bool is_inside(int k, int v) const { return root(v) == v && step_of_[v] == k && !terminal_[v]; }
  constexpr int aligned(const region_builder& r, const meta& m) const {
    const squeezed_shape s(m);
    if (s.rank != r.rank) return -1;
    for (int i = 0; i < s.rank; ++i)
      if (!(s.d[i] == r.d[i])) return -1;
    return static_cast<int>(r.all());
  }
  static constexpr bool agrees(unsigned mask, unsigned row) { return (mask & row) == 0 || (mask & row) == row; }

  /// Whether statement i can be part of region k; with `commit`, makes it so.
  constexpr bool join(int k, int i, bool commit) {
    region_builder& r = regions_[k];
    const node& n = g_.nodes[i];
    const int v = n.result;
    if (r.nodes.size() >= max_statements || r.reads.size() + n.operands > max_inputs) return false;
    int shape = -1;
    unsigned vary = 0, removed = 0, operand_shape = 0;
    bool terminal = false;
    unsigned row = r.row;
    if (n.op->kind == op_kind::reduction) {
      const int x = g_.operand(n, 0);
      operand_shape = r.all();
      const int shape_x = is_inside(k, x) ? static_cast<int>(shape_mask_[x]) : aligned(r, g_.type(x));
      if (shape_x != static_cast<int>(r.all())) return false;  // only what varies over the whole space is reduced
      removed = deposit(squeezed_mask(g_.type(x), g_.word(n, 0)), operand_shape);
      shape = static_cast<int>(operand_shape & ~removed);
      vary = operand_vary(k, x, operand_shape) & ~removed;
      const bool suffix = removed != 0 && ((removed | (removed - 1u)) == r.all());
      if (removed == 0) terminal = false;
      else if (suffix && removed != r.all() && (row == 0 || row == removed)) {
        if (row == 0)
          for (unsigned m : r.masks)
            if (!agrees(m, removed)) return false;
        row = removed;
      } else {
        terminal = true;
        if (!agrees(removed, row)) return false;
      }
    } else if (is_op(n, table_of<ops::broadcast>())) {
      const int x = g_.operand(n, 0);
      shape = aligned(r, g_.type(v));
      const unsigned subset = squeezed_mask(g_.type(v), g_.word(n, 0));  // may hold fewer bits than x has dimensions, if those are 1
      if (shape < 0) {
        if (!is_inside(k, x) || shape_mask_[x] != r.all() || r.reduced) return false;
        return promote_space(k, i, subset, commit);
      }
      operand_shape = subset;
      if (is_inside(k, x) && shape_mask_[x] != operand_shape) return false;
      vary = operand_vary(k, x, operand_shape);
    } else {
      for (int j = 0; j < n.operands; ++j) {
        const int x = g_.operand(n, j);
        if (!is_inside(k, x)) continue;
        if (shape >= 0 && shape != static_cast<int>(shape_mask_[x])) return false;
        shape = static_cast<int>(shape_mask_[x]);
      }
      if (shape < 0) shape = aligned(r, g_.type(v));
      if (shape < 0) return false;
      operand_shape = static_cast<unsigned>(shape);
      for (int j = 0; j < n.operands; ++j) vary |= operand_vary(k, g_.operand(n, j), operand_shape);
    }
    // what comes in agrees with the row
    if (!agrees(static_cast<unsigned>(shape), row) || !agrees(vary, row)) return false;
    for (int j = 0; j < n.operands; ++j) {
      const int x = g_.operand(n, j);
      if (!is_inside(k, x) && !agrees(operand_vary(k, x, operand_shape), row)) return false;
    }
    if (!commit) return true;
    r.row = row, r.reduced = r.reduced || n.op->kind == op_kind::reduction;
    for (int j = 0; j < n.operands; ++j) {
      const int x = g_.operand(n, j);
      if (is_inside(k, x)) continue;
      r.masks.push(operand_vary(k, x, operand_shape));
      if (is_free(x))
        for (int m = 0; m < at(x).operands; ++m) note_read(k, g_.operand(at(x), m));
      else note_read(k, x);
    }
    r.masks.push(static_cast<unsigned>(shape)), r.masks.push(vary), r.masks.push(removed);
    step_of_[v] = k, shape_mask_[v] = static_cast<unsigned>(shape), vary_mask_[v] = vary, terminal_[v] = terminal;
    r.nodes.push(i);
    return true;
  }
  constexpr unsigned operand_vary(int k, int x, unsigned shape) const {
    if (is_inside(k, x)) return vary_mask_[x];
    return is_free(x) ? free_mask(x, shape) : shape;
  }
  constexpr void note_read(int k, int v) {
    if (is_inside(k, v)) return;
    const int r = root(v);
    for (int seen : regions_[k].reads)
      if (seen == r) return;
    regions_[k].reads.push(r);
    reader_[r] = k;
  }
  /// A region over [R] (or a scalar) becomes one over [R, C] when its value is broadcast along new trailing dimensions.
  constexpr bool promote_space(int k, int i, unsigned subset, bool commit) {
    region_builder& r = regions_[k];
    const node& n = g_.nodes[i];
    const squeezed_shape s(g_.type(n.result));
    const unsigned all = (1u << s.rank) - 1u;
    if (subset != r.all()) return false;  // the old dimensions must lead
    if (r.rank > 0 && r.row != 0) return false;
    if (!commit) return true;
    const unsigned added = all & ~subset;
    r.row = r.rank > 0 ? added : 0u;
    r.rank = s.rank;
    for (int j = 0; j < s.rank; ++j) r.d[j] = s.d[j];
    const int x = g_.operand(n, 0), v = n.result;
    r.masks.push(all);
    step_of_[v] = k, shape_mask_[v] = all, vary_mask_[v] = vary_mask_[x];
    r.nodes.push(i);
    return true;
  }

  // ---- second pass: what leaves a region, and its canonical form
  constexpr void mark_read(int k, int v) {
    const int r = root(v);
    if (step_of_[r] != k || r != v || terminal_[r] || regions_[k].library >= 0) used_outside_[r] = true;
  }
  constexpr void mark_reads(int k) {
    const region_builder& r = regions_[k];
    if (r.library >= 0) {
      const node& n = g_.nodes[r.library];
      for (int j = 0; j < n.operands; ++j) used_outside_[root(g_.operand(n, j))] = true;
      return;
    }
    for (int i : r.nodes)
      for (int j = 0; j < g_.nodes[i].operands; ++j) {
        const int x = g_.operand(g_.nodes[i], j);
        if (!is_free(x)) mark_read(k, x);
        else
          for (int m = 0; m < at(x).operands; ++m) mark_read(k, g_.operand(at(x), m));
      }
  }

  constexpr void emit_step(int k) {
    const region_builder& r = regions_[k];
    step_info s;
    s.input = p_.inputs.size(), s.output = p_.outputs.size(), s.statement = p_.statements.size(), s.extent = p_.extents.size(), s.word = p_.words.size();
    if (r.library >= 0) {
      const node& n = g_.nodes[r.library];
      s.op = n.op;
      for (int j = 0; j < n.operands; ++j) p_.inputs.push({g_.operand(n, j), g_.type(g_.operand(n, j)).type, 0u});
      for (int j = 0; j < n.results; ++j) p_.outputs.push({n.result + j, j, g_.type(n.result + j).type, 0u});
      for (int j = 0; j < n.words; ++j) p_.words.push(g_.word(n, j));
      s.inputs = n.operands, s.outputs = n.results, s.words = n.words;
    } else {
      emit_region(r, k, s);
    }
    p_.steps.push(s);
  }

  struct local_value {
    int value;
    unsigned shape;
    int local;
  };
  constexpr void emit_region(const region_builder& r, int k, step_info& s) {
    // dimensions that every mask treats alike become one
    unsigned joined = 0;  // bit i: dimension i belongs with i - 1
    for (int i = 1; i < r.rank; ++i) {
      bool alike = true;
      for (unsigned m : r.masks) alike = alike && (m >> i & 1u) == (m >> (i - 1) & 1u);
      if (alike) joined |= 1u << i;
    }
    auto collapse = [&](unsigned mask) {
      unsigned c = 0;
      for (int i = 0, to = -1; i < r.rank; ++i) {
        to += !(joined >> i & 1u);
        c |= (mask >> i & 1u) << to;
      }
      return c;
    };
    for (int i = 0; i < r.rank; ++i) {
      if (joined >> i & 1u) p_.extents.back() = p_.extents.back() * r.d[i];
      else p_.extents.push(r.d[i]), ++s.extents;
    }
    if (s.extents == 0) p_.extents.push(dim(1)), ++s.extents;

    // inputs first
    list<local_value> locals;
    auto find = [&](int v, unsigned shape) {
      for (const local_value& l : locals)
        if (l.value == v && l.shape == shape) return l.local;
      return -1;
    };
    auto read = [&](int v, unsigned shape) {
      const int x = root(v);
      if (find(x, shape) >= 0) return;
      locals.push({x, shape, s.inputs++});
      p_.inputs.push({x, g_.type(x).type, collapse(shape)});
    };
    auto operand_shape = [&](const node& n, int j) {
      const int x = g_.operand(n, j), v = n.result;
      if (is_inside(k, x)) return shape_mask_[x];
      if (n.op->kind == op_kind::reduction) return r.all();
      if (is_op(n, table_of<ops::broadcast>())) return squeezed_mask(g_.type(v), g_.word(n, 0));
      return shape_mask_[v];
    };
    for (int i : r.nodes) {
      const node& n = g_.nodes[i];
      for (int j = 0; j < n.operands; ++j) {
        const int x = g_.operand(n, j);
        if (is_inside(k, x)) continue;
        if (!is_free(x)) read(x, n.op->kind == op_kind::indexed ? 0u : operand_shape(n, j));
        else
          for (int m = 0; m < at(x).operands; ++m)
            if (!is_inside(k, g_.operand(at(x), m))) read(g_.operand(at(x), m), 0u);
      }
    }
    // statements
    int next = s.inputs;
    auto local_of = [&](int v, unsigned shape) {
      if (is_inside(k, v)) {
        const int l = find(v, shape_mask_[v]);
        return l;
      }
      return find(root(v), shape);
    };
    auto emit_statement = [&](const node& n, unsigned vary, unsigned first_word, bool has_first_word, const int* x, int count) {
      step_statement t{n.op, g_.type(n.result).type, vary, p_.words.size(), 0, p_.operands.size(), count};
      if (has_first_word) p_.words.push(first_word), ++t.words;
      if (n.op->kind == op_kind::indexed && is_op(n, table_of<ops::full>())) p_.words.push(g_.word(n, 0)), ++t.words;
      for (int j = 0; j < count; ++j) p_.operands.push(x[j]);
      p_.statements.push(t);
      ++s.statements;
      return next++;
    };
    list<int> x;
    auto emit_free = [&](int v, unsigned shape) {
      const int known = find(v, shape);
      if (known >= 0) return known;
      const node& n = at(v);
      list<int> y;
      for (int m = 0; m < n.operands; ++m) y.push(local_of(g_.operand(n, m), 0u));
      const unsigned vary = collapse(free_mask(v, shape));
      const bool indexed = !is_op(n, table_of<ops::full>());
      const int local = emit_statement(n, vary, vary, indexed, y.data(), y.size());
      locals.push({v, shape, local});
      return local;
    };
    for (int i : r.nodes) {
      const node& n = g_.nodes[i];
      const int v = n.result;
      x.clear();
      if (n.op->kind == op_kind::indexed) {
        for (int m = 0; m < n.operands; ++m) x.push(local_of(g_.operand(n, m), 0u));
        const unsigned vary = collapse(vary_mask_[v]);
        locals.push({v, shape_mask_[v], emit_statement(n, vary, vary, !is_op(n, table_of<ops::full>()), x.data(), x.size())});
        continue;
      }
      for (int j = 0; j < n.operands; ++j) {
        const int o = g_.operand(n, j);
        x.push(is_free(o) ? emit_free(o, operand_shape(n, j)) : local_of(o, operand_shape(n, j)));
      }
      int local = x[0];  // broadcast, reshape and a reduction over nothing are the operand itself
      if (n.op->kind == op_kind::pointwise) local = emit_statement(n, collapse(vary_mask_[v]), 0, false, x.data(), x.size());
      else if (n.op->kind == op_kind::reduction) {
        const unsigned removed = r.all() & ~shape_mask_[v];
        if (removed) local = emit_statement(n, collapse(vary_mask_[v]), collapse(removed), true, x.data(), x.size());
      }
      locals.push({v, shape_mask_[v], local});
    }
    for (int i : r.nodes) {
      const int v = g_.nodes[i].result;
      if (!used_outside_[v]) continue;
      p_.outputs.push({v, local_of_output(locals, v), g_.type(v).type, collapse(shape_mask_[v])});
      ++s.outputs;
    }
  }
  static constexpr int local_of_output(const list<local_value>& locals, int v) {
    for (const local_value& l : locals)
      if (l.value == v) return l.local;
    return -1;
  }

  const graph_view& g_;
  partition p_;
  list<region_builder> regions_;
  list<int> step_of_;
  list<unsigned> shape_mask_, vary_mask_;
  list<bool> terminal_;
  list<int> reader_;
  list<bool> used_outside_;
};

}  // namespace thunder
