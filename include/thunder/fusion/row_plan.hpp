#pragma once
/// What a region's type says of its values, and which pass over a row each of them belongs to: what every executor of fused loops
/// starts from. Constexpr functions on values.
///
/// A row is walked in *passes*: a reduction over the row ends one, and what depends on the reduction comes in a later one.
/// Values that vary along the row are *element values*; the others are *held* in registers, one for each row (or one for each
/// thread, if they depend on no dimension). An executor may *keep* an element value that a later pass needs, or compute it again.
#include <bit>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "region.hpp"

namespace thunder::ops {
struct full;
struct cast;
}  // namespace thunder::ops

namespace thunder {

enum class value_role : std::uint8_t { input, constant, pointwise, cast, indexed, reduction };

inline constexpr int max_plan_operands = 6, max_plan_dims = 8, max_plan_passes = 8;

/// What a region's type says of one value.
struct value_facts {
  value_role kind = value_role::input;
  dtype type = dtype::f32;
  unsigned mask = 0;     // the dimensions it varies along
  unsigned removed = 0;  // reductions: the dimensions summed over; indexed: those of the index
  int cost = 1;          // vector instructions, roughly
  int operands = 0;
  int operand[max_plan_operands]{};
};
struct output_facts {
  int value = 0;
  dtype type = dtype::f32;
  unsigned mask = 0;
};

template <int Values, int Outputs>
struct row_plan {
  int dims = 1, inputs = 0;
  int group[max_plan_dims]{};   // of the region's dimensions: the plan's dimension that it is part of
  unsigned row = 1;             // the mask of the row
  value_facts value[Values]{};  // masks in the plan's dimensions
  output_facts output[Outputs]{};
  int passes = 0;
  int ready[Values]{};                   // the first pass that may use the value
  bool keep[Values]{};                   // held in scratch from pass `ready` on, if the executor says so
  int scratch_slot[Values]{};            // bytes before the value's row of scratch, for one element
  int scratch_bytes = 0;                 // of one element
  bool need[max_plan_passes][Values]{};  // the pass computes or loads the element value

