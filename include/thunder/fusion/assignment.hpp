#pragma once
/// Which statement belongs to which step: the first half of partitioning.
///
/// Statements are taken in order. One joins a region if the region comes no earlier than the steps it depends on (so no cycle can
/// arise), if their iteration spaces agree, and if that saves traffic: the region makes or reads one of its operands. Regions whose
/// values a statement brings together become one where they can. Constants, iotas, random numbers and widening casts belong to nobody:
/// each region that needs them computes them again. A number that larger values are computed with comes first of all, if it depends
/// on arguments alone: the scale of a gradient must not wait for the loss.
///
/// Fuel bounds the number of fusions (a statement that joins a region of others, two regions that become one), to find the one that
/// makes a difference. Notes, if there are any, are told each fusion, and what was in the way of others.
#include "../ir/flatten.hpp"
#include "../ops/random.hpp"
#include "../transforms/simplify.hpp"
#include "numbers.hpp"
#include "notes.hpp"
#include "squeezed_shape.hpp"

namespace thunder {

/// A statement that a region computes again: its value, with this shape there, varying along these dimensions.
struct copied_value {
  int value;
  unsigned shape, vary;
};
struct iteration_space {  // a class of its own: nvcc's front end assigns no class that holds both an array and a list
  int rank = 0;
  dim d[max_rank]{};
};
struct region_builder : iteration_space {
  int library = -1;  // the statement, for a library call
  unsigned row = 0;      // the dimensions of the row, once a reduction has fixed it
  bool reduced = false;  // holds a reduction
  bool first = false;    // comes before all that does not depend on arguments alone
  bool gone = false;     // has become part of a later one
  int refused = -1;      // the last region that could not become part of it, and why
  obstacle refused_why = obstacle::none;
  int part_of = -1;      // the region that it has become part of
  list<int> nodes;
  list<unsigned> masks;  // of all that is in it: what the choice of the row must agree with
  list<int> reads;       // values from outside
  list<copied_value> copies;  // what it computes again (recompute.hpp), in order
  constexpr unsigned all() const { return (1u << rank) - 1u; }
};
/// An operand as a region sees it: through broadcasts to the value that has memory or a statement, and the dimensions of it.
struct source {
  int value;
  unsigned mask;
};

/// The regions and library calls of a graph, and what is known of each value.
class assignment {
 public:
  static constexpr int max_statements = 96, max_inputs = 32, max_passes = 7;  // passes: reductions that depend on each other

  constexpr explicit assignment(const graph_view& g)
      : g_(g), step_of_(g.value_count, -1), roots_(g.value_count, 0), shape_mask_(g.value_count, 0u), vary_mask_(g.value_count, 0u), terminal_(g.value_count, false),
        light_(g.value_count, false), copy_of_(g.value_count, -1) {
    for (int v = 0; v < g.value_count; ++v) roots_[v] = v;
  }

 protected:
  constexpr int root(int v) const { return roots_[v]; }
  constexpr const node& at(int v) const { return g_.producer(v); }
  constexpr bool is_op(const node& n, const op_info* op) const { return n.op->id == op->id; }
  /// Computed again wherever it is needed, until something needs it in memory: regions before that step do not see it there.
  constexpr bool is_indexed(int v) const { return at(v).op->kind == op_kind::indexed && !in_memory_for(v); }
  constexpr bool is_light(int v) const { return light_[v] && !in_memory_for(v); }
  constexpr bool is_free(int v) const { return is_indexed(v) || is_light(v); }
  constexpr bool is_broadcast(int v) const { return is_op(at(v), table_of<ops::broadcast>()) && !in_memory_for(v); }
  constexpr bool in_memory_for(int v) const { return step_of_[v] >= 0 && (viewer_ < 0 || step_of_[v] <= viewer_); }
  constexpr bool is_leaf(int v) const { return at(v).op->kind == op_kind::leaf; }
  constexpr bool is_region(int k) const { return k >= 0 && regions_[k].library < 0 && !regions_[k].gone; }
  constexpr bool is_inside(int k, int v) const { return root(v) == v && step_of_[v] == k && !terminal_[v]; }
  /// A cast of a reduction that ends its region: the region stores it in the other type.
  constexpr bool is_stored_cast(int v) const { return terminal_[v] && is_op(at(v), table_of<ops::cast>()); }

