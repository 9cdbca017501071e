#pragma once
/// One pass over a row: the innermost loop, generated from a region's plan.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "math.hpp"
#include "memory.hpp"
#include "philox.hpp"
#include "plan.hpp"
#include "space.hpp"
#include "target.hpp"

namespace thunder::cpu {

/// The vector of value I, in a struct of many.
template <int I, class V>
struct slot {
  V value;
};
template <int I, class V>
THUNDER_INLINE V& get(slot<I, V>& s) {
  return s.value;
}
template <int I, class V>
THUNDER_INLINE const V& get(const slot<I, V>& s) {
  return s.value;
}

template <class Region, class Target>
struct row_pass {
  using traits = region_traits<Region>;
  using space = loop_space<traits, Target>;
  static constexpr auto& plan = traits::plan;
  static constexpr int values = traits::values, inputs = traits::inputs, outputs = traits::outputs;
  static constexpr int lanes = Target::bytes / plan.element_bytes();

  template <int I>
  using scalar_of = computed<plan.value[I].type>;
  template <int I>
  using vec_of = vec<scalar_of<I>, lanes>;
  template <int I>
  using op_of = typename traits::template statement<I>::op;

  // ---- lists of values and outputs: each function below is instantiated only for those that it concerns
  enum class what {
    held,
    held_from,
    once,
    placed,
    element,
    work,
    fetched,
    reduced,
    column,
    column_of_rows,
    stored,
    stored_by_row,
    every_output
  };
  struct numbers {
    int at[values + outputs]{}, count = 0;
  };
  static constexpr bool belongs(what w, int pass, int k) {
    if (w >= what::stored) {
      if (w == what::stored) return plan.stores(pass, k);
      return w == what::every_output || (!(plan.output[k].mask & plan.row) && !plan.is_column(plan.output[k].value));
    }
    const bool computed_here = plan.is_held(k) && !plan.is_reduction(k);
    switch (w) {
      case what::held:
        return plan.is_held(k);
      case what::held_from:
        return computed_here && !plan.is_once(k) && plan.ready[k] == pass;
      case what::once:
        return plan.is_once(k);
      case what::placed:
        return k < inputs || plan.is_column(k) || plan.value[k].kind == value_role::indexed;
      case what::element:
        return plan.need[pass][k];
      case what::work:
        return plan.need[pass][k] || (plan.accumulates(pass, k) && (plan.along_row(k) || (plan.value[k].mask & plan.row)));
      case what::fetched:
        return pass == plan.fetching_pass() && plan.is_fetched(k);
      case what::reduced:
        return plan.along_row(k) && plan.accumulates(pass, k);
      case what::column:
        return plan.is_column(k);
      default:
        return plan.is_column(k) && !plan.along_row(k) && !(plan.value[k].mask & plan.row);
    }
  }
  template <what W, int Pass>
  static constexpr numbers chosen = [] {
    numbers n;
    for (int k = 0; k < (W >= what::stored ? outputs : values); ++k)
      if (belongs(W, Pass, k)) n.at[n.count++] = k;
    return n;
  }();
  template <what W, int Pass, int... K>
  static std::integer_sequence<int, chosen<W, Pass>.at[K]...> spread(std::integer_sequence<int, K...>);
  template <what W, int Pass = 0>
  using list = decltype(spread<W, Pass>(std::make_integer_sequence<int, chosen<W, Pass>.count>{}));

  template <class>
  struct slots;
  template <int... I>
  struct slots<std::integer_sequence<int, I...>> : slot<I, vec_of<I>>... {};
  using held_values = slots<list<what::held>>;
  template <int Pass>
  using element_values = slots<list<what::element, Pass>>;
  template <int Pass>
  using accumulators = slots<list<what::reduced, Pass>>;
  using no_elements = slots<std::integer_sequence<int>>;

  /// What a pass needs to know of the current row.
  struct row_pointers {
    const void* in[inputs + 1];
    void* out[outputs];
    bool written[outputs];       // by this row
    void* column[values];        // accumulators of column reductions
    bool counted[values];        // this row is one of those that a column reduction adds
    std::int64_t index[values];  // of the row's first element, for indexed statements
    char* scratch;
    std::int64_t scratch_row;  // elements of a row of scratch, padded
    bool streaming;
  };

