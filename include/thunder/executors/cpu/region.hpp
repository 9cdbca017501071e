#pragma once
/// The CPU executor of fused regions: fused_loop<Region>::run is one loop nest, generated from the region's type by the plan of
/// plan.hpp, in vectors (vec.hpp) and on all cores (parallel.hpp).
#include <cstddef>
#include <cstdint>
#include <utility>

#include "arena.hpp"
#include "math.hpp"
#include "memory.hpp"
#include "parallel.hpp"
#include "plan.hpp"
#include "space.hpp"
#include "target.hpp"

namespace thunder::cpu {

/// The vector of value I, in a struct of many.
template <int I, class V> struct slot { V value; };
struct nothing {};
template <int I, class V> THUNDER_INLINE V& get(slot<I, V>& s) { return s.value; }
template <int I, class V> THUNDER_INLINE const V& get(const slot<I, V>& s) { return s.value; }

/// Rows at least this long are split between threads, in pieces of this length, where there are few rows.
inline constexpr std::int64_t long_row = 32 * 1024, row_piece = 8 * 1024, few_rows = 32;
/// Above this many bytes moved, outputs are stored past the caches.
inline constexpr std::int64_t streaming_bytes = 32 * 1024 * 1024;

template <class Region, class Target = default_target>
struct fused_loop {
  using traits = region_traits<Region>;
  static constexpr auto& plan = traits::plan;
  static constexpr int values = traits::values, inputs = traits::inputs, outputs = traits::outputs;
  static constexpr int lanes = Target::bytes / plan.element_bytes();
  using threads = typename Target::threads;
  using space_type = loop_space<traits>;
  using row_type = row_index<traits>;
  using every_value = std::make_integer_sequence<int, values>;
  using every_output = std::make_integer_sequence<int, outputs>;

  template <int I> using scalar_of = computed<plan.value[I].type>;
  template <int I> using vec_of = vec<scalar_of<I>, lanes>;

  template <class> struct slots;
  template <int... I> struct slots<std::integer_sequence<int, I...>> {
    struct held : slot<I, std::conditional_t<plan.is_held(I), vec_of<I>, nothing>>... {};
    struct element : slot<I, std::conditional_t<plan.is_element(I), vec_of<I>, nothing>>... {};
    template <int Pass> struct accumulator : slot<I, std::conditional_t<plan.along_row(I) && plan.pass_of(I) == Pass, vec_of<I>, nothing>>... {};
  };
  using held_values = typename slots<every_value>::held;
  using element_values = typename slots<every_value>::element;
  template <int Pass> using accumulators = typename slots<every_value>::template accumulator<Pass>;

  /// What a pass needs to know of the current row.
  struct row_pointers {
    const void* in[inputs + 1];
    void* out[outputs];
    bool written[outputs];            // by this row
    void* column[values];             // accumulators of column reductions
    bool counted[values];             // this row is one of those that a column reduction adds
    std::int64_t index[values];       // of the row's first element, for indexed statements
    char* scratch;
    std::int64_t scratch_row;         // elements of a row of scratch, padded
    bool streaming;
  };