  constexpr bool is_reduction(int v) const { return value[v].kind == value_role::reduction; }
  constexpr bool is_element(int v) const {
    return value[v].kind != value_role::constant && !is_reduction(v) && (value[v].mask & row);
  }
  constexpr bool along_row(int v) const { return is_reduction(v) && (value[v].removed & row); }
  /// A reduction over rows: has an accumulator for each element of its result.
  constexpr bool is_column(int v) const { return is_reduction(v) && (value[v].removed & ~row); }
  constexpr bool is_held(int v) const { return value[v].kind != value_role::constant && !is_element(v) && !is_column(v); }
  /// Held, and the same for all rows.
  constexpr bool is_once(int v) const { return is_held(v) && !is_reduction(v) && value[v].mask == 0 && ready[v] == 0; }
  /// Whether nothing but stores of its own type use a value: a cast need not round what they round.
  constexpr bool is_only_stored(int v) const {
    for (const auto& later : value)
      for (int k = 0; k < later.operands; ++k)
        if (later.operand[k] == v) return false;
    for (const auto& o : output)
      if (o.value == v && o.type != value[v].type) return false;
    return true;
  }
  /// The pass that accumulates a reduction.
  constexpr int pass_of(int v) const { return ready[value[v].operand[0]]; }
  constexpr bool accumulates(int pass, int v) const { return is_reduction(v) && pass_of(v) == pass; }
  constexpr bool reduces(int pass) const {
    for (int v = 0; v < Values; ++v)
      if (along_row(v) && pass_of(v) == pass) return true;
    return false;
  }
  constexpr bool has_column() const {
    for (int v = 0; v < Values; ++v)
      if (is_column(v)) return true;
    return false;
  }
  /// Whether pass `pass` stores the output an element at a time.
  constexpr bool stores(int pass, int o) const {
    return (output[o].mask & row) && !is_column(output[o].value) && ready[output[o].value] == pass;
  }
  constexpr bool computes(int pass, int v) const { return need[pass][v] && v >= inputs && !(keep[v] && ready[v] < pass); }
  constexpr int cost(int pass) const {
    int c = 0;
    for (int v = 0; v < Values; ++v) c += computes(pass, v) ? value[v].cost : 0;
    return c;
  }
  /// The pass that fetches the next row while it computes: the one that computes most of those that find their own row in the
  /// caches, or a single pass that computes much. -1: none.
  constexpr int fetching_pass() const {
    int most = -1;
    for (int q = passes > 1 || cost(0) < 16 ? 1 : 0; q < passes; ++q)
      if (most < 0 || cost(q) > cost(most)) most = q;
    return most;
  }
  /// An input that the first pass reads, another part for each row.
  constexpr bool is_fetched(int v) const { return v < inputs && need[0][v] && value[v].mask + 1 == row * 2 && dims > 1; }
  /// Independent accumulators of a pass: as many as hide the latency of an addition.
  constexpr int unroll(int pass) const { return !reduces(pass) ? 1 : cost(pass) <= 8 ? 4 : 2; }
  /// The widest element value or output (which may be the same along the row).
  constexpr int element_bytes() const {
    int b = 4;
    for (int v = 0; v < Values; ++v)
      if ((is_element(v) || is_reduction(v)) && size_of(value[v].type) > b) b = size_of(value[v].type);
    for (const auto& o : output)
      if (size_of(o.type) > b) b = size_of(o.type);
    return b;
  }
};

/// Neighbouring dimensions along which the same values vary are one.
template <int V, int O>
constexpr void merge_dimensions(row_plan<V, O>& p, int dims) {
  auto same = [&](unsigned mask, int d) { return (mask >> d & 1) == (mask >> (d - 1) & 1); };
  for (int d = 1; d < dims; ++d) {
    bool joined = true;
    for (const auto& v : p.value)
      if (v.kind != value_role::constant) joined = joined && same(v.mask, d) && same(v.removed, d);
    for (const auto& o : p.output) joined = joined && same(o.mask, d);
    p.group[d] = p.group[d - 1] + !joined;
  }
  p.dims = p.group[dims - 1] + 1;
  p.row = 1u << (p.dims - 1);
  auto merged = [&](unsigned mask) {
    unsigned m = 0;
    for (int d = 0; d < dims; ++d) m |= (mask >> d & 1) << p.group[d];
    return m;
  };
  for (auto& v : p.value) v.mask = merged(v.mask), v.removed = merged(v.removed);
  for (auto& o : p.output) o.mask = merged(o.mask);
}

/// How many passes there are, and which of them may first use each value.
template <int V, int O>
constexpr void find_passes(row_plan<V, O>& p) {
  for (int v = p.inputs; v < V; ++v) {
    for (int k = 0; k < p.value[v].operands; ++k) {
      const int r = p.ready[p.value[v].operand[k]];
      p.ready[v] = p.ready[v] < r ? r : p.ready[v];
    }
    if (p.is_reduction(v)) ++p.ready[v];
    const int end = p.along_row(v) || (p.is_column(v) && (p.value[v].mask & p.row)) ? p.ready[v] : 0;
    p.passes = p.passes < end ? end : p.passes;
  }
  for (int o = 0; o < O; ++o)
    if ((p.output[o].mask & p.row) && !p.is_column(p.output[o].value) && p.passes <= p.ready[p.output[o].value])
      p.passes = p.ready[p.output[o].value] + 1;
  if (p.passes > max_plan_passes) throw "a region has at most eight reductions that depend on each other";
}

/// The values that each pass needs, given which are kept.
template <int V, int O>
constexpr void find_needs(row_plan<V, O>& p) {
  for (int q = p.passes; q-- > 0;) {
    bool* need = p.need[q];
    for (int v = 0; v < V; ++v) {
      need[v] = false;
      if (p.keep[v] && p.ready[v] == q)
        for (int later = q + 1; later < p.passes; ++later) need[v] = need[v] || p.need[later][v];
    }
    for (int v = 0; v < V; ++v)
      if (p.accumulates(q, v) && p.is_element(p.value[v].operand[0])) need[p.value[v].operand[0]] = true;
    for (int o = 0; o < O; ++o)
      if (p.stores(q, o) && p.is_element(p.output[o].value)) need[p.output[o].value] = true;
    for (int v = V; v-- > 0;)
      if (p.computes(q, v))
        for (int k = 0; k < p.value[v].operands; ++k)
          if (p.is_element(p.value[v].operand[k])) need[p.value[v].operand[k]] = true;
  }
}

/// The extent of the plan's dimension d if it is static, otherwise -1. `extent`: those of the region's dimensions, negative at run time.
template <int V, int O>
constexpr std::int64_t static_extent(const row_plan<V, O>& p, const std::int64_t* extent, int dims, int d) {
  std::int64_t n = 1;
  for (int k = 0; k < dims; ++k)
    if (p.group[k] == d) n = n < 0 || extent[k] < 0 ? -1 : n * extent[k];
  return n;
}

// ---- from the region's type
template <class S>
struct statement_traits;
template <class O, std::int64_t... W, dtype T, unsigned M, int... X>
struct statement_traits<s<O, words<W...>, T, M, X...>> {
  using op = O;
  using attributes = words<W...>;
  static constexpr std::int64_t first_word = [] {
    std::int64_t w[]{W..., 0};
    return w[0];
  }();
  static constexpr value_facts facts = [] {
    value_facts f{value_role::pointwise, T, M, 0, 1, static_cast<int>(sizeof...(X)), {X...}};
    if constexpr (std::is_same_v<O, ops::full>)
      f.kind = value_role::constant;
    else if constexpr (std::is_same_v<O, ops::cast>)
      f.kind = value_role::cast;
    else {
      f.cost = O::cost;
      if constexpr (O::is_reduction)
        f.kind = value_role::reduction, f.removed = static_cast<unsigned>(first_word), f.cost = 1;
      else if constexpr (O::is_indexed)
        f.kind = value_role::indexed, f.removed = static_cast<unsigned>(first_word);
      else
        static_assert(O::is_pointwise, "a fused loop runs pointwise, indexed and reduction ops, full and cast");
    }
    return f;
  }();
};

template <int I, class S>
struct numbered_statement {
  using type = S;
};
template <class, class...>
struct numbered_statements;
template <int... I, class... S>
struct numbered_statements<std::integer_sequence<int, I...>, S...> : numbered_statement<I, S>... {};
template <int I, class S>
numbered_statement<I, S> statement_at(const numbered_statement<I, S>*);

template <class Region>
struct region_traits;
template <std::int64_t... E, dtype... IT, unsigned... IM, int... OV, dtype... OT, unsigned... OM, class... S>
struct region_traits<region<space<E...>, pack<input<IT, IM>...>, pack<output<OV, OT, OM>...>, S...>> {
  static constexpr int dims = sizeof...(E), inputs = sizeof...(IT), outputs = sizeof...(OV), statements = sizeof...(S),
                       values = inputs + statements;
  static_assert(dims >= 1 && dims <= max_plan_dims && outputs >= 1 && values >= 1);
  static constexpr std::int64_t extent[dims]{E...};

  /// What is kept and needed is the executor's choice, and not yet in it.
  static constexpr row_plan<values, outputs> plan = [] {
    row_plan<values, outputs> p;
    p.inputs = inputs;
    int v = 0, o = 0;
    ((p.value[v++] = value_facts{value_role::input, IT, IM, 0, 1, 0, {}}), ...);
    ((p.value[v++] = statement_traits<S>::facts), ...);
    ((p.output[o++] = output_facts{OV, OT, OM}), ...);
    merge_dimensions(p, dims);
    find_passes(p);
    return p;
  }();
  /// The number of elements of a row, or -1 if it is known at run time only.
  static constexpr std::int64_t row_length = static_extent(plan, extent, dims, plan.dims - 1);

  using list = numbered_statements<std::make_integer_sequence<int, statements>, S...>;
  /// The traits of the statement that makes value I.
  template <int I>
  using statement = statement_traits<typename decltype(statement_at<I - inputs>(static_cast<const list*>(nullptr)))::type>;
};

}  // namespace thunder