  /// Operand j of n, whose own shape takes the dimensions `shape` of the region.
  constexpr source source_of(const node& n, int j, unsigned shape) const {
    int v = g_.operand(n, j);
    while (is_broadcast(v)) {
      shape = deposit(squeezed_mask(g_.type(v), g_.word(at(v), 0)), shape);
      v = g_.operand(at(v), 0);
    }
    return {v, shape};
  }
  constexpr source source_of_broadcast(int v, unsigned shape) const {
    return source_of(at(v), 0, deposit(squeezed_mask(g_.type(v), g_.word(at(v), 0)), shape));
  }
  /// What a light statement is computed from; other values as they are.
  constexpr source base_of(source x) const {
    while (is_light(x.value)) x = source_of(at(x.value), 0, x.mask);
    return x;
  }
  constexpr int base_value(const node& n, int j) const { return base_of(source_of(n, j, 0)).value; }

  /// Along which dimensions a constant (none), iota (one) or random value (all of its own) varies.
  constexpr unsigned free_mask(int v, unsigned shape) const {
    const node& n = at(v);
    if (is_op(n, table_of<ops::full>())) return 0;
    if (is_op(n, table_of<ops::iota>())) return deposit(squeezed_mask(g_.type(v), std::int64_t{1} << g_.word(n, 0)), shape);
    return shape;
  }
  constexpr bool copy_in(int k, int v) const {
    const list<copied_value>& c = regions_[k].copies;
    return copy_of_[v] >= 0 && copy_of_[v] < c.size() && c[copy_of_[v]].value == v;
  }
  constexpr unsigned vary_of(int k, const source& x) const {
    const source b = base_of(x);
    if (is_inside(k, b.value)) return vary_mask_[b.value];
    if (copy_in(k, b.value)) return regions_[k].copies[copy_of_[b.value]].vary;
    return is_indexed(b.value) ? free_mask(b.value, b.mask) : b.mask;
  }

  /// Whether what has the dimensions `mask` varies along all of the row or none of it.
  static constexpr bool agrees(unsigned mask, unsigned row) { return (mask & row) == 0 || (mask & row) == row; }

  const graph_view& g_;
  list<region_builder> regions_;
  list<int> step_of_;
  list<int> roots_;          // of each value: the value whose memory it shares (a reshape of it), itself otherwise
  list<unsigned> shape_mask_, vary_mask_;
  list<bool> terminal_;      // a reduction whose value only leaves the region
  list<bool> light_;         // costs less to compute again than to read: a cast to a wider type
  list<int> copy_of_;        // of each value: its place among the copies of the region that is looked at
  int viewer_ = -1;          // while steps are written down: the one that looks
};

/// Assigns every statement.
class assigner : public assignment {
 public:
  constexpr explicit assigner(const graph_view& g, fuel most = fuel::unlimited, partition_notes* notes = nullptr)
      : assignment(g), notes_(notes), fuel_(static_cast<int>(most)), pass_(g.value_count, 0), pending_(g.value_count, false), asked_(g.value_count, 0), reader_(g.value_count, -1) {
    const list<bool> first = numbers_of_arguments(g_);
    for (int i = 0; i < g_.node_count; ++i)
      if (first[i]) place(i);
    for (int k = 0; k < regions_.size(); ++k) regions_[k].first = true;
    for (int i = 0; i < g_.node_count; ++i)
      if (!first[i]) place(i);
    for (int k = 0; k < g_.output_count; ++k) in_memory(g_.outputs[k]);
  }

 protected:
  partition_notes* notes_;
  int fuel_;  // what is left

 private:
  constexpr void refuse(int region, int statement, obstacle why) {
    if (notes_) notes_->refused.push({region, statement, why});
  }
  constexpr void spend(int statement, int region, int from = -1) {
    if (fuel_ > 0) --fuel_;
    if (notes_) notes_->fused.push({statement, region, from});
  }
  static constexpr int max_of(int a, int b) { return a > b ? a : b; }

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

  constexpr bool is_of_first(int v) const { return step_of_[root(v)] >= 0 && regions_[step_of_[root(v)]].first; }
  constexpr bool is_unit_reshape(const node& n) const {
    return is_op(n, table_of<ops::reshape>()) && squeezed_shape(g_.type(n.result)) == squeezed_shape(g_.type(g_.operand(n, 0)));
  }
  constexpr bool widens(const node& n) const {
    if (!is_op(n, table_of<ops::cast>())) return false;
    const dtype from = g_.type(g_.operand(n, 0)).type, to = g_.type(n.result).type;
    return is_floating(from) && is_floating(to) && size_of(from) < size_of(to);
  }