  // ---- one vector of one value
  template <int I> THUNDER_INLINE static vec_of<I> constant() {
    constexpr double x = std::bit_cast<double>(traits::template statement<I>::first_word);
    if constexpr (plan.value[I].type == dtype::bf16) return vec_of<I>(static_cast<float>(bf16(static_cast<float>(x))));
    else if constexpr (plan.value[I].type == dtype::f16) return vec_of<I>(static_cast<float>(f16(static_cast<float>(x))));
    else return vec_of<I>(x);
  }
  template <int I> THUNDER_INLINE static vec_of<I> operand(const held_values& h, const element_values& e) {
    if constexpr (plan.value[I].kind == role::constant) return constant<I>();
    else if constexpr (plan.is_element(I)) return get<I>(e);
    else return get<I>(h);
  }
  template <int I, int... K>
  THUNDER_INLINE static vec_of<I> evaluate(const row_pointers& r, const held_values& h, const element_values& e, std::int64_t i, std::integer_sequence<int, K...>) {
    using statement = typename traits::template statement<I>;
    using op = typename statement::op;
    if constexpr (plan.value[I].kind == role::cast) {
      return cast<I>(operand<plan.value[I].operand[0]>(h, e));
    } else if constexpr (plan.value[I].kind == role::indexed) {
      using index = vec<std::int64_t, lanes>;
      index at(r.index[I] + (plan.value[I].removed & plan.row ? i : 0));
      if constexpr ((plan.value[I].removed & plan.row) != 0) at = at + lane_numbers<std::int64_t, lanes>();
      return convert<scalar_of<I>>(op::template evaluate<typename statement::attributes, scalar_of<I>>(at, operand<plan.value[I].operand[K]>(h, e)...));
    } else {
      return convert<scalar_of<I>>(op::evaluate(operand<plan.value[I].operand[K]>(h, e)...));
    }
  }
  /// Conversion to the value's element type, rounded to what it can hold.
  template <int I, class X> THUNDER_INLINE static vec_of<I> cast(const X& x) {
    if constexpr (std::is_same_v<scalar_of<I>, float>) return rounded_to<plan.value[I].type>(convert<float>(x));
    else return convert<scalar_of<I>>(x);
  }
  template <int I> THUNDER_INLINE static vec_of<I> evaluate(const row_pointers& r, const held_values& h, const element_values& e, std::int64_t i) {
    return evaluate<I>(r, h, e, i, std::make_integer_sequence<int, plan.value[I].operands>{});
  }
  template <int I> using op_of = typename traits::template statement<I>::op;
  template <int I> THUNDER_INLINE static vec_of<I> identity() { return vec_of<I>(op_of<I>::template identity<scalar_of<I>>()); }

  // ---- a vector's worth of a row
  template <int I> THUNDER_INLINE static void* scratch_at(const row_pointers& r, std::int64_t i) {
    return r.scratch + plan.scratch_slot[I] * r.scratch_row + i * static_cast<std::int64_t>(sizeof(lane<scalar_of<I>>));
  }
  /// Element value I at i .. i + count of the row, and what is accumulated at once from it. Part: fewer than all lanes count.
  template <int Pass, bool Part, int I>
  THUNDER_INLINE static void step(const row_pointers& r, const held_values& h, element_values& e, accumulators<Pass>& a, std::int64_t i, int count) {
    if constexpr (plan.need[Pass][I]) {
      auto& x = get<I>(e);
      if constexpr (I < inputs) {
        if constexpr (Part) x = load<plan.value[I].type, lanes>(r.in[I], i, count);
        else x = load<plan.value[I].type, lanes>(r.in[I], i);
      } else if constexpr (!plan.computes(Pass, I)) {
        __builtin_memcpy(&x.v, scratch_at<I>(r, i), sizeof x.v);
      } else {
        x = evaluate<I>(r, h, e, i);
        if constexpr (plan.keep[I]) __builtin_memcpy(scratch_at<I>(r, i), &x.v, sizeof x.v);
      }
    }
    if constexpr (plan.accumulates(Pass, I)) {
      auto x = convert<scalar_of<I>>(operand<plan.value[I].operand[0]>(h, e));
      if constexpr (plan.along_row(I)) {
        if constexpr (Part) x = select(lane_numbers<std::int32_t, lanes>() < vec<std::int32_t, lanes>(count), x, identity<I>());
        get<I>(a) = op_of<I>::combine(get<I>(a), x);
      } else if constexpr ((plan.value[I].mask & plan.row) != 0) {
        // The accumulators are padded: lanes beyond the row end in padding, or are overwritten by those of the next row.
        if (r.counted[I]) accumulate<I, Part>(static_cast<lane<scalar_of<I>>*>(r.column[I]) + i, x, count);
      }
    }
  }
  template <int I, bool Part> THUNDER_INLINE static void accumulate(lane<scalar_of<I>>* at, const vec_of<I>& x, int count) {
    vec_of<I> sum = identity<I>();
    const std::size_t bytes = Part ? static_cast<std::size_t>(count) * sizeof *at : sizeof sum.v;
    __builtin_memcpy(&sum.v, at, bytes);
    sum = op_of<I>::combine(sum, x);
    __builtin_memcpy(at, &sum.v, bytes);
  }
  template <int Pass, bool Part, int O>
  THUNDER_INLINE static void store_output(const row_pointers& r, const held_values& h, const element_values& e, std::int64_t i, int count) {
    if constexpr (plan.stores(Pass, O)) {
      constexpr dtype type = plan.output[O].type;
      if (!r.written[O]) return;
      const auto x = convert<computed<type>>(operand<plan.output[O].value>(h, e));
      if constexpr (Part) store<type, lanes>(r.out[O], i, x, count);
      else if (r.streaming) stream<type, lanes>(r.out[O], i, x);
      else store<type, lanes>(r.out[O], i, x);
    }
  }
  template <int Pass, bool Part, int... I, int... O>
  THUNDER_INLINE static void block(const row_pointers& r, const held_values& h, accumulators<Pass>& a, std::int64_t i, int count,
                                   std::integer_sequence<int, I...>, std::integer_sequence<int, O...>) {
    element_values e;
    (step<Pass, Part, I>(r, h, e, a, i, count), ...);
    (store_output<Pass, Part, O>(r, h, e, i, count), ...);
  }

