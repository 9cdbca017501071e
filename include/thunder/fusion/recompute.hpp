#pragma once
/// What a region computes again instead of reading it, and which statements of a region are left without a reader: the second half of
/// partitioning.
///
/// A value that one region stores and another reads costs its bytes twice. Where it follows by pointwise statements from values that
/// the reader has at hand, or from smaller ones (a row's mean instead of a normalised row), the reader computes it again, if that
/// moves fewer bytes. The regions are taken from the last to the first, the largest values first; a chain of statements ends at what
/// somebody reads anyway. This is a greedy form of the minimal cut of He and Yu, "Transcending Runtime-Memory Tradeoffs in Checkpointing
/// by being Fusion Aware" (MLSys 2023), which PyTorch's compiler uses. To draw a random number again counts as two bytes.
#include "assignment.hpp"
#include "replacement.hpp"

namespace thunder {

class recomputer : public assigner {
 public:
  /// replaces: of each output of the graph what it takes the place of, or null.
  constexpr explicit recomputer(const graph_view& g, fuel most = fuel::unlimited, partition_notes* notes = nullptr, const replacement* replaces = nullptr)
      : assigner(g, most, notes), overwriter_(find_overwriters(g, replaces, [this](int v) { return step_of_[root(v)]; })), used_outside_(g.value_count, false), readers_(g.value_count, 0), read_by_(g.value_count, -1), seen_(g.value_count, 0), needed_(g.value_count, false) {
    for (int k = 0; k < g.output_count; ++k) used_outside_[root(g.outputs[k])] = true;
    for (int k = 0; k < regions_.size(); ++k) {
      if (regions_[k].gone) continue;
      collect_reads(k);
      for (const source& x : reads_) {
        ++readers_[root(x.value)];
        if (regions_[k].library >= 0) used_outside_[root(x.value)] = true;
      }
    }
    for (int k = regions_.size(); k-- > 0;)
      if (!regions_[k].gone) settle(k);
  }

 protected:
  constexpr void look_at(int k) {
    viewer_ = k;
    const list<copied_value>& copies = regions_[k].copies;
    for (int i = 0; i < copies.size(); ++i) copy_of_[copies[i].value] = i;
  }
  /// Operand j of n in region k, n's own shape being that which the region gives it.
  constexpr source operand_of(int k, const node& n, int j) const {
    const region_builder& r = regions_[k];
    if (is_op(n, table_of<ops::broadcast>())) return source_of_broadcast(n.result, r.all());
    return source_of(n, j, n.op->kind == op_kind::indexed ? 0u : n.op->kind == op_kind::reduction ? r.all() : shape_mask_[n.result]);
  }
  /// Calls visit(source) for what region k reads from memory for the operand x; what it computes again counts as its own.
  template <class Visit> constexpr void visit_reads(int k, source x, Visit visit) const {
    x = base_of(x);
    if (is_inside(k, x.value) || copy_in(k, x.value)) return;
    if (!is_indexed(x.value)) return visit(x);
    for (int m = 0; m < at(x.value).operands; ++m)
      if (const int key = base_value(at(x.value), m); !is_inside(k, key) && !copy_in(k, key)) visit(source{key, 0u});
  }
  /// The same for all of region k, a value perhaps several times.
  template <class Visit> constexpr void visit_all_reads(int k, Visit visit) const {
    const region_builder& r = regions_[k];
    for (const copied_value& c : r.copies)
      for (int j = 0; j < at(c.value).operands; ++j) visit_reads(k, source_of(at(c.value), j, c.shape), visit);
    for (int i : r.nodes) {
      const node& n = g_.nodes[i];
      if (is_stored_cast(n.result)) continue;
      for (int j = 0; j < n.operands; ++j) visit_reads(k, operand_of(k, n, j), visit);
    }
  }

  list<int> overwriter_;     // of each value: the step that makes what will replace it, or -1
  list<bool> used_outside_;  // of each value: it must be in memory