  // ---- one vector of one value
  template <int I>
  THUNDER_INLINE static vec_of<I> constant() {
    constexpr double x = std::bit_cast<double>(traits::template statement<I>::first_word);
    if constexpr (plan.value[I].type == dtype::bf16 || plan.value[I].type == dtype::f16) {
      constexpr float y = element_t<plan.value[I].type>(static_cast<float>(x));
      return vec_of<I>(y);
    } else
      return vec_of<I>(x);
  }
  template <int I, class Elements>
  THUNDER_INLINE static vec_of<I> operand(const held_values& h, const Elements& e) {
    if constexpr (plan.value[I].kind == value_role::constant)
      return constant<I>();
    else if constexpr (plan.is_element(I))
      return get<I>(e);
    else
      return get<I>(h);
  }
  template <int I, class Elements, int... K>
  THUNDER_INLINE static vec_of<I> evaluate(const row_pointers& r, const held_values& h, const Elements& e, std::int64_t i,
                                           std::integer_sequence<int, K...>) {
    constexpr value_facts f = plan.value[I];
    if constexpr (f.kind == value_role::cast) {
      const auto x = operand<f.operand[0]>(h, e);
      if constexpr (std::is_same_v<scalar_of<I>, float> && plan.is_only_stored(I))
        return convert<float>(x);
      else if constexpr (std::is_same_v<scalar_of<I>, float>)
        return rounded_to<f.type>(convert<float>(x));
      else
        return convert<scalar_of<I>>(x);
    } else if constexpr (f.kind == value_role::indexed) {
      using index = vec<std::int64_t, lanes>;
      using attributes = typename traits::template statement<I>::attributes;
      const index at =
          (f.removed & plan.row) != 0 ? index(r.index[I] + i) + lane_numbers<std::int64_t, lanes>() : index(r.index[I]);
      return convert<scalar_of<I>>(op_of<I>::template evaluate<attributes, scalar_of<I>>(at, operand<f.operand[K]>(h, e)...));
    } else {
      return convert<scalar_of<I>>(op_of<I>::evaluate(operand<f.operand[K]>(h, e)...));
    }
  }
  template <int I, class Elements>
  THUNDER_INLINE static vec_of<I> evaluate(const row_pointers& r, const held_values& h, const Elements& e, std::int64_t i) {
    return evaluate<I>(r, h, e, i, std::make_integer_sequence<int, plan.value[I].operands>{});
  }
  template <int I>
  THUNDER_INLINE static vec_of<I> identity() {
    return vec_of<I>(op_of<I>::template identity<scalar_of<I>>());
  }

  /// Every row is counted by column reduction I, and writes its own part of output O.
  static constexpr unsigned rows_mask = (1u << (plan.dims - 1)) - 1;
  template <int I>
  static constexpr bool always = ((plan.value[I].mask | plan.value[I].removed) & rows_mask) == rows_mask;
  template <int O>
  static constexpr bool always_written = (plan.output[O].mask & rows_mask) == rows_mask;

