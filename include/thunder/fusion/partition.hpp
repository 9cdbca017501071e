#pragma once
/// From a flat graph to steps: fused regions and library calls, in order of execution.
/// assignment.hpp says which statement belongs to which step, recompute.hpp what a step computes again; here the steps are written down in canonical form.
#include "recompute.hpp"

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
  int batch = 1;                      // steps from this one on that may run at once (batch.hpp); 0: this is one of those before it
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

/// The partition of a graph: partitioner(g).run(). Fuel and notes: see assigner; replaces: see recomputer.
class partitioner : recomputer {
 public:
  using recomputer::max_inputs, recomputer::max_statements;

  constexpr explicit partitioner(const graph_view& g, fuel most = fuel::unlimited, partition_notes* notes = nullptr, const replacement* replaces = nullptr)
      : recomputer(g, most, notes, replaces) {}

  constexpr partition run() {
    for (int k = 0; k < regions_.size(); ++k)
      if (!regions_[k].gone) emit_step(k);
    p_.roots = roots_;
    if (notes_) note_steps();
    return static_cast<partition&&>(p_);
  }

 private:
  constexpr void note_steps() {
    int step = 0;
    for (const region_builder& r : regions_) {
      notes_->step_of_region.push(r.gone ? -1 : step++);
      if (r.gone) continue;
      list<int> nodes = r.nodes;
      if (r.library >= 0) nodes.push(r.library);
      for (const copied_value& c : r.copies) nodes.push(g_.values[c.value].from);
      notes_->nodes_of_step.push(nodes);
    }
    for (int k = regions_.size(); k-- > 0;)  // into a later one, which is known
      if (regions_[k].gone && regions_[k].part_of >= 0) notes_->step_of_region[k] = notes_->step_of_region[regions_[k].part_of];
  }
  constexpr void emit_step(int k) {
    look_at(k);
    const region_builder& r = regions_[k];
    step_info s;
    s.input = p_.inputs.size(), s.output = p_.outputs.size(), s.statement = p_.statements.size(), s.extent = p_.extents.size(), s.word = p_.words.size();
    if (r.library >= 0) {
      const node& n = g_.nodes[r.library];
      s.op = n.op;
      for (int j = 0; j < n.operands; ++j) p_.inputs.push({g_.operand(n, j), g_.type(g_.operand(n, j)).type, 0u});
      for (int j = 0; j < n.results; ++j) p_.outputs.push({n.result + j, j, g_.type(n.result + j).type, 0u});
      for (int j = 0; j < n.words; ++j) p_.words.push(g_.word(n, j));
      s.inputs = n.operands, s.outputs = n.results, s.words = n.words, s.name = n.scope;
    } else {
      s.name = scope_of(r);
      emit_region(r, k, s);
    }
    p_.steps.push(s);
  }

  /// Where in the model a region comes from: the innermost scope that holds all its statements, or else that of the first that has one.
  constexpr int scope_of(const region_builder& r) const {
    int first = name_info::root, common = name_info::root;
    auto depth = [&](int s) {
      int d = 0;
      for (; s >= 0; s = g_.names[s].parent) ++d;
      return d;
    };
    for (int i : r.nodes) {
      int s = g_.nodes[i].scope;
      if (s == common) continue;
      if (first < 0) first = common = s;
      int a = depth(common), b = depth(s);
      for (; a > b; --a) common = g_.names[common].parent;
      for (; b > a; --b) s = g_.names[s].parent;
      for (; common != s && a > 0; --a) common = g_.names[common].parent, s = g_.names[s].parent;
    }
    return common >= 0 ? common : first;
  }

