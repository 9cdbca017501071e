#pragma once
/// Products with what comes right after them as one statement, for executors whose library has them.
#include "../ir/verify.hpp"
#include "../ops/activation.hpp"
#include "../ops/matmul_epilogue.hpp"

namespace thunder {

/// Finds, after products of floats or half types: + bias; relu or gelu of the sum or of the product, where gelu's operand may be read by others,
/// too; and times the slope of such a gelu, in its gradient. One walk. Equal statements are made once, so a slope is found by making it again.
/// relu's gradient needs its result alone, which is there.
///
/// What autocast makes of these is found, too: the product of a half type, then float statements. The value that the library stores is
/// rounded to the half type, as the product was before, and what reads it computes in float, as before. (A gradient times gelu's slope is
/// rounded once more than before where a region reads it in float.) (Not with a bias of floats:
/// libraries add one of the result's type, and rounding the bias would be another rounding than the program's.)
///
/// Library::has(epilogue, operands' type, rows, columns, inner) says what the executor's products have; an extent known at run time only is -1.
template <class Library> struct product_epilogues {
  static constexpr const char* name = "product_epilogues";
  static constexpr digest key = mix(digest_of(name), digest_of(Library::name));

  static constexpr graph run(const graph_view& v, provenance* notes = nullptr) {
    graph g;
    g.notes = notes;
    graph::import_maps map = g.begin(v);
    const uses of = uses_of(v);
    list<int> slope_at;  // of our values: whose slope it is, or -1
    for (int i = 0; i < v.node_count; ++i) {
      if (notes) notes->at = i;
      const node& n = v.nodes[i];
      if (is_activation(n) && map.values[n.result] >= 0) continue;  // a product has made it
      const bool adds = n.op->id == table_of<ops::add>()->id, multiplies = n.op->id == table_of<ops::mul>()->id;
      int product = -1, other = -1, sum = n.result;  // sum: what an activation may read
      if (adds || multiplies)
        for (int k = 0; k < 2 && product < 0; ++k) product = product_behind(v, of, v.operand(n, k)), other = v.operand(n, 1 - k);
      else if (is_product(v, n.result)) {
        product = n.result;
        if (of.count[sum] == 1 && of.widened[sum] >= 0) sum = v.nodes[of.widened[sum]].result;
      }
      int third = -1;
      epilogue what = epilogue::none;
      if (multiplies && product >= 0) {
        if (const int slope = map.values[other]; slope < slope_at.size()) third = slope_at[slope];
        if (third >= 0 && g.type(third).type == v.type(product).type) what = epilogue::gelu_slope;
      } else if (product >= 0 && (!adds || is_bias(v, other))) {
        if (adds) third = map.values[v.operand(v.producer(other), 0)];
        if (!adds || g.type(third).type == v.type(product).type) what = after_sum(v, of, sum, adds);
      }
      if (what != epilogue::none && !has(v, v.producer(product), what)) what = epilogue::none;
      if (what == epilogue::none) {
        g.import(v, n, map);
        continue;
      }
      const node& from = v.producer(product);
      const std::int64_t words[]{v.word(from, 0), v.word(from, 1), static_cast<std::int64_t>(what)};
      const int operands[]{map.values[v.operand(from, 0)], map.values[v.operand(from, 1)], third};
      g.scope = g.import_name(v, map, from.scope, name_info::root);
      const int made = g.emit(table_of<ops::matmul_epilogue>(), words, 3, operands, third < 0 ? 2 : 3);
      const node* const activation = what == epilogue::bias || multiplies ? nullptr : &v.nodes[of.activation[sum]];
      auto as = [&](int x, int like) { return cast_to(value{&g, x}, v.type(like).type).id; };
      map.values[n.result] = as(made, n.result);
      if (activation) map.values[activation->result] = as(what == epilogue::gelu_kept ? made + 1 : made, sum);
      if (what == epilogue::gelu_kept) {
        const int slope = ops::gelu::derivative(value{&g, as(made, sum)}).id;
        while (slope_at.size() <= slope) slope_at.push(-1);
        slope_at[slope] = made;
      }
    }
    g.finish(v, map);
    return g;
  }

 private:
  /// Of each value: how often it is read; the statements gelu(value) or relu(value), and float(value); whether a region reads it (fused); and
  /// whether it has to be in memory (stored), for a step that is no region, for a region that only rounds it to a half type for one, or as a
  /// result.
  struct uses {
    list<int> count, activation, widened;
    list<bool> fused, stored;
  };
  static constexpr uses uses_of(const graph_view& v) {
    uses of{list<int>(v.value_count, 0), list<int>(v.value_count, -1), list<int>(v.value_count, -1), list<bool>(v.value_count, false), list<bool>(v.value_count, false)};
    for (int k = 0; k < v.output_count; ++k) ++of.count[v.outputs[k]], of.stored[v.outputs[k]] = true;
    for (int i = v.node_count; i-- > 0;) {
      const node& n = v.nodes[i];
      bool live = false;
      for (int k = 0; k < n.results; ++k) live = live || of.count[n.result + k] > 0;
      if (!live) continue;
      const bool region = n.op->kind == op_kind::pointwise || n.op->kind == op_kind::reduction, cast = n.op->id == table_of<ops::cast>()->id;
      for (int k = 0; k < n.operands; ++k) {
        const int x = v.operand(n, k);
        ++of.count[x];
        (region && !(cast && is_half(v.type(n.result).type) && of.stored[n.result]) ? of.fused : of.stored)[x] = true;
        if (is_activation(n)) of.activation[x] = i;
        if (cast && is_half(v.type(x).type) && v.type(n.result).type == dtype::f32) of.widened[x] = i;
      }
    }
    return of;
  }
  /// What comes after a sum with a bias, or after a product, and is better done by the product.
  static constexpr epilogue after_sum(const graph_view& v, const uses& of, int sum, bool biased) {
    if (of.activation[sum] < 0) return biased && !of.fused[sum] ? epilogue::bias : epilogue::none;  // a region that reads the sum adds the bias for nothing
    const node& n = v.nodes[of.activation[sum]];
    const bool alone = of.count[sum] == 1;
    if (!of.stored[n.result]) return epilogue::none;  // a region that reads the activation computes it for nothing
    if (n.op->id == table_of<ops::gelu>()->id) return alone ? epilogue::gelu : epilogue::gelu_kept;
    return alone ? epilogue::relu : epilogue::none;
  }
  static constexpr bool has(const graph_view& v, const node& product, epilogue what) {
    const meta &x = v.type(v.operand(product, 0)), &z = v.type(product.result);
    auto known = [](const dim& d) { return d.named() ? -1 : d.size; };
    std::int64_t rows = 1;
    for (int i = 0; i + 1 < z.rank && rows >= 0; ++i) rows = z.d[i].named() ? -1 : rows * z.d[i].size;
    return Library::has(what, x.type, rows, known(z.d[z.rank - 1]), known(x.d[x.rank - (v.word(product, 0) ? 2 : 1)]));
  }
  static constexpr bool is_half(dtype t) { return t == dtype::bf16 || t == dtype::f16; }
  static constexpr bool is_activation(const node& n) { return n.op->id == table_of<ops::gelu>()->id || n.op->id == table_of<ops::relu>()->id; }
  /// The product that x is, or is the float form of, if nothing else reads it; or -1.
  static constexpr int product_behind(const graph_view& v, const uses& of, int x) {
    if (of.count[x] != 1) return -1;
    if (const node& cast = v.producer(x); cast.op->id == table_of<ops::cast>()->id && of.widened[v.operand(cast, 0)] >= 0) x = v.operand(cast, 0);
    return of.count[x] == 1 && is_product(v, x) ? x : -1;
  }
  /// A product with one matrix for all of x's batch.
  static constexpr bool is_product(const graph_view& v, int x) {
    const node& p = v.producer(x);
    return p.op->id == table_of<ops::matmul>()->id && p.words == 2 && v.type(v.operand(p, 1)).rank == 2 && v.type(x).type != dtype::f64;
  }
  /// A vector that varies along the last dimension alone.
  static constexpr bool is_bias(const graph_view& v, int x) {
    const node& b = v.producer(x);
    const meta& m = v.type(x);
    return b.op->id == table_of<ops::broadcast>()->id && v.word(b, 0) == std::int64_t{1} << (m.rank - 1) && v.type(v.operand(b, 0)).rank == 1;
  }
};

}  // namespace thunder