  // ---- a pass over [begin, end) of a row
  template <int Pass, int... I> THUNDER_INLINE static void start(accumulators<Pass>& a, std::integer_sequence<int, I...>) {
    ([&] {
      if constexpr (plan.along_row(I) && plan.accumulates(Pass, I)) get<I>(a) = identity<I>();
    }(), ...);
  }
  template <int Pass, int... I> THUNDER_INLINE static void combine(accumulators<Pass>& a, const accumulators<Pass>& b, std::integer_sequence<int, I...>) {
    ([&] {
      if constexpr (plan.along_row(I) && plan.accumulates(Pass, I)) get<I>(a) = op_of<I>::combine(get<I>(a), get<I>(b));
    }(), ...);
  }
  template <int Pass>
  [[gnu::noinline]] static accumulators<Pass> pass(const row_pointers& row, const held_values& held, std::int64_t begin, std::int64_t end) {
    constexpr int unroll = plan.unroll(Pass);
    constexpr std::int64_t length = space_type::template static_extent<plan.dims - 1>;
    constexpr every_value v{};
    constexpr every_output o{};
    const row_pointers r = row;  // copies that no store can change
    const held_values h = held;
    accumulators<Pass> a[unroll];
    for (auto& x : a) start<Pass>(x, v);
    std::int64_t i = begin;
    [&]<int... U>(std::integer_sequence<int, U...>) __attribute__((always_inline)) {
      for (; i + unroll * lanes <= end; i += unroll * lanes) (block<Pass, false>(r, h, a[U], i + U * lanes, lanes, v, o), ...);
    }(std::make_integer_sequence<int, unroll>{});
    if constexpr (unroll > 1 && !(length >= 0 && length % (unroll * lanes) == 0))
      for (; i + lanes <= end; i += lanes) block<Pass, false>(r, h, a[0], i, lanes, v, o);
    if constexpr (!(length >= 0 && length % lanes == 0))
      if (i < end) block<Pass, true>(r, h, a[0], i, length >= 0 ? static_cast<int>(length % lanes) : static_cast<int>(end - i), v, o);
    for (int u = 1; u < unroll; ++u) combine<Pass>(a[0], a[u], v);
    return a[0];
  }

  // ---- around the passes of a row
  struct call {
    space_type space;
    const void* const* in;
    void* const* out;
    char* columns;                    // the accumulators of column reductions of one thread
    bool streaming;
  };
  template <int I> static std::int64_t column_bytes(const space_type& s) {
    if constexpr (plan.is_column(I)) return (s.size(plan.value[I].mask) * static_cast<std::int64_t>(sizeof(lane<scalar_of<I>>)) + 63) / 64 * 64;
    else return 0;
  }
  template <int... I> static std::int64_t columns_bytes(const space_type& s, int before, std::integer_sequence<int, I...>) {
    return (std::int64_t{0} + ... + (I < before ? column_bytes<I>(s) : 0));
  }
  static std::int64_t columns_bytes(const space_type& s, int before = values) { return columns_bytes(s, before, every_value{}); }