  struct local_value {
    int value;
    unsigned shape;
    int local;
  };
  constexpr void emit_region(const region_builder& r, int k, step_info& s) {
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
      p_.inputs.push({x, g_.type(x).type, shape});
    };
    visit_all_reads(k, [&](source x) { read(x.value, x.mask); });
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
    auto emit_indexed = [&](int v, unsigned shape) {
      const int known = find(v, shape);
      if (known >= 0) return known;
      const node& n = at(v);
      list<int> y;
      for (int m = 0; m < n.operands; ++m) y.push(local_of(base_value(n, m), 0u));
      const unsigned vary = free_mask(v, shape);
      const bool indexed = !is_op(n, table_of<ops::full>());
      const int local = emit_statement(n, vary, vary, indexed, y.data(), y.size());
      locals.push({v, shape, local});
      return local;
    };
    auto emit_operand = [&](source o) {
      list<source> lights;  // from the last to the first
      for (; is_light(o.value); o = source_of(at(o.value), 0, o.mask)) {
        if (const int known = find(o.value, o.mask); known >= 0) break;
        lights.push(o);
      }
      int local = is_light(o.value) ? find(o.value, o.mask) : is_indexed(o.value) ? emit_indexed(o.value, o.mask) : local_of(o.value, o.mask);
      for (int l = lights.size(); l-- > 0;) {
        local = emit_statement(at(lights[l].value), vary_of(k, lights[l]), 0, false, &local, 1);
        locals.push({lights[l].value, lights[l].mask, local});
      }
      return local;
    };
    for (const copied_value& c : r.copies) {
      x.clear();
      for (int j = 0; j < at(c.value).operands; ++j) x.push(emit_operand(source_of(at(c.value), j, c.shape)));
      locals.push({c.value, c.shape, emit_statement(at(c.value), c.vary, 0, false, x.data(), x.size())});
    }
    for (int i : r.nodes) {
      const node& n = g_.nodes[i];
      const int v = n.result;
      x.clear();
      for (int j = 0; j < n.operands; ++j) x.push(emit_operand(operand_of(k, n, j)));
      if (n.op->kind == op_kind::indexed) {
        locals.push({v, shape_mask_[v], emit_statement(n, vary_mask_[v], vary_mask_[v], !is_op(n, table_of<ops::full>()), x.data(), x.size())});
        continue;
      }
      int local = x[0];  // broadcast, reshape, a cast at the end and a reduction over nothing are the operand itself
      if (n.op->kind == op_kind::pointwise && !is_stored_cast(v)) local = emit_statement(n, vary_mask_[v], 0, false, x.data(), x.size());
      else if (n.op->kind == op_kind::reduction) {
        const unsigned removed = r.all() & ~shape_mask_[v];
        if (removed) local = emit_statement(n, vary_mask_[v], removed, true, x.data(), x.size());
      }
      locals.push({v, shape_mask_[v], local});
    }
    for (int i : r.nodes) {
      const int v = g_.nodes[i].result;
      if (!used_outside_[v]) continue;
      p_.outputs.push({v, local_of_output(locals, v), g_.type(v).type, shape_mask_[v]});
      ++s.outputs;
    }
    collapse(r, s);
  }
  /// Calls visit(mask) for each mask of a step; what it returns takes the mask's place.
  template <class Visit> constexpr void visit_masks(const step_info& s, Visit visit) {
    for (int j = 0; j < s.inputs; ++j) p_.inputs[s.input + j].mask = visit(p_.inputs[s.input + j].mask);
    for (int j = 0; j < s.outputs; ++j) p_.outputs[s.output + j].mask = visit(p_.outputs[s.output + j].mask);
    for (int j = 0; j < s.statements; ++j) {
      step_statement& t = p_.statements[s.statement + j];
      t.mask = visit(t.mask);
      if (has_mask_word(t)) p_.words[t.word] = visit(static_cast<unsigned>(p_.words[t.word]));
    }
  }
  /// Dimensions that no mask of a step has any more are left out (what had them was computed again elsewhere), and those that every mask
  /// treats alike become one.
  constexpr void collapse(const region_builder& r, step_info& s) {
    unsigned used = 0, apart = 0;  // apart, bit i: the dimension i is treated unlike the one before
    visit_masks(s, [&](unsigned mask) { return used |= mask, mask; });
    visit_masks(s, [&](unsigned mask) {
      unsigned kept = 0;
      for (int i = 0, to = 0; i < r.rank; ++i)
        if (used >> i & 1u) kept |= (mask >> i & 1u) << to++;
      apart |= kept ^ kept << 1;
      return kept;
    });
    visit_masks(s, [&](unsigned mask) {
      unsigned c = 0;
      for (int i = 0, to = 0; i < r.rank; ++i) {
        to += i > 0 && (apart >> i & 1u);
        c |= (mask >> i & 1u) << to;
      }
      return c;
    });
    for (int i = 0, at = 0; i < r.rank; ++i) {
      if (!(used >> i & 1u)) continue;
      if (at > 0 && !(apart >> at & 1u)) p_.extents.back() = p_.extents.back() * r.d[i];
      else p_.extents.push(r.d[i]), ++s.extents;
      ++at;
    }
    if (s.extents == 0) p_.extents.push(dim(1)), ++s.extents;
  }
  /// The first attribute is the mask of the dimensions that are reduced, or along which an iota or a random value varies.
  constexpr bool has_mask_word(const step_statement& t) const {
    return t.op->kind == op_kind::reduction || (t.op->kind == op_kind::indexed && t.op->id != table_of<ops::full>()->id);
  }
  static constexpr int local_of_output(const list<local_value>& locals, int v) {
    for (const local_value& l : locals)
      if (l.value == v) return l.local;
    return -1;
  }

  partition p_;
};

}  // namespace thunder
