#pragma once
/// Algebraic identities and constant folding, in one walk; equal statements merge by construction, dead ones go when the graph is
/// frozen. Rewritings are exact for finite numbers, with two exceptions: x + 0 is x, also for x = -0, and the sum of a value that only
/// repeats is a product, which rounds once.
#include "../ir/flatten.hpp"
#include "../ops/index.hpp"
#include "../ops/matmul.hpp"

namespace thunder {

/// One value of the new graph seen through its producer.
struct simplifier {
  graph g;

  constexpr bool is(int v, const op_info* op) const { return g.producer(v).op->id == op->id; }
  constexpr int operand(int v, int k = 0) const { return g.operand(g.producer(v), k); }
  constexpr std::int64_t word(int v, int k = 0) const { return g.word(g.producer(v), k); }
  constexpr bool is_full(int v) const { return is(v, table_of<ops::full>()); }
  constexpr double full_value(int v) const { return std::bit_cast<double>(word(v)); }
  constexpr bool is_full_of(int v, double x) const { return is_full(v) && full_value(v) == x; }
  constexpr int make_full(double x, const meta& m) { return full_like(&g, x, m).id; }

  /// x rounded to an element type; false where that is not exact IEEE arithmetic in double. (Half types hold it exactly or not at all.)
  static constexpr bool rounded(double& x, dtype t) {
    if (t == dtype::f64) return true;
    if (t == dtype::f32) return x = static_cast<double>(static_cast<float>(x)), true;
    if (t == dtype::bf16) return static_cast<double>(static_cast<float>(bf16(static_cast<float>(x)))) == x;
    if (t == dtype::f16) return static_cast<double>(static_cast<float>(f16(static_cast<float>(x)))) == x;
    return false;
  }
  /// Whether x and 1 / x are powers of two that the element type holds exactly.
  static constexpr bool is_power_of_two(double x, dtype t) {
    const int range = t == dtype::f64 ? 1000 : t == dtype::f16 ? 14 : 126;
    const auto bits = std::bit_cast<std::uint64_t>(x);
    const auto e = (bits >> 52) & 2047;
    const int exponent = static_cast<int>(e) - 1023;
    return (bits & ((std::uint64_t{1} << 52) - 1)) == 0 && exponent >= -range && exponent <= range;
  }

  // ---- half types: casts go where fewest bytes move
  static constexpr bool is_half(dtype t) { return t == dtype::f16 || t == dtype::bf16; }
  /// Whether v is a value of a half type in a wider one.
  constexpr bool is_widened(int v) const { return is(v, table_of<ops::cast>()) && is_floating(g.type(v).type) && is_half(g.type(operand(v)).type) && !is_half(g.type(v).type); }
  /// Whether an op only moves the elements of its first operand; all of them.
  static constexpr bool moves_all(const op_info* op) { return op->id == table_of<ops::transpose>()->id || op->id == table_of<ops::reshape>()->id || op->id == table_of<ops::pad>()->id; }
  static constexpr bool moves(const op_info* op) {
    return moves_all(op) || op->id == table_of<ops::slice>()->id || op->id == table_of<ops::take>()->id || op->id == table_of<ops::dynamic_slice>()->id;
  }
  /// The same statement with another first operand.
  constexpr int with_first(const op_info* op, const std::int64_t* w, int words, const int* x, int count, const meta& type, int first) {
    int y[8]{first};
    for (int k = 1; k < count; ++k) y[k] = x[k];
    const meta target = type.with(g.type(first).type);
    return g.emit(op, w, words, y, count, op->has_target ? &target : nullptr);
  }
  /// Casts of a value that nothing else reads: data that moves, and the result of a product, are made in the half type.
  constexpr int narrowed(int v, dtype to) {
    if (!is_half(to) || !is_floating(g.type(v).type)) return -1;
    const node m = g.producer(v);
    std::int64_t w[4 * max_rank]{};
    int y[8]{};
    if (m.words > 4 * max_rank || m.operands > 8) return -1;
    for (int k = 0; k < m.words; ++k) w[k] = g.word(m, k);
    for (int k = 0; k < m.operands; ++k) y[k] = g.operand(m, k);
    const meta type = g.type(v);  // a copy: a cast may move the types
    if (moves_all(m.op)) return with_first(m.op, w, m.words, y, m.operands, type, cast_to(value{&g, y[0]}, to).id);
    if (is(v, table_of<ops::matmul>()) && m.words == 3 && g.type(y[0]).type == to) return g.emit(m.op, w, 2, y, 2);
    return -1;
  }

