#pragma once
/// Products with what comes right after them as one statement, for executors whose library has them.
#include "../ir/verify.hpp"
#include "../ops/activation.hpp"
#include "../ops/matmul_epilogue.hpp"

namespace thunder {

/// Finds, after products of half types: + bias; gelu of that, where the sum may be read by others, too; and times the slope of such a gelu, in
/// its gradient. One walk. Equal statements are made once, so a slope is found by making it again.
struct product_epilogues {
  static constexpr const char* name = "product_epilogues";
  static constexpr digest key = digest_of(name);

  static constexpr graph run(const graph_view& v, provenance* notes = nullptr) {
    graph g;
    g.notes = notes;
    graph::import_maps map = g.begin(v);
    list<int> readers(v.value_count, 0), gelu_of(v.value_count, -1);  // how often a value is read; the statement gelu(value)
    list<bool> fused(v.value_count, false);                            // whether a region reads it
    for (int k = 0; k < v.output_count; ++k) ++readers[v.outputs[k]];
    for (int i = v.node_count; i-- > 0;) {
      const node& n = v.nodes[i];
      bool live = false;
      for (int k = 0; k < n.results; ++k) live = live || readers[n.result + k] > 0;
      for (int k = 0; live && k < n.operands; ++k) {
        ++readers[v.operand(n, k)];
        if (n.op->kind == op_kind::pointwise || n.op->kind == op_kind::reduction) fused[v.operand(n, k)] = true;
      }
      if (live && n.op->id == table_of<ops::gelu>()->id) gelu_of[v.operand(n, 0)] = i;
    }
    list<int> slope_at;  // of our values: whose slope it is, or -1
    for (int i = 0; i < v.node_count; ++i) {
      if (notes) notes->at = i;
      const node& n = v.nodes[i];
      if (n.op->id == table_of<ops::gelu>()->id && map.values[n.result] >= 0) continue;  // a product has made it
      int product = -1, other = -1;
      const bool adds = n.op->id == table_of<ops::add>()->id;
      if (adds || n.op->id == table_of<ops::mul>()->id)
        for (int k = 0; k < 2 && product < 0; ++k)
          if (is_product(v, v.operand(n, k)) && readers[v.operand(n, k)] == 1) product = v.operand(n, k), other = v.operand(n, 1 - k);
      int third = -1;
      if (product >= 0 && adds && is_bias(v, other)) third = map.values[v.operand(v.producer(other), 0)];
      if (product >= 0 && !adds)
        if (const int slope = map.values[other]; slope < slope_at.size()) third = slope_at[slope];
      const int gelu = adds ? gelu_of[n.result] : -1;
      if (third < 0 || (adds && gelu < 0 && fused[n.result])) {  // a region that reads the sum adds the bias for nothing
        g.import(v, n, map);
        continue;
      }
      const epilogue what = !adds ? epilogue::gelu_slope : gelu < 0 ? epilogue::bias : readers[n.result] == 1 ? epilogue::bias_gelu : epilogue::bias_gelu_kept;
      const node& from = v.producer(product);
      const std::int64_t words[]{v.word(from, 0), v.word(from, 1), static_cast<std::int64_t>(what)};
      const int operands[]{map.values[v.operand(from, 0)], map.values[v.operand(from, 1)], third};
      g.scope = g.import_name(v, map, from.scope, name_info::root);
      const int made = g.emit(table_of<ops::matmul_epilogue>(), words, 3, operands, 3);
      map.values[n.result] = made;
      if (what == epilogue::bias_gelu) map.values[v.nodes[gelu].result] = made;
      if (what == epilogue::bias_gelu_kept) {
        map.values[v.nodes[gelu].result] = made + 1;
        const int slope = ops::gelu::derivative(value{&g, made}).id;
        while (slope_at.size() <= slope) slope_at.push(-1);
        slope_at[slope] = made;
      }
    }
    g.finish(v, map);
    return g;
  }

 private:
  /// A product with one matrix for all of x's batch.
  static constexpr bool is_product(const graph_view& v, int x) {
    const dtype t = v.type(x).type;
    const node& p = v.producer(x);
    return p.op->id == table_of<ops::matmul>()->id && p.words == 2 && v.type(v.operand(p, 1)).rank == 2 && (t == dtype::bf16 || t == dtype::f16);
  }
  /// A vector that varies along the last dimension alone.
  static constexpr bool is_bias(const graph_view& v, int x) {
    const node& b = v.producer(x);
    const meta& m = v.type(x);
    return b.op->id == table_of<ops::broadcast>()->id && v.word(b, 0) == std::int64_t{1} << (m.rank - 1) && v.type(v.operand(b, 0)).rank == 1;
  }
};

}  // namespace thunder