  template <int... I, int... O>
  static void set_row(const call& c, const row_type& row, row_pointers& r, std::integer_sequence<int, I...>, std::integer_sequence<int, O...>) {
    ([&] {
      constexpr value_facts f = plan.value[I];
      if constexpr (I < inputs) r.in[I] = element_at<f.type>(c.in[I], row.template offset<f.mask>(c.space));
      else if constexpr (f.kind == role::indexed) r.index[I] = row.template offset<f.removed>(c.space);
      else if constexpr (plan.is_column(I)) {
        r.column[I] = reinterpret_cast<lane<scalar_of<I>>*>(c.columns + columns_bytes(c.space, I)) + row.template offset<f.mask>(c.space);
        r.counted[I] = row.template is_first<f.mask | f.removed>();
      }
    }(), ...);
    ([&] {
      constexpr output_facts f = plan.output[O];
      r.out[O] = element_at<f.type>(c.out[O], row.template offset<f.mask>(c.space));
      r.written[O] = row.template is_first<f.mask>();
    }(), ...);
  }
  /// Held values that pass `Stage` is the first to use; Stage -1: those that are the same for all rows.
  template <int Stage, int... I> static void hold(const row_pointers& r, held_values& h, std::integer_sequence<int, I...>) {
    ([&] {
      if constexpr (plan.is_held(I) && !plan.is_reduction(I) && (plan.is_once(I) ? -1 : plan.ready[I]) == Stage) {
        if constexpr (I < inputs) get<I>(h) = broadcast<plan.value[I].type, lanes>(r.in[I], 0);
        else get<I>(h) = evaluate<I>(r, h, element_values{}, 0);
      }
    }(), ...);
  }
  /// The lanes of x combined, one half with the other.
  template <int I, class T, int N> THUNDER_INLINE static T across_lanes(const vec<T, N>& x) {
    if constexpr (N == 2) return op_of<I>::combine(x[0], x[1]);
    else {
      struct halves { vec<T, N / 2> low, high; };
      const auto h = bits_as<halves>(x);
      return across_lanes<I>(op_of<I>::combine(h.low, h.high));
    }
  }
  template <int I> static void accumulate_held(const row_pointers& r, scalar_of<I> x) {
    if (!r.counted[I]) return;
    auto& sum = *static_cast<lane<scalar_of<I>>*>(r.column[I]);
    if constexpr (std::is_same_v<scalar_of<I>, bool>) sum = op_of<I>::combine(sum != 0, x) ? -1 : 0;
    else sum = op_of<I>::combine(sum, x);
  }
  /// After a pass: the values of its reductions.
  template <int Pass, int... I>
  static void finish_pass(const row_pointers& r, held_values& h, const accumulators<Pass>& a, std::integer_sequence<int, I...>) {
    ([&] {
      if constexpr (plan.along_row(I) && plan.accumulates(Pass, I)) {
        const scalar_of<I> x = across_lanes<I>(get<I>(a));
        if constexpr (plan.is_column(I)) accumulate_held<I>(r, x);
        else get<I>(h) = vec_of<I>(x);
      }
    }(), ...);
  }
  /// After all passes: what does not vary along the row.
  template <int... I, int... O>
  static void finish_row(const row_pointers& r, const held_values& h, std::integer_sequence<int, I...>, std::integer_sequence<int, O...>) {
    ([&] {
      if constexpr (plan.is_column(I) && !plan.along_row(I) && !(plan.value[I].mask & plan.row))
        accumulate_held<I>(r, convert<scalar_of<I>>(operand<plan.value[I].operand[0]>(h, element_values{}))[0]);
    }(), ...);
    ([&] {
      constexpr output_facts f = plan.output[O];
      if constexpr (!(f.mask & plan.row) && !plan.is_column(f.value))
        if (r.written[O]) store<f.type, lanes>(r.out[O], 0, convert<computed<f.type>>(operand<f.value>(h, element_values{})), 1);
    }(), ...);
  }
  /// All of a row; run_pass(pass number, row, held values) gives the pass's accumulators.
  template <class RunPass, int... P>
  static void run_row(const call& c, const row_type& row, row_pointers& r, held_values& h, RunPass&& run_pass, std::integer_sequence<int, P...>) {
    set_row(c, row, r, every_value{}, every_output{});
    hold<0>(r, h, every_value{});
    ([&] {
      finish_pass<P>(r, h, run_pass(std::integral_constant<int, P>{}), every_value{});
      hold<P + 1>(r, h, every_value{});
    }(), ...);
    finish_row(r, h, every_value{}, every_output{});
  }
  using every_pass = std::make_integer_sequence<int, plan.passes>;