  /// Another value for statement `op` of x..., or -1. alone: nothing else reads x[0].
  constexpr int rewritten(const node& n, const std::int64_t* w, const int* x, const meta& type, bool alone) {
    const digest id = n.op->id;
    if (n.op->kind == op_kind::pointwise) {
      if (n.operands == 2 && is_full(x[0]) && is_full(x[1])) {
        double a = full_value(x[0]), b = full_value(x[1]), r = 0;
        bool exact = rounded(a, type.type) && rounded(b, type.type);  // what the program would hold
        if (id == table_of<ops::add>()->id) r = a + b;
        else if (id == table_of<ops::sub>()->id) r = a - b;
        else if (id == table_of<ops::mul>()->id) r = a * b;
        else if (id == table_of<ops::div>()->id && b != 0) r = a / b;
        else exact = false;
        if (exact && rounded(r, type.type)) return make_full(r, type);
      }
      if (id == table_of<ops::add>()->id) {
        if (is_full_of(x[0], 0)) return x[1];
        if (is_full_of(x[1], 0)) return x[0];
      } else if (id == table_of<ops::sub>()->id) {
        if (is_full_of(x[1], 0)) return x[0];
      } else if (id == table_of<ops::mul>()->id) {
        if (is_full_of(x[0], 1)) return x[1];
        if (is_full_of(x[1], 1)) return x[0];
      } else if (id == table_of<ops::div>()->id) {
        if (is_full_of(x[1], 1)) return x[0];
        if (is_floating(type.type) && is_full(x[1]) && is_power_of_two(full_value(x[1]), type.type))
          return (value{&g, x[0]} * value{&g, make_full(1 / full_value(x[1]), type)}).id;
      } else if (id == table_of<ops::neg>()->id) {
        if (is(x[0], table_of<ops::neg>())) return operand(x[0]);
        if (is_full(x[0])) return make_full(-full_value(x[0]), type);
      } else if (id == table_of<ops::pow>()->id) {
        if (is_full_of(x[1], 1)) return x[0];
        if (is_full_of(x[1], 2)) return (value{&g, x[0]} * value{&g, x[0]}).id;
      } else if (id == table_of<ops::where>()->id) {
        if (x[1] == x[2]) return x[1];
      } else if (id == table_of<ops::cast>()->id) {
        const dtype from = g.type(x[0]).type, to = type.type;
        if (from == to) return x[0];
        double v = is_full(x[0]) ? full_value(x[0]) : 0;
        const bool whole = is_integer(from) && v >= -0x1p31 && v < 0x1p31 && v == static_cast<double>(static_cast<std::int64_t>(v));
        if (is_full(x[0]) && is_floating(to) && (whole || rounded(v, from)) && rounded(v, to)) return make_full(v, type);
        if (is(x[0], table_of<ops::cast>())) {  // through a wider type and back
          const int y = operand(x[0]);
          if (g.type(y).type == to && is_floating(to) && promote(to, from) == from) return y;
        }
        if (alone) return narrowed(x[0], to);
      }
      return -1;
    }
    if (moves(n.op) && is_widened(x[0])) return cast_to(value{&g, with_first(n.op, w, n.words, x, n.operands, type, operand(x[0]))}, type.type).id;
    if (id == table_of<ops::broadcast>()->id) {
      if (g.type(x[0]).same_shape(type)) return x[0];
      if (is_full(x[0])) return make_full(full_value(x[0]), type);
      if (is(x[0], table_of<ops::broadcast>())) {
        const std::int64_t inner = word(x[0]);
        std::int64_t mask = 0;
        for (int i = 0, k = 0; i < type.rank; ++i)
          if (w[0] >> i & 1) mask |= (inner >> k++ & 1) << i;
        return broadcast_to(value{&g, operand(x[0])}, type, mask).id;
      }
    } else if (id == table_of<ops::reshape>()->id) {
      if (g.type(x[0]).same_shape(type)) return x[0];
      if (is_full(x[0])) return make_full(full_value(x[0]), type);
      if (is(x[0], table_of<ops::reshape>())) return reshape_to(value{&g, operand(x[0])}, type).id;
      if (is(x[0], table_of<ops::iota>()))
        if (const int axis = same_axis(g.type(x[0]), static_cast<int>(word(x[0])), type); axis >= 0) return iota_like(&g, type, axis).id;
    } else if (id == table_of<ops::transpose>()->id) {
      bool identity = true;
      for (int i = 0; i < n.words; ++i) identity = identity && w[i] == i;
      if (identity) return x[0];
      if (is(x[0], table_of<ops::transpose>())) {
        std::int64_t both[max_rank]{};
        identity = true;
        for (int i = 0; i < n.words; ++i) both[i] = word(x[0], static_cast<int>(w[i])), identity = identity && both[i] == i;
        if (identity) return operand(x[0]);
        const int y = operand(x[0]);
        return g.emit(table_of<ops::transpose>(), both, n.words, &y, 1);
      }
    } else if (id == table_of<ops::sum>()->id) {
      if (w[0] == 0) return x[0];
      if (is(x[0], table_of<ops::broadcast>())) {  // the sum over dimensions that only repeat is a product
        const std::int64_t repeated = w[0] & ~word(x[0]);
        if (repeated == w[0] && is_floating(type.type) && all_axes(g.type(x[0]).rank) == (word(x[0]) | w[0]))
          return (value{&g, operand(x[0])} * count_along(value{&g, x[0]}, w[0])).id;
      }
    } else if (id == table_of<ops::matmul>()->id) {  // an operand of a half type in float, or transposed, is a flag of the product
      int y[2]{x[0], x[1]};
      std::int64_t flags[3]{w[0], w[1], static_cast<std::int64_t>(type.type)};
      const bool widened = type.type == dtype::f32 && is_widened(y[0]) && is_widened(y[1]) && g.type(operand(y[0])).type == g.type(operand(y[1])).type;
      if (widened) y[0] = operand(y[0]), y[1] = operand(y[1]);
      bool changed = widened;
      for (int k = 0; k < 2; ++k)
        if (is(y[k], table_of<ops::transpose>()) && swaps_last(y[k]) && (k == 1 || g.type(x[1]).rank == g.type(x[0]).rank))
          y[k] = operand(y[k]), flags[k] = !flags[k], changed = true;
      if (changed) return g.emit(table_of<ops::matmul>(), flags, widened ? 3 : n.words, y, 2);
    }
    return -1;
  }
  /// Where dimension `axis` of `from` is in `to`, which differs by dimensions of extent 1; -1 if it is not so.
  static constexpr int same_axis(const meta& from, int axis, const meta& to) {
    int found = -1;
    for (int i = 0, k = 0; i < from.rank || k < to.rank;) {
      if (i < from.rank && k < to.rank && from.d[i] == to.d[k]) found = i == axis ? k : found, ++i, ++k;
      else if (i < from.rank && from.d[i].is_one() && i != axis) ++i;
      else if (k < to.rank && to.d[k].is_one()) ++k;
      else return -1;
    }
    return found;
  }
  constexpr bool swaps_last(int v) const {
    const int rank = g.type(v).rank;
    for (int i = 0; i < rank; ++i)
      if (word(v, i) != (i == rank - 1 ? rank - 2 : i == rank - 2 ? rank - 1 : i)) return false;
    return true;
  }
};

constexpr graph simplify(const graph_view& v, provenance* notes = nullptr) {
  simplifier s;
  s.g.notes = notes;
  graph::import_maps map = s.g.begin(v);
  list<int> uses(v.value_count, 0);
  const list<bool> live = live_nodes(v);
  for (int i = 0; i < v.node_count; ++i)
    for (int k = 0; live[i] && k < v.nodes[i].operands; ++k) ++uses[v.operand(v.nodes[i], k)];
  for (int k = 0; k < v.output_count; ++k) ++uses[v.outputs[k]];
  int x[8]{};
  for (int i = 0; i < v.node_count; ++i) {
    if (notes) notes->at = i;
    const node& n = v.nodes[i];
    if (n.operands > 0 && n.operands <= 8 && n.results == 1 && !n.body) {
      for (int k = 0; k < n.operands; ++k) x[k] = map.values[v.operand(n, k)];
      s.g.scope = s.g.import_name(v, map, n.scope, name_info::root);
      const int r = s.rewritten(n, v.words + n.word, x, v.type(n.result), uses[v.operand(n, 0)] == 1);
      if (r >= 0) {
        map.values[n.result] = r;
        continue;
      }
    }
    s.g.import(v, n, map);
  }
  s.g.finish(v, map);
  return static_cast<graph&&>(s.g);
}

}  // namespace thunder