 private:
  static constexpr int max_copies = 48;

  constexpr void collect_reads(int k) {
    look_at(k);
    reads_.clear();
    auto add = [&](source x) {
      for (const source& y : reads_)
        if (y.value == x.value && y.mask == x.mask) return;
      reads_.push(x);
    };
    if (const int library = regions_[k].library; library >= 0)
      for (int j = 0; j < g_.nodes[library].operands; ++j) add({g_.operand(g_.nodes[library], j), 0u});
    else visit_all_reads(k, add);
  }
  constexpr void settle(int k) {
    const bool is_library = regions_[k].library >= 0;
    collect_reads(k);
    for (const source& x : reads_) --readers_[root(x.value)];
    if (!is_library) {
      if (prune(k)) collect_reads(k);
      for (const source& x : reads_) read_by_[root(x.value)] = k;
      if (fuel_ != 0) copy_what_pays(k);
      if (!regions_[k].copies.empty()) collect_reads(k);
    }
    for (const source& x : reads_) used_outside_[root(x.value)] = true;
  }

  /// Drops the statements of region k that nobody needs any more. Whether there were any.
  constexpr bool prune(int k) {
    region_builder& r = regions_[k];
    list<int> kept;
    for (int i = r.nodes.size(); i-- > 0;) {
      const node& n = g_.nodes[r.nodes[i]];
      if (!needed_[n.result] && !used_outside_[n.result]) continue;
      kept.push(r.nodes[i]);
      for (int j = 0; j < n.operands; ++j) {
        const source x = base_of(is_stored_cast(n.result) ? source{g_.operand(n, j), 0u} : operand_of(k, n, j));
        if (step_of_[x.value] == k) needed_[x.value] = true;
        else if (is_indexed(x.value))
          for (int m = 0; m < at(x.value).operands; ++m)
            if (const int key = base_value(at(x.value), m); step_of_[key] == k) needed_[key] = true;
      }
    }
    if (kept.size() == r.nodes.size()) return false;
    r.gone = kept.empty();
    r.nodes.clear();
    for (int i = kept.size(); i-- > 0;) r.nodes.push(kept[i]);
    return true;
  }

  // ---- what region k computes again
  /// Bytes of a value; a named dimension counts as 1024.
  constexpr double bytes(int v) const {
    const meta& m = g_.type(v);
    double n = static_cast<double>(size_of(m.type));
    for (int i = 0; i < m.rank; ++i) {
      n *= static_cast<double>(m.d[i].size);
      for (std::uint64_t name : {m.d[i].a, m.d[i].b, m.d[i].c})
        if (name) n *= 1024;
    }
    return n;
  }
  constexpr bool is_made_by_region(int v) const { return root(v) == v && is_region(step_of_[v]) && !terminal_[v]; }
  constexpr bool can_repeat(int v) const { return is_made_by_region(v) && at(v).op->kind == op_kind::pointwise; }
  constexpr bool is_stored(int v) const { return !is_made_by_region(v) || used_outside_[v] || readers_[v] > 0 || read_by_[v] == viewer_; }

