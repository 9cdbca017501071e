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
  static constexpr int max_statements = 96, max_inputs = 32, max_passes = 7;  // passes: reductions that depend on each other

  constexpr explicit partitioner(const graph_view& g)
      : g_(g), step_of_(g.value_count, -1), shape_mask_(g.value_count, 0u), vary_mask_(g.value_count, 0u), terminal_(g.value_count, false),
        pass_(g.value_count, 0), pending_(g.value_count, false), asked_(g.value_count, 0),
        reader_(g.value_count, -1), used_outside_(g.value_count, false) {
    for (int v = 0; v < g.value_count; ++v) p_.roots.push(v);
  }

  constexpr partition run() {
    for (int i = 0; i < g_.node_count; ++i) place(i);
    for (int k = 0; k < g_.output_count; ++k) {
      in_memory(g_.outputs[k]);
      used_outside_[root(g_.outputs[k])] = true;
    }
    for (int k = 0; k < regions_.size(); ++k) mark_reads(k);
    for (int k = 0; k < regions_.size(); ++k) emit_step(k);
    return static_cast<partition&&>(p_);
  }

 private:
  struct iteration_space {  // a class of its own: nvcc's front end assigns no class that holds both an array and a list
    int rank = 0;
    dim d[max_rank]{};
  };
  struct region_builder : iteration_space {
    int library = -1;  // the statement, for a library call
    unsigned row = 0;      // the dimensions of the row, once a reduction has fixed it
    bool reduced = false;  // holds a reduction
    list<int> nodes;
    list<unsigned> masks;  // of all that is in it: what the choice of the row must agree with
    list<int> reads;       // values from outside
    constexpr unsigned all() const { return (1u << rank) - 1u; }
  };
  /// An operand as a region sees it: through broadcasts to the value that has memory or a statement, and the dimensions of it.
  struct source {
    int value;
    unsigned mask;
  };

  constexpr int root(int v) const { return p_.roots[v]; }
  constexpr const node& at(int v) const { return g_.producer(v); }
  constexpr bool is_op(const node& n, const op_info* op) const { return n.op->id == op->id; }
  /// Computed again wherever it is needed, until something needs it in memory: regions before that step do not see it there.
  constexpr bool is_free(int v) const { return at(v).op->kind == op_kind::indexed && !in_memory_for(v); }
  constexpr bool is_broadcast(int v) const { return is_op(at(v), table_of<ops::broadcast>()) && !in_memory_for(v); }
  constexpr bool in_memory_for(int v) const { return step_of_[v] >= 0 && (viewer_ < 0 || step_of_[v] <= viewer_); }
  constexpr bool is_leaf(int v) const { return at(v).op->kind == op_kind::leaf; }
  constexpr bool is_region(int k) const { return k >= 0 && regions_[k].library < 0; }
  static constexpr int max_of(int a, int b) { return a > b ? a : b; }

  /// Operand j of n, whose own shape takes the dimensions `shape` of the region.
  constexpr source source_of(const node& n, int j, unsigned shape) const {
    int v = g_.operand(n, j);
    while (is_broadcast(v)) {
      shape = deposit(squeezed_mask(g_.type(v), g_.word(at(v), 0)), shape);
      v = g_.operand(at(v), 0);
    }
    return {v, shape};
  }
  constexpr int source_value(const node& n, int j) const { return source_of(n, j, 0).value; }

  /// The first step that may use a value.
  constexpr int available(int v) {
    ++question_;
    return available_now(v);
  }
  constexpr int available_now(int v) {
    if (is_free(v) || is_broadcast(v) || pending_[v]) {
      int need = 0;
      if (asked_[v] == question_) return need;  // it has been counted
      asked_[v] = question_;
      for (int k = 0; k < at(v).operands; ++k) need = max_of(need, available_now(g_.operand(at(v), k)));
      return need;
    }
    const int r = root(v);
    if (step_of_[r] < 0) return 0;
    const bool inside = r == v && !terminal_[r] && is_region(step_of_[r]);
    return step_of_[r] + !inside;
  }

  constexpr bool is_unit_reshape(const node& n) const {
    return is_op(n, table_of<ops::reshape>()) && squeezed_shape(g_.type(n.result)) == squeezed_shape(g_.type(g_.operand(n, 0)));
  }

  constexpr void place(int i) {
    const node& n = g_.nodes[i];
    if (n.op->kind == op_kind::leaf || n.op->kind == op_kind::indexed || is_op(n, table_of<ops::broadcast>())) return;
    if (is_op(n, table_of<ops::reshape>())) {  // part of the region of what it reshapes if it only moves dimensions of extent 1; else an alias
      const int x = g_.operand(n, 0), k = step_of_[x];
      if (is_unit_reshape(n) && is_region(k) && is_inside(k, x) && join(k, i, false)) {
        join(k, i, true);
        return;
      }
      in_memory(x);
      p_.roots[n.result] = root(x);
      return;
    }
    if (n.op->kind == op_kind::pointwise) {
      // What depends on arguments alone waits for its first user, to become part of the user's region.
      bool waits = g_.type(n.result).rank > 0;
      for (int j = 0; j < n.operands; ++j) {
        const int v = source_value(n, j);
        waits = waits && (is_leaf(v) || is_free(v) || pending_[v]);
      }
      if (waits) pending_[n.result] = true;
      else place_in_region(i);
    } else if (n.op->kind == op_kind::reduction) {
      place_in_region(i);
    } else {
      add_library(i);
    }
  }

  constexpr void place_in_region(int i) {
    const node& n = g_.nodes[i];
    pending_[n.result] = false;
    for (bool settled = false; !settled;) {
      settled = true;
      const int k = best_region(i);
      for (int j = 0; j < n.operands; ++j) {
        const int v = source_value(n, j);
        if (!pending_[v]) continue;
        if (k >= 0 && join_with_pending(k, g_.values[v].from)) continue;
        place_in_region(g_.values[v].from);
        settled = false;  // it may have come later than region k; and the others may join it
        break;
      }
      if (!settled) continue;
      if (k >= 0 && join(k, i, true)) return;
    }
    const int k = add_region(g_.type(n.op->kind == op_kind::reduction ? g_.operand(n, 0) : n.result));
    if (!join(k, i, true)) throw "fusion: a statement does not fit a region of its own";
  }
  /// A waiting statement and those it waits for become part of region k, if they fit.
  constexpr bool join_with_pending(int k, int i) {
    const node& n = g_.nodes[i];
    if (!join(k, i, false)) return false;
    for (int j = 0; j < n.operands; ++j) {
      const int v = source_value(n, j);
      if (pending_[v] && !join_with_pending(k, g_.values[v].from)) return false;
    }
    if (!join(k, i, true)) return false;
    pending_[n.result] = false;
    return true;
  }
  /// The region that a statement saves most by joining, or -1.
  constexpr int best_region(int i) {
    const node& n = g_.nodes[i];
    int need = 0, best = -1, best_score = 0;
    for (int k = 0; k < n.operands; ++k) need = max_of(need, available(g_.operand(n, k)));
    for (int k = 0; k < n.operands; ++k) {
      const int r = root(source_value(n, k));
      for (int c = 0; c < 2; ++c) {
        const int candidate = c == 0 ? step_of_[r] : reader_[r];
        if (candidate < need || candidate == best || !is_region(candidate)) continue;
        int score = 0;
        for (int j = 0; j < n.operands; ++j) {
          const int o = source_value(n, j);
          const bool worth = g_.type(o).rank > 0 || g_.type(n.result).rank == 0;  // reading one scalar saves nothing
          if (is_free(o) || pending_[o]) continue;
          if (step_of_[root(o)] == candidate) score += 4;
          else if (reader_[root(o)] == candidate && worth) score += 3;
        }
        if (score > best_score && join(candidate, i, false)) best = candidate, best_score = score;
      }
    }
    return best;
  }
  constexpr int add_region(const meta& space) {
    region_builder r;
    const squeezed_shape s(space);
    r.rank = s.rank;
    for (int k = 0; k < s.rank; ++k) r.d[k] = s.d[k];
    return regions_.push(r);
  }

  constexpr void add_library(int i) {
    const node& n = g_.nodes[i];
    for (int k = 0; k < n.operands; ++k) in_memory(g_.operand(n, k));
    region_builder r;
    r.library = i;
    const int k = regions_.push(r);
    for (int j = 0; j < n.results; ++j) step_of_[n.result + j] = k;
  }
  /// Sees to it that a value exists in memory.
  constexpr void in_memory(int v) {
    if (pending_[v]) return place_in_region(g_.values[v].from);
    if (!is_free(v) && !is_broadcast(v)) return;
    const node& n = at(v);
    for (int j = 0; j < n.operands; ++j)
      if (pending_[source_value(n, j)]) place_in_region(g_.values[source_value(n, j)].from);
    const int k = add_region(g_.type(v));
    region_builder& r = regions_[k];
    const bool indexed = is_free(v);
    shape_mask_[v] = r.all(), vary_mask_[v] = indexed ? free_mask(v, r.all()) : source_of_broadcast(v, r.all()).mask;
    for (int j = 0; j < n.operands; ++j) note_read(k, indexed ? g_.operand(n, j) : source_of_broadcast(v, 0).value);
    step_of_[v] = k;
    r.nodes.push(g_.values[v].from);
    r.masks.push(vary_mask_[v]);
  }
  constexpr source source_of_broadcast(int v, unsigned shape) const {
    return source_of(at(v), 0, deposit(squeezed_mask(g_.type(v), g_.word(at(v), 0)), shape));
  }

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
  constexpr unsigned vary_of(int k, const source& x) const {
    if (is_inside(k, x.value)) return vary_mask_[x.value];
    return is_free(x.value) ? free_mask(x.value, x.mask) : x.mask;
  }

  /// Whether statement i can be part of region k; with `commit`, makes it so.
  constexpr bool join(int k, int i, bool commit) {
    region_builder& r = regions_[k];
    const node& n = g_.nodes[i];
    const int v = n.result;
    if (r.nodes.size() >= max_statements || r.reads.size() + n.operands > max_inputs) return false;
    const bool reduction = n.op->kind == op_kind::reduction;
    int shape = -1;  // of the operands
    if (reduction) {
      const int x = g_.operand(n, 0);
      shape = is_inside(k, x) ? static_cast<int>(shape_mask_[x]) : aligned(r, g_.type(x));
      if (shape != static_cast<int>(r.all())) return false;  // only what varies over the whole space is reduced
    } else {
      for (int j = 0; j < n.operands; ++j) {
        const int x = g_.operand(n, j);
        if (!is_inside(k, x)) continue;
        if (shape >= 0 && shape != static_cast<int>(shape_mask_[x])) return false;
        shape = static_cast<int>(shape_mask_[x]);
      }
      if (shape < 0) shape = aligned(r, g_.type(v));
      if (shape < 0) return promote_space(k, i, commit);
    }
    unsigned vary = 0, removed = 0;
    int pass = reduction;
    for (int j = 0; j < n.operands; ++j) {
      const source x = source_of(n, j, static_cast<unsigned>(shape));
      if (is_inside(k, x.value) && shape_mask_[x.value] != x.mask) return false;
      vary |= vary_of(k, x);
      if (is_inside(k, x.value)) pass = max_of(pass, pass_[x.value] + reduction);
    }
    if (pass > max_passes) return false;
    bool terminal = false;
    unsigned row = r.row;
    if (reduction) {
      removed = deposit(squeezed_mask(g_.type(g_.operand(n, 0)), g_.word(n, 0)), r.all());
      const bool whole_row = agrees(vary, removed);  // or else the operand repeats along part of it
      shape &= static_cast<int>(~removed);
      vary &= ~removed;
      const bool suffix = removed != 0 && ((removed | (removed - 1u)) == r.all());
      if (suffix && whole_row && removed != r.all() && (row == 0 || row == removed)) {
        if (row == 0)
          for (unsigned m : r.masks)
            if (!agrees(m, removed)) return false;
        row = removed;
      } else if (removed != 0) {
        terminal = true;
        vary = static_cast<unsigned>(shape);  // it is stored along all of its dimensions
        if (!agrees(removed, row)) return false;
      }
    }
    // what comes in agrees with the row
    if (!agrees(static_cast<unsigned>(shape), row) || !agrees(vary, row)) return false;
    const unsigned operand_shape = static_cast<unsigned>(shape) | removed;
    for (int j = 0; j < n.operands; ++j) {
      const source x = source_of(n, j, operand_shape);
      if (!is_inside(k, x.value) && !agrees(vary_of(k, x), row)) return false;
    }
    if (!commit) return true;
    r.row = row, r.reduced = r.reduced || reduction;
    for (int j = 0; j < n.operands; ++j) {
      const source x = source_of(n, j, operand_shape);
      if (is_inside(k, x.value)) continue;
      r.masks.push(vary_of(k, x));
      if (is_free(x.value))
        for (int m = 0; m < at(x.value).operands; ++m) note_read(k, g_.operand(at(x.value), m));
      else note_read(k, x.value);
    }
    r.masks.push(static_cast<unsigned>(shape)), r.masks.push(vary), r.masks.push(removed);
    step_of_[v] = k, shape_mask_[v] = static_cast<unsigned>(shape), vary_mask_[v] = vary, terminal_[v] = terminal, pass_[v] = pass;
    r.nodes.push(i);
    return true;
  }
  constexpr void note_read(int k, int v) {
    if (is_inside(k, v) || pending_[v]) return;
    const int r = root(v);
    for (int seen : regions_[k].reads)
      if (seen == r) return;
    regions_[k].reads.push(r);
    reader_[r] = k;
  }
  /// A region over [R] becomes one over [R, C] when its value, broadcast along new trailing dimensions, meets a statement of that shape.
  constexpr bool promote_space(int k, int i, bool commit) {
    region_builder& r = regions_[k];
    const node& n = g_.nodes[i];
    const squeezed_shape s(g_.type(n.result));
    if (r.reduced || r.rank == 0 || s.rank <= r.rank) return false;
    for (int j = 0; j < r.rank; ++j)
      if (!(s.d[j] == r.d[j])) return false;
    const unsigned all = (1u << s.rank) - 1u;
    bool extends = false;
    for (int j = 0; j < n.operands; ++j) {
      const source x = source_of(n, j, all);
      if (is_inside(k, x.value) && (x.mask != r.all() || shape_mask_[x.value] != x.mask)) return false;
      extends = extends || is_inside(k, x.value);
      if (!agrees(vary_of(k, x), all & ~r.all())) return false;
    }
    if (!extends) return false;
    if (!commit) return true;
    r.row = all & ~r.all();
    r.rank = s.rank;
    for (int j = 0; j < s.rank; ++j) r.d[j] = s.d[j];
    return join(k, i, true);
  }

  // ---- second pass: what leaves a region, and its canonical form
  constexpr void mark_read(int k, int v) {
    const int r = root(v);
    if (step_of_[r] != k || r != v || terminal_[r] || regions_[k].library >= 0) used_outside_[r] = true;
  }
  constexpr void mark_reads(int k) {
    viewer_ = k;
    const region_builder& r = regions_[k];
    if (r.library >= 0) {
      const node& n = g_.nodes[r.library];
      for (int j = 0; j < n.operands; ++j) used_outside_[root(g_.operand(n, j))] = true;
      return;
    }
    for (int i : r.nodes)
      for (int j = 0; j < g_.nodes[i].operands; ++j) {
        const int x = source_value(g_.nodes[i], j);
        if (!is_free(x)) mark_read(k, x);
        else
          for (int m = 0; m < at(x).operands; ++m) mark_read(k, g_.operand(at(x), m));
      }
  }

  constexpr void emit_step(int k) {
    viewer_ = k;
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
    auto operand = [&](const node& n, int j) {
      if (is_op(n, table_of<ops::broadcast>())) return source_of_broadcast(n.result, r.all());
      return source_of(n, j, n.op->kind == op_kind::indexed ? 0u : n.op->kind == op_kind::reduction ? r.all() : shape_mask_[n.result]);
    };
    for (int i : r.nodes) {
      const node& n = g_.nodes[i];
      for (int j = 0; j < n.operands; ++j) {
        const source x = operand(n, j);
        if (is_inside(k, x.value)) continue;
        if (!is_free(x.value)) read(x.value, x.mask);
        else
          for (int m = 0; m < at(x.value).operands; ++m)
            if (!is_inside(k, g_.operand(at(x.value), m))) read(g_.operand(at(x.value), m), 0u);
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
      for (int j = 0; j < n.operands; ++j) {
        const source o = operand(n, j);
        x.push(is_free(o.value) ? emit_free(o.value, o.mask) : local_of(o.value, o.mask));
      }
      if (n.op->kind == op_kind::indexed) {
        const unsigned vary = collapse(vary_mask_[v]);
        locals.push({v, shape_mask_[v], emit_statement(n, vary, vary, !is_op(n, table_of<ops::full>()), x.data(), x.size())});
        continue;
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
  list<int> pass_;       // the reductions that a value waits for inside its region
  list<bool> pending_;   // waits for its first user
  list<int> asked_;      // the last question about availability that met it
  int question_ = 0;
  list<int> reader_;     // the last region that reads it
  list<bool> used_outside_;
  int viewer_ = -1;      // second pass: the step that looks
};

}  // namespace thunder