  constexpr void place(int i) {
    const node& n = g_.nodes[i];
    if (n.op->kind == op_kind::leaf || n.op->kind == op_kind::indexed || is_op(n, table_of<ops::broadcast>())) return;
    if (is_op(n, table_of<ops::reshape>())) {  // part of the region of what it reshapes if it only moves dimensions of extent 1; else an alias
      const int x = g_.operand(n, 0), k = step_of_[x];
      if (is_unit_reshape(n) && is_region(k) && is_inside(k, x) && fuel_ != 0 && fits(k, i)) {
        join(k, i, true);
        spend(i, k);
        return;
      }
      in_memory(x);
      roots_[n.result] = root(x);
      return;
    }
    if (n.op->kind == op_kind::pointwise) {
      if (is_op(n, table_of<ops::cast>()) && store_as(i)) return;
      if (widens(n) && !is_free(source_of(n, 0, 0).value) && !pending_[source_of(n, 0, 0).value]) {
        light_[n.result] = true;
        return;
      }
      // What depends on arguments alone waits for its first user, to become part of the user's region.
      bool waits = g_.type(n.result).rank > 0;
      for (int j = 0; j < n.operands; ++j) {
        const int v = base_value(n, j);
        waits = waits && (is_leaf(v) || is_free(v) || pending_[v] || is_of_first(v));
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
      const int k = best_region(i), shape = k < 0 ? -1 : operand_shape(k, i);
      for (int j = 0; j < n.operands; ++j) {
        const source x = base_of(source_of(n, j, shape < 0 ? 0u : static_cast<unsigned>(shape)));
        if (!pending_[x.value]) continue;
        if (shape >= 0 && join_with_pending(k, g_.values[x.value].from, x.mask)) continue;
        place_in_region(g_.values[x.value].from);
        settled = false;  // it may have come later than region k; and the others may join it
        break;
      }
      if (!settled) continue;
      if (k >= 0) bring_together(k, i);
      if (k < 0) break;
      const obstacle why = fuel_ == 0 ? obstacle::fuel : join(k, i, true);
      if (why == obstacle::none) return spend(i, k);
      refuse(k, i, why);
    }
    const int k = add_region(g_.type(n.op->kind == op_kind::reduction ? g_.operand(n, 0) : n.result));
    if (join(k, i, true) != obstacle::none) throw "fusion: a statement does not fit a region of its own";
  }
  /// A waiting statement and those it waits for become part of region k with the shape `mask`, if they fit.
  constexpr bool join_with_pending(int k, int i, unsigned mask) {
    const node& n = g_.nodes[i];
    const int hint = static_cast<int>(mask);
    if (fuel_ == 0 || !fits(k, i, hint)) return false;
    for (int j = 0; j < n.operands; ++j) {
      const source x = base_of(source_of(n, j, mask));
      if (pending_[x.value] && !join_with_pending(k, g_.values[x.value].from, x.mask)) return false;
    }
    if (fuel_ == 0 || join(k, i, true, hint) != obstacle::none) return false;
    spend(i, k);
    for (int j = 0; j < n.operands && notes_; ++j)
      if (const int from = step_of_[root(base_value(n, j))]; from != k && is_region(from)) refuse(from, i, obstacle::user);
    pending_[n.result] = false;
    return true;
  }
  /// The region that a statement saves most by joining, or -1.
  constexpr int best_region(int i) {
    const node& n = g_.nodes[i];
    int need = 0, best = -1, best_score = 0;
    for (int k = 0; k < n.operands; ++k) need = max_of(need, available(g_.operand(n, k)));
    for (int k = 0; k < n.operands; ++k) {
      const int r = root(base_value(n, k));
      for (int c = 0; c < 2; ++c) {
        const int candidate = c == 0 ? step_of_[r] : reader_[r];
        if (!is_region(candidate) || candidate == best) continue;
        if (candidate < need || fuel_ == 0) {
          const int o = base_value(n, k);
          if (c == 0) refuse(candidate, i, fuel_ == 0 ? obstacle::fuel : r != o ? obstacle::reshaped : terminal_[o] ? obstacle::unfinished : obstacle::later);
          continue;
        }
        int score = 0;
        for (int j = 0; j < n.operands; ++j) {
          const int o = base_value(n, j);
          const bool worth = g_.type(o).rank > 0 || g_.type(n.result).rank == 0;  // reading one scalar saves nothing
          if (is_free(o) || pending_[o]) continue;
          if (step_of_[root(o)] == candidate) score += 4;
          else if (reader_[root(o)] == candidate && worth) score += 3;
        }
        if (score <= best_score) continue;
        const obstacle why = join(candidate, i, false);
        if (why == obstacle::none) best = candidate, best_score = score;
        else refuse(candidate, i, why);
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
    for (int j = 0; j < n.operands; ++j) {
      const int x = base_value(n, j);
      if (pending_[x]) place_in_region(g_.values[x].from);
    }
    const int k = add_region(g_.type(v));
    for (int j = 0; j < n.operands && notes_; ++j)
      if (const int from = step_of_[root(base_value(n, j))]; is_region(from)) refuse(from, g_.values[v].from, obstacle::stored);
    region_builder& r = regions_[k];
    shape_mask_[v] = r.all();
    if (is_indexed(v)) {
      vary_mask_[v] = free_mask(v, r.all());
      for (int j = 0; j < n.operands; ++j) note_read(k, base_value(n, j));
    } else {
      const source x = base_of(is_light(v) ? source_of(n, 0, r.all()) : source_of_broadcast(v, r.all()));
      vary_mask_[v] = is_indexed(x.value) ? free_mask(x.value, x.mask) : x.mask;
      note_read(k, x.value);
    }
    step_of_[v] = k;
    r.nodes.push(g_.values[v].from);
    r.masks.push(vary_mask_[v]);
  }

  /// A floating cast of a reduction that ends its region is how the region stores it.
  constexpr bool store_as(int i) {
    const node& n = g_.nodes[i];
    const int x = g_.operand(n, 0), k = step_of_[x];
    if (root(x) != x || !is_region(k) || !terminal_[x] || at(x).op->kind != op_kind::reduction) return false;
    if (!is_floating(g_.type(x).type) || !is_floating(g_.type(n.result).type)) return false;
    const int v = n.result;
    step_of_[v] = k, shape_mask_[v] = shape_mask_[x], vary_mask_[v] = vary_mask_[x], terminal_[v] = true, pass_[v] = pass_[x];
    regions_[k].nodes.push(i);
    return true;
  }

  // ---- two regions become one
  /// The regions that make operands of statement i become part of region k, where they can.
  constexpr void bring_together(int k, int i) {
    const node& n = g_.nodes[i];
    for (int j = 0; j < n.operands; ++j) {
      const int v = base_value(n, j);
      if (is_free(v) || pending_[v] || root(v) != v || terminal_[v]) continue;
      const int from = step_of_[v];
      if (from < 0 || from >= k || !is_region(from) || regions_[from].first) continue;
      region_builder& r = regions_[k];
      if (r.refused != from) r.refused = from, r.refused_why = fuel_ == 0 ? obstacle::fuel : merge(from, k);
      if (r.refused_why == obstacle::none) spend(i, k, from), r.refused = -1;
      else refuse(from, i, r.refused_why);
    }
  }
  constexpr bool reads_from(int k, int from) const {
    const region_builder& r = regions_[k];
    if (r.library >= 0) {
      const node& n = g_.nodes[r.library];
      for (int j = 0; j < n.operands; ++j)
        if (step_of_[root(g_.operand(n, j))] == from) return true;
      return false;
    }
    for (int v : r.reads)
      if (step_of_[v] == from) return true;
    return false;
  }
  /// The statements of region `from` become part of the later region `to`, if no step between needs them and if all fit together.
  constexpr obstacle merge(int from, int to) {
    region_builder &a = regions_[from], &b = regions_[to];
    if (a.rank != b.rank) return obstacle::space;
    for (int i = 0; i < a.rank; ++i)
      if (!(a.d[i] == b.d[i])) return obstacle::space;
    if (a.nodes.size() + b.nodes.size() > max_statements) return obstacle::statements;
    for (int k = from + 1; k < to; ++k)
      if (reads_from(k, from)) return obstacle::between;
    struct kept {
      int node, step, pass;
      unsigned shape, vary;
      bool terminal;
    };
    list<kept> old;
    list<int> together = a.nodes;
    together.append(b.nodes.data(), b.nodes.size());
    sort_nearly(together, [](int x, int y) { return x < y; });  // in the graph's order
    for (int i : together) {
      const node& n = g_.nodes[i];
      if (n.op->kind == op_kind::indexed || is_op(n, table_of<ops::broadcast>()) || light_[n.result]) return obstacle::stored;
      const int v = n.result;
      const kept one{i, step_of_[v], pass_[v], shape_mask_[v], vary_mask_[v], terminal_[v]};
      old.push(one);
    }
    list<int> readers, nodes = b.nodes, reads = b.reads;
    list<unsigned> masks = b.masks;
    const unsigned row = b.row;
    const bool reduced = b.reduced;
    for (int v : a.reads) readers.push(reader_[v]);
    for (int v : b.reads) readers.push(reader_[v]);
    for (const kept& k : old) step_of_[g_.nodes[k.node].result] = -1;
    b.nodes.clear(), b.masks.clear(), b.reads.clear(), b.row = 0, b.reduced = false;
    obstacle why = obstacle::none;
    for (const kept& k : old) {
      const node& n = g_.nodes[k.node];
      if (!is_op(n, table_of<ops::cast>()) || !k.terminal) why = join(to, k.node, true, n.op->kind == op_kind::reduction ? -1 : static_cast<int>(k.shape));
      else if (!store_as(k.node)) why = obstacle::unfinished;
      if (why == obstacle::none && terminal_[n.result] != k.terminal) why = obstacle::unfinished;  // a value that later steps count on must stay usable
      if (why != obstacle::none) break;
    }
    if (why == obstacle::none) {
      a.nodes.clear(), a.reads.clear(), a.gone = true, a.part_of = to;
      return why;
    }
    for (const kept& k : old) {
      const int v = g_.nodes[k.node].result;
      step_of_[v] = k.step, pass_[v] = k.pass, shape_mask_[v] = k.shape, vary_mask_[v] = k.vary, terminal_[v] = k.terminal;
    }
    b.nodes = nodes, b.masks = masks, b.reads = reads, b.row = row, b.reduced = reduced;
    int at = 0;
    for (int v : a.reads) reader_[v] = readers[at++];
    for (int v : b.reads) reader_[v] = readers[at++];
    return why;
  }

  // ---- joining
  constexpr int aligned(const region_builder& r, const meta& m) const {
    const squeezed_shape s(m);
    if (s.rank != r.rank) return -1;
    for (int i = 0; i < s.rank; ++i)
      if (!(s.d[i] == r.d[i])) return -1;
    return static_cast<int>(r.all());
  }
  /// The shape that a value has in region k, directly or through a light statement; -1 if it comes from outside.
  constexpr int inside_shape(int k, int v) const {
    while (is_light(v)) v = g_.operand(at(v), 0);
    return is_inside(k, v) ? static_cast<int>(shape_mask_[v]) : -1;
  }
  /// The shape of a statement's operands in region k, or -1.
  constexpr int operand_shape(int k, int i) const {
    const node& n = g_.nodes[i];
    const region_builder& r = regions_[k];
    if (n.op->kind == op_kind::reduction) return static_cast<int>(r.all());
    for (int j = 0; j < n.operands; ++j)
      if (const int s = inside_shape(k, g_.operand(n, j)); s >= 0) return s;
    return aligned(r, g_.type(n.result));
  }

  /// Whether a loop over the region may have no steps, though a value with the dimensions `mask` has elements: a dimension that the value
  /// lacks may be empty. (Of an empty row, what the row has one of is written.) Such a value is only computed again in the region.
  static constexpr bool may_be_unwritten(const region_builder& r, unsigned mask) {
    for (int i = 0; i + 1 < r.rank; ++i)
      if (!((mask | r.row) >> i & 1u) && (r.d[i].named() || r.d[i].size == 0)) return true;
    return false;
  }
  constexpr bool fits(int k, int i, int hint = -1) { return join(k, i, false, hint) == obstacle::none; }
  /// What is in the way of statement i being part of region k; where nothing is, `commit` makes it so. `hint`: the shape that it has there, if
  /// its users say so.
  constexpr obstacle join(int k, int i, bool commit, int hint = -1) {
    region_builder& r = regions_[k];
    const node& n = g_.nodes[i];
    const int v = n.result;
    if (r.nodes.size() >= max_statements) return obstacle::statements;
    if (r.reads.size() + n.operands > max_inputs) return obstacle::inputs;
    const bool reduction = n.op->kind == op_kind::reduction;
    int shape = -1;  // of the operands
    if (reduction) {
      const int x = g_.operand(n, 0);
      shape = inside_shape(k, x);
      if (shape < 0) shape = aligned(r, g_.type(x));
      if (shape != static_cast<int>(r.all())) return obstacle::space;  // only what varies over the whole space is reduced
    } else {
      for (int j = 0; j < n.operands; ++j) {
        const int s = inside_shape(k, g_.operand(n, j));
        if (s < 0) continue;
        if (shape >= 0 && shape != s) return obstacle::spread;
        shape = s;
      }
      if (hint >= 0 && shape >= 0 && shape != hint) return obstacle::spread;
      if (shape < 0) shape = hint >= 0 ? hint : aligned(r, g_.type(v));
      if (shape < 0) return promote_space(k, i, commit);
      if (may_be_unwritten(r, static_cast<unsigned>(shape))) return obstacle::spread;
    }
    unsigned vary = 0, removed = 0;
    int pass = reduction;
    for (int j = 0; j < n.operands; ++j) {
      const source x = source_of(n, j, static_cast<unsigned>(shape)), b = base_of(x);
      const bool inside = is_inside(k, b.value);
      if (inside && shape_mask_[b.value] != b.mask) return obstacle::spread;
      if (!inside && !is_free(b.value) && step_of_[root(b.value)] == k) return obstacle::unfinished;  // it is in memory only after this step
      vary |= vary_of(k, x);
      if (inside) pass = max_of(pass, pass_[b.value] + reduction);
    }
    if (pass > max_passes) return obstacle::passes;
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
            if (!agrees(m, removed)) return obstacle::row;
        row = removed;
      } else if (removed != 0) {
        terminal = true;
        vary = static_cast<unsigned>(shape);  // it is stored along all of its dimensions
        if (!agrees(removed, row)) return obstacle::row;
      }
    }
    // what comes in agrees with the row
    if (!agrees(static_cast<unsigned>(shape), row) || !agrees(vary, row)) return obstacle::row;
    const unsigned operand_shape = static_cast<unsigned>(shape) | removed;
    for (int j = 0; j < n.operands; ++j) {
      const source x = source_of(n, j, operand_shape);
      if (!is_inside(k, base_of(x).value) && !agrees(vary_of(k, x), row)) return obstacle::row;
    }
    if (!commit) return obstacle::none;
    r.row = row, r.reduced = r.reduced || reduction;
    for (int j = 0; j < n.operands; ++j) {
      const source x = source_of(n, j, operand_shape), b = base_of(x);
      if (is_inside(k, b.value)) continue;
      r.masks.push(vary_of(k, x));
      if (is_indexed(b.value))
        for (int m = 0; m < at(b.value).operands; ++m) note_read(k, base_value(at(b.value), m));
      else note_read(k, b.value);
    }
    r.masks.push(static_cast<unsigned>(shape)), r.masks.push(vary), r.masks.push(removed);
    step_of_[v] = k, shape_mask_[v] = static_cast<unsigned>(shape), vary_mask_[v] = vary, terminal_[v] = terminal, pass_[v] = pass;
    r.nodes.push(i);
    return obstacle::none;
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
  constexpr obstacle promote_space(int k, int i, bool commit) {
    region_builder& r = regions_[k];
    const node& n = g_.nodes[i];
    const squeezed_shape s(g_.type(n.result));
    if (r.reduced || r.rank == 0 || s.rank <= r.rank) return obstacle::space;
    for (int j = 0; j < r.rank; ++j)
      if (!(s.d[j] == r.d[j])) return obstacle::space;
    const unsigned all = (1u << s.rank) - 1u;
    bool extends = false;
    for (int j = 0; j < n.operands; ++j) {
      const source x = source_of(n, j, all), b = base_of(x);
      if (is_inside(k, b.value) && (b.mask != r.all() || shape_mask_[b.value] != b.mask)) return obstacle::spread;
      extends = extends || is_inside(k, b.value);
      if (!agrees(vary_of(k, x), all & ~r.all())) return obstacle::row;
    }
    if (!extends) return obstacle::space;
    if (!commit) return obstacle::none;
    r.row = all & ~r.all();
    r.rank = s.rank;
    for (int j = 0; j < s.rank; ++j) r.d[j] = s.d[j];
    return join(k, i, true, static_cast<int>(all));
  }

  list<int> pass_;       // the reductions that a value waits for inside its region
  list<bool> pending_;   // waits for its first user
  list<int> asked_;      // the last question about availability that met it
  int question_ = 0;
  list<int> reader_;     // the last region that reads it
};

}  // namespace thunder