  constexpr void copy_what_pays(int k) {
    list<source> candidates;
    for (const source& x : reads_)
      if (can_repeat(x.value) && step_of_[x.value] != k) candidates.push(x);
    sort_nearly(candidates, [this](const source& a, const source& b) { return bytes(a.value) > bytes(b.value); });
    for (const source& x : candidates) try_copy(k, x);
  }
  constexpr void try_copy(int k, const source& x) {
    region_builder& r = regions_[k];
    const int v = x.value;
    if (copy_in(k, v)) return;
    for (const source& y : reads_)
      if (root(y.value) == v && !(y.value == v && y.mask == x.mask)) return;  // it is read in another shape, too
    // Saved: reading it, and (with the other readers) storing it.
    const double saved = bytes(v) * (used_outside_[v] ? 1.0 : 1.0 + 1.0 / (1.0 + readers_[v]));
    chain_.clear(), ends_.clear(), limit_ = bytes(v) / 8, draws_ = 0, ++stamp_;
    if (!follow(k, x, v)) return;
    double cost = draws_ * 2 * bytes(v) / size_of(g_.type(v).type);
    int inputs = reads_.size();
    for (int i = 0; i < ends_.size(); ++i) {
      const int end = root(ends_[i].value);
      bool counted = read_by_[end] == k;
      for (int j = 0; j < i; ++j) counted = counted || root(ends_[j].value) == end;
      if (counted) continue;
      cost += is_stored(end) ? bytes(end) : 2 * bytes(end);
      if (overwriter_[end] >= 0 && overwriter_[end] < k + r.reduced) cost += 2 * bytes(end);  // it could not be updated in place: a copy
      ++inputs;
    }
    if (cost >= saved || inputs > max_inputs || r.copies.size() + chain_.size() > max_copies || r.nodes.size() + r.copies.size() + chain_.size() > max_statements) return;
    for (copied_value& c : chain_) {
      c.vary = 0;
      for (int j = 0; j < at(c.value).operands; ++j) c.vary |= vary_of(k, source_of(at(c.value), j, c.shape));
      copy_of_[c.value] = r.copies.push(c);
    }
    sort_nearly(r.copies, [](const copied_value& a, const copied_value& b) { return a.value < b.value; });  // the graph's order
    look_at(k);
    for (const source& e : ends_) {
      bool known = false;
      for (const source& y : reads_) known = known || (y.value == e.value && y.mask == e.mask);
      if (!known) reads_.push(e);  // in each shape, so that it is not computed again for one of them
      read_by_[root(e.value)] = k, used_outside_[root(e.value)] = true;
    }
  }
  /// The statements that make x again, in order, into chain_; what they start from into ends_. False: that is not possible.
  constexpr bool follow(int k, source x, int first) {
    x = base_of(x);
    const int v = x.value;
    if (copy_in(k, v)) return regions_[k].copies[copy_of_[v]].shape == x.mask;
    if (is_inside(k, v) || !agrees(x.mask, regions_[k].row)) return false;
    if (is_indexed(v)) {
      if (!agrees(free_mask(v, x.mask), regions_[k].row)) return false;
      draws_ += !is_op(at(v), table_of<ops::full>()) && !is_op(at(v), table_of<ops::iota>());
      for (int m = 0; m < at(v).operands; ++m)
        if (!follow(k, {base_value(at(v), m), 0u}, first)) return false;
      return true;
    }
    const bool again = can_repeat(v) && (v == first || (!is_stored(v) && bytes(v) > limit_));
    if (seen_[v] == stamp_) {
      if (again)
        for (const copied_value& c : chain_)
          if (c.value == v) return c.shape == x.mask;
      if (again) return false;
      for (const source& e : ends_)
        if (e.value == v && e.mask == x.mask) return true;
      ends_.push(x);  // the same in another shape
      return true;
    }
    seen_[v] = stamp_;
    if (!again) {
      ends_.push(x);
      return true;
    }
    if (chain_.size() >= max_copies) return false;
    for (int j = 0; j < at(v).operands; ++j)
      if (!follow(k, source_of(at(v), j, x.mask), first)) return false;
    chain_.push({v, x.mask, 0u});
    return true;
  }

  list<int> readers_;        // regions and library calls before the one at hand that read a value
  list<int> read_by_;        // the last region met that reads it
  list<int> seen_;
  list<bool> needed_;        // by a statement of its own region
  list<source> reads_;       // of the region at hand
  list<source> ends_;
  list<copied_value> chain_;
  double limit_ = 0;         // what is no larger than this is stored rather than computed again
  int stamp_ = 0, draws_ = 0;
};

}  // namespace thunder