  // ---- the whole space
  /// A row's pointers and the values that are the same for all rows.
  static void begin_rows(const call& c, row_pointers& r, held_values& h) {
    r.streaming = c.streaming;
    r.scratch_row = (c.space.row_length() + 15) / 16 * 16;
    r.scratch = plan.scratch_bytes ? static_cast<char*>(working_memory(purpose::scratch_rows, static_cast<std::size_t>(plan.scratch_bytes * r.scratch_row))) : nullptr;
    set_row(c, row_type(c.space, 0), r, every_value{}, every_output{});
    hold<-1>(r, h, every_value{});
  }
  /// Rows [begin, end) on this thread.
  static void run_rows(const call& c, std::int64_t begin, std::int64_t end) {
    if (begin >= end) return;
    row_pointers r{};
    held_values h{};
    begin_rows(c, r, h);
    row_type row(c.space, begin);
    for (std::int64_t k = begin; k < end; ++k, row.advance(c.space))
      run_row(c, row, r, h, [&](auto p) { return pass<p.value>(r, h, 0, c.space.row_length()); }, every_pass{});
    if (c.streaming) finish_streaming();
  }
  /// One row after the other, each split between the threads. Reductions add up pieces of a fixed length in order, so that
  /// the result does not depend on the number of threads.
  static void run_split_rows(const call& c, std::int64_t bytes) {
    const std::int64_t length = c.space.row_length(), rows = c.space.rows(), pieces = (length + row_piece - 1) / row_piece;
    const int team = threads_for<threads>(pieces, bytes / rows);
    row_pointers r{};
    held_values h{};
    begin_rows(c, r, h);
    row_type row(c.space, 0);
    auto run_pass = [&](auto p) {
      using result = accumulators<p.value>;
      constexpr bool reduces = plan.reduces(p.value);
      result* partial = nullptr;
      if constexpr (reduces) partial = static_cast<result*>(working_memory(purpose::partial_results, static_cast<std::size_t>(pieces) * sizeof(result)));
      threads::run(team, [&](int thread, int size) {
        const part mine(pieces, thread, size);
        if constexpr (reduces) {
          for (std::int64_t k = mine.begin; k < mine.end; ++k)
            partial[k] = pass<p.value>(r, h, k * row_piece, k * row_piece + row_piece < length ? k * row_piece + row_piece : length);
        } else if (mine.begin < mine.end) {
          pass<p.value>(r, h, mine.begin * row_piece, mine.end * row_piece < length ? mine.end * row_piece : length);
        }
        if (c.streaming) finish_streaming();
      });
      result all;
      start<p.value>(all, every_value{});
      if constexpr (reduces)
        for (std::int64_t k = 0; k < pieces; ++k) combine<p.value>(all, partial[k], every_value{});
      return all;
    };
    for (std::int64_t k = 0; k < rows; ++k, row.advance(c.space)) run_row(c, row, r, h, run_pass, every_pass{});
  }