  // ---- a vector's worth of a row; Part: fewer than all lanes count
  template <int I>
  THUNDER_INLINE static void* scratch_at(const row_pointers& r, std::int64_t i) {
    return r.scratch + plan.scratch_slot[I] * r.scratch_row + i * static_cast<std::int64_t>(sizeof(lane<scalar_of<I>>));
  }
  /// Element value I at i, i + 1, ... of the row, and what is accumulated from it.
  template <int Pass, bool Part, int I>
  THUNDER_INLINE static void step(const row_pointers& r, const held_values& h, element_values<Pass>& e, accumulators<Pass>& a,
                                  std::int64_t i, int count) {
    if constexpr (plan.need[Pass][I]) {
      auto& x = get<I>(e);
      if constexpr (I < inputs) {
        if constexpr (Part)
          x = load<plan.value[I].type, lanes>(r.in[I], i, count);
        else
          x = load<plan.value[I].type, lanes>(r.in[I], i);
      } else if constexpr (!plan.computes(Pass, I)) {
        __builtin_memcpy(&x.v, scratch_at<I>(r, i), sizeof x.v);
      } else {
        x = evaluate<I>(r, h, e, i);
        if constexpr (plan.keep[I]) __builtin_memcpy(scratch_at<I>(r, i), &x.v, sizeof x.v);
      }
    } else {
      auto x = convert<scalar_of<I>>(operand<plan.value[I].operand[0]>(h, e));
      if constexpr (plan.along_row(I)) {
        if constexpr (Part) x = select(lane_numbers<std::int32_t, lanes>() < vec<std::int32_t, lanes>(count), x, identity<I>());
        get<I>(a) = op_of<I>::combine(get<I>(a), x);
      } else if (always<I> || r.counted[I]) {
        auto* at = static_cast<lane<scalar_of<I>>*>(r.column[I]) + i;
        const std::size_t bytes = Part ? static_cast<std::size_t>(count) * sizeof *at : sizeof x.v;
        vec_of<I> sum = identity<I>();
        __builtin_memcpy(&sum.v, at, bytes);
        sum = op_of<I>::combine(sum, x);
        __builtin_memcpy(at, &sum.v, bytes);
      }
    }
  }
  template <int Pass, bool Part, int O>
  THUNDER_INLINE static void store_output(const row_pointers& r, const held_values& h, const element_values<Pass>& e,
                                          std::int64_t i, int count) {
    constexpr dtype type = plan.output[O].type;
    if (!always_written<O> && !r.written[O]) return;
    const auto x = convert<computed<type>>(operand<plan.output[O].value>(h, e));
    if constexpr (Part)
      store<type, lanes>(r.out[O], i, x, count);
    else if (r.streaming)
      stream<type, lanes>(r.out[O], i, x);
    else
      store<type, lanes>(r.out[O], i, x);
  }
  template <int Pass, bool Part, int... I, int... O>
  THUNDER_INLINE static void block(const row_pointers& r, const held_values& h, accumulators<Pass>& a, std::int64_t i, int count,
                                   std::integer_sequence<int, I...>, std::integer_sequence<int, O...>) {
    element_values<Pass> e;
    (step<Pass, Part, I>(r, h, e, a, i, count), ...);
    (store_output<Pass, Part, O>(r, h, e, i, count), ...);
  }
  template <int Pass, bool Part>
  THUNDER_INLINE static void block(const row_pointers& r, const held_values& h, accumulators<Pass>& a, std::int64_t i,
                                   int count) {
    block<Pass, Part>(r, h, a, i, count, list<what::work, Pass>{}, list<what::stored, Pass>{});
  }
  template <int Pass, int... U>
  THUNDER_INLINE static void blocks(const row_pointers& r, const held_values& h, accumulators<Pass>* a, std::int64_t i,
                                    std::integer_sequence<int, U...>) {
    (block<Pass, false>(r, h, a[U], i + U * lanes, lanes), ...);
  }

  /// Brings what lies `count` elements from i on in these inputs to the second-level cache.
  template <int... I>
  THUNDER_INLINE static void fetch(const row_pointers& r, std::int64_t i, int count, std::integer_sequence<int, I...>) {
    for (int k = 0; k < count; k += 64 / plan.element_bytes())
      (__builtin_prefetch(element_at<plan.value[I].type>(r.in[I], i + k), 0, 2), ...);
  }

  // ---- a pass over [begin, end) of a row
  template <class A, int... I>
  THUNDER_INLINE static void start(A& a, std::integer_sequence<int, I...>) {
    ((get<I>(a) = identity<I>()), ...);
  }
  template <class A, int... I>
  THUNDER_INLINE static void combine(A& a, const A& b, std::integer_sequence<int, I...>) {
    ((get<I>(a) = op_of<I>::combine(get<I>(a), get<I>(b))), ...);
  }
  template <int Pass>
  [[gnu::noinline]] static accumulators<Pass> run(const row_pointers& row, const held_values& held, std::int64_t begin,
                                                  std::int64_t end) {
    constexpr int unroll = plan.unroll(Pass);
    constexpr std::int64_t length = space::template static_extent<plan.dims - 1>;
    constexpr list<what::reduced, Pass> reduced{};
    const row_pointers r = row;  // copies that no store can change
    const held_values h = held;
    accumulators<Pass> a[unroll];
    for (auto& x : a) start(x, reduced);
    std::int64_t i = begin;
    for (; i + unroll * lanes <= end; i += unroll * lanes) {
      fetch(r, i + end - begin, unroll * lanes, list<what::fetched, Pass>{});
      blocks<Pass>(r, h, a, i, std::make_integer_sequence<int, unroll>{});
    }
    if constexpr (unroll > 1 && !(length >= 0 && length % (unroll * lanes) == 0))
      for (; i + lanes <= end; i += lanes) block<Pass, false>(r, h, a[0], i, lanes);
    if constexpr (!(length >= 0 && length % lanes == 0))
      if (i < end) block<Pass, true>(r, h, a[0], i, length >= 0 ? static_cast<int>(length % lanes) : static_cast<int>(end - i));
    for (int u = 1; u < unroll; ++u) combine(a[0], a[u], reduced);
    return a[0];
  }
};

}  // namespace thunder::cpu
