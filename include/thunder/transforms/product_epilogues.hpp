#pragma once
/// Products with what comes right after them as one statement, for executors whose library has them.
#include "../ir/verify.hpp"
#include "../ops/activation.hpp"
#include "../ops/matmul_epilogue.hpp"

namespace thunder {

/// Finds, after products of floats or half types: + bias; relu or gelu of that, where gelu's operand may be read by others, too; and times the slope
/// of such a gelu, in its gradient. One walk. Equal statements are made once, so a slope is found by making it again. relu's gradient
/// needs its result alone, which is there.
struct product_epilogues {
  static constexpr const char* name = "product_epilogues";
  static constexpr digest key = digest_of(name);

  static constexpr graph run(const graph_view& v, provenance* notes = nullptr) {
    graph g;
    g.notes = notes;
    graph::import_maps map = g.begin(v);
    list<int> readers(v.value_count, 0), activation_of(v.value_count, -1);  // how often a value is read; the statement gelu(value) or relu(value)
    list<bool> fused(v.value_count, false), stored(v.value_count, false);   // whether a region reads it; whether anything else does
    for (int k = 0; k < v.output_count; ++k) ++readers[v.outputs[k]], stored[v.outputs[k]] = true;
    for (int i = v.node_count; i-- > 0;) {
      const node& n = v.nodes[i];
      bool live = false;
      for (int k = 0; k < n.results; ++k) live = live || readers[n.result + k] > 0;
      for (int k = 0; live && k < n.operands; ++k) {
        const int x = v.operand(n, k);
        ++readers[x];
        (n.op->kind == op_kind::pointwise || n.op->kind == op_kind::reduction ? fused : stored)[x] = true;
      }
      if (live && is_activation(n)) activation_of[v.operand(n, 0)] = i;
    }
    list<int> slope_at;  // of our values: whose slope it is, or -1
    for (int i = 0; i < v.node_count; ++i) {
      if (notes) notes->at = i;
      const node& n = v.nodes[i];
      if (is_activation(n) && map.values[n.result] >= 0) continue;  // a product has made it
      int product = -1, other = -1;
      const bool adds = n.op->id == table_of<ops::add>()->id;
      if (adds || n.op->id == table_of<ops::mul>()->id)
        for (int k = 0; k < 2 && product < 0; ++k)
          if (is_product(v, v.operand(n, k)) && readers[v.operand(n, k)] == 1) product = v.operand(n, k), other = v.operand(n, 1 - k);
      int third = -1;
      epilogue what = epilogue::none;
      const node* activation = nullptr;
      if (product >= 0 && !adds) {
        if (const int slope = map.values[other]; slope < slope_at.size()) third = slope_at[slope];
        if (third >= 0) what = epilogue::gelu_slope;
      } else if (product >= 0 && is_bias(v, other)) {
        const bool alone = readers[n.result] == 1;
        if (activation_of[n.result] >= 0) activation = &v.nodes[activation_of[n.result]];
        third = map.values[v.operand(v.producer(other), 0)];
        if (!activation) what = fused[n.result] ? epilogue::none : epilogue::bias;  // a region that reads the sum adds the bias for nothing
        else if (!stored[activation->result]) what = epilogue::none;                // ... as does one that reads the activation
        else if (activation->op->id == table_of<ops::gelu>()->id) what = alone ? epilogue::bias_gelu : epilogue::bias_gelu_kept;
        else if (alone) what = epilogue::bias_relu;
      }
      if (what == epilogue::none) {
        g.import(v, n, map);
        continue;
      }
      const node& from = v.producer(product);
      const std::int64_t words[]{v.word(from, 0), v.word(from, 1), static_cast<std::int64_t>(what)};
      const int operands[]{map.values[v.operand(from, 0)], map.values[v.operand(from, 1)], third};
      g.scope = g.import_name(v, map, from.scope, name_info::root);
      const int made = g.emit(table_of<ops::matmul_epilogue>(), words, 3, operands, 3);
      map.values[n.result] = made;
      if (activation) map.values[activation->result] = what == epilogue::bias_gelu_kept ? made + 1 : made;
      if (what == epilogue::bias_gelu_kept) {
        const int slope = ops::gelu::derivative(value{&g, made}).id;
        while (slope_at.size() <= slope) slope_at.push(-1);
        slope_at[slope] = made;
      }
    }
    g.finish(v, map);
    return g;
  }

 private:
  static constexpr bool is_activation(const node& n) { return n.op->id == table_of<ops::gelu>()->id || n.op->id == table_of<ops::relu>()->id; }
  /// A product with one matrix for all of x's batch.
  static constexpr bool is_product(const graph_view& v, int x) {
    const dtype t = v.type(x).type;
    const node& p = v.producer(x);
    return p.op->id == table_of<ops::matmul>()->id && p.words == 2 && v.type(v.operand(p, 1)).rank == 2 && t != dtype::f64;
  }
  /// A vector that varies along the last dimension alone.
  static constexpr bool is_bias(const graph_view& v, int x) {
    const node& b = v.producer(x);
    const meta& m = v.type(x);
    return b.op->id == table_of<ops::broadcast>()->id && v.word(b, 0) == std::int64_t{1} << (m.rank - 1) && v.type(v.operand(b, 0)).rank == 1;
  }
};

}  // namespace thunder