  // ---- column reductions
  template <int... I> static void clear_columns(const call& c, std::integer_sequence<int, I...>) {
    ([&] {
      if constexpr (plan.is_column(I)) {
        const auto n = c.space.size(plan.value[I].mask);
        auto* sum = reinterpret_cast<lane<scalar_of<I>>*>(c.columns + columns_bytes(c.space, I));
        for (std::int64_t k = 0; k < n; ++k) sum[k] = identity<I>().v[0];
      }
    }(), ...);
  }
  /// The sums of all threads, in thread order, go to the outputs.
  template <int O> static void finish_columns(const call& c, int team) {
    constexpr output_facts f = plan.output[O];
    if constexpr (plan.is_column(f.value)) {
      constexpr int I = f.value;
      static_assert(f.mask == plan.value[I].mask, "a column reduction is stored along its own dimensions");
      const std::int64_t n = c.space.size(f.mask), stride = columns_bytes(c.space);
      const char* first = c.columns + columns_bytes(c.space, I);
      auto some = [&](std::int64_t k, int count) {
        vec_of<I> sum = identity<I>();
        for (int t = 0; t < team; ++t) {
          vec_of<I> x = identity<I>();
          __builtin_memcpy(&x.v, first + t * stride + k * static_cast<std::int64_t>(sizeof(lane<scalar_of<I>>)), static_cast<std::size_t>(count) * sizeof(lane<scalar_of<I>>));
          sum = op_of<I>::combine(sum, x);
        }
        store<f.type, lanes>(c.out[O], k, convert<computed<f.type>>(sum), count);
      };
      parallel_for<threads>(n, n * team * 8, [&](std::int64_t begin, std::int64_t end, int) {
        std::int64_t k = begin;
        for (; k + lanes <= end; k += lanes) some(k, lanes);
        if (k < end) some(k, static_cast<int>(end - k));
      });
    }
  }

  // ---- the call
  template <int... I, int... O>
  static std::int64_t bytes_moved(const space_type& s, std::integer_sequence<int, I...>, std::integer_sequence<int, O...>) {
    return (std::int64_t{0} + ... + (I < inputs ? s.size(plan.value[I].mask) * size_of(plan.value[I].type) : 0)) +
           (std::int64_t{0} + ... + (s.size(plan.output[O].mask) * size_of(plan.output[O].type)));
  }
  template <int... O> static bool may_stream(const call& c, std::integer_sequence<int, O...>) {
    constexpr auto width = static_cast<std::uintptr_t>(Target::bytes);
    const auto row = static_cast<std::uintptr_t>(c.space.row_length());
    return ((!(plan.output[O].mask & plan.row) || plan.is_column(plan.output[O].value) ||
             (reinterpret_cast<std::uintptr_t>(c.out[O]) % width == 0 && (c.space.rows() == 1 || row * size_of(plan.output[O].type) % width == 0))) && ...);
  }

  /// inputs[i], outputs[o]: the region's buffers; dims: its run-time extents.
  static void run(const void* const* in, void* const* out, const std::int64_t* dims) {
    call c{space_type(dims), in, out, nullptr, false};
    const std::int64_t rows = c.space.rows(), bytes = bytes_moved(c.space, every_value{}, every_output{});
    c.streaming = bytes >= streaming_bytes && may_stream(c, every_output{});
    const bool split = rows > 0 && rows < few_rows && c.space.row_length() >= long_row;
    const int most = split ? 1 : threads_for<threads>(rows, bytes);
    int team = 1;
    if constexpr (plan.has_column()) c.columns = static_cast<char*>(working_memory(purpose::column_accumulators, static_cast<std::size_t>(columns_bytes(c.space) * most)));
    if (split) {
      if constexpr (plan.has_column()) clear_columns(c, every_value{});
      run_split_rows(c, bytes);
    } else {
      threads::run(most, [&](int thread, int size) {
        call own = c;
        if (thread == 0) team = size;
        if constexpr (plan.has_column()) own.columns += thread * columns_bytes(c.space), clear_columns(own, every_value{});
        const part mine(rows, thread, size);
        run_rows(own, mine.begin, mine.end);
      });
    }
    if constexpr (plan.has_column())
      [&]<int... O>(std::integer_sequence<int, O...>) { (finish_columns<O>(c, team), ...); }(every_output{});
  }
};

}  // namespace thunder::cpu
