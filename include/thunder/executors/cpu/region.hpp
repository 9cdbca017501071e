#pragma once
/// The CPU executor of fused regions: fused_loop<Region>::run is one loop nest, generated from the region's type by the plan of
/// plan.hpp, in vectors (vec.hpp) and on all cores (parallel.hpp).
#include <cstddef>
#include <cstdint>
#include <utility>

#include "arena.hpp"
#include "parallel.hpp"
#include "row_pass.hpp"

namespace thunder::cpu {

/// Rows at least this long are split between threads, in pieces of this length, where there are few rows.
inline constexpr std::int64_t long_row = 32 * 1024, row_piece = 8 * 1024, few_rows = 32;
/// Above this many bytes moved, outputs are stored past the caches.
inline constexpr std::int64_t streaming_bytes = 32 * 1024 * 1024;

template <class Region, class Target = default_target>
struct fused_loop {
  using row = row_pass<Region, Target>;
  using traits = typename row::traits;
  using space = typename row::space;
  using index = row_index<traits, Target>;
  using held_values = typename row::held_values;
  using row_pointers = typename row::row_pointers;
  using no_elements = typename row::no_elements;
  using threads = typename Target::threads;
  using what = typename row::what;
  static constexpr auto& plan = traits::plan;
  static constexpr int lanes = row::lanes;
  template <what W, int Pass = 0>
  using list = typename row::template list<W, Pass>;
  template <int I>
  using op_of = typename row::template op_of<I>;
  template <int I>
  using scalar_of = typename row::template scalar_of<I>;
  template <int I>
  using lane_of = lane<scalar_of<I>>;
  using every_pass = std::make_integer_sequence<int, plan.passes>;

  /// One call, as one thread sees it.
  struct call {
    space extents;
    const void* const* in;
    void* const* out;
    char* columns;  // this thread's accumulators of column reductions
    bool streaming;
  };

  // ---- column reductions: accumulators of the size of the result for each thread
  static std::int64_t columns_bytes(const space& s, int before = traits::values) {
    std::int64_t n = 0;
    for (int v = 0; v < before; ++v)
      if (plan.is_column(v)) n += (s.size(plan.value[v].mask) * (size_of(plan.value[v].type) == 8 ? 8 : 4) + 63) / 64 * 64;
    return n;
  }
  template <int... I>
  static void clear_columns(const call& c, std::integer_sequence<int, I...>) {
    (clear_column(reinterpret_cast<lane_of<I>*>(c.columns + columns_bytes(c.extents, I)), c.extents.size(plan.value[I].mask),
                  row::template identity<I>()[0]),
     ...);
  }
  template <class T, class X>
  static void clear_column(T* sum, std::int64_t n, X x) {
    for (std::int64_t k = 0; k < n; ++k) sum[k] = std::is_same_v<X, bool> ? -static_cast<T>(x) : static_cast<T>(x);
  }
  template <int I>
  static void accumulate(const row_pointers& r, scalar_of<I> x) {
    if (!r.counted[I]) return;
    auto& sum = *static_cast<lane_of<I>*>(r.column[I]);
    if constexpr (std::is_same_v<scalar_of<I>, bool>)
      sum = op_of<I>::combine(sum != 0, x) ? -1 : 0;
    else
      sum = op_of<I>::combine(sum, x);
  }
  /// Elements k .. k + count of output O: the sums of all threads, in thread order.
  template <int O>
  static void finish_some(const call& c, int team, const char* first, std::int64_t stride, std::int64_t k, int count) {
    constexpr output_facts f = plan.output[O];
    auto sum = row::template identity<f.value>();
    for (int t = 0; t < team; ++t) {
      auto x = row::template identity<f.value>();
      __builtin_memcpy(&x.v, first + t * stride + k * static_cast<std::int64_t>(sizeof(lane_of<f.value>)),
                       static_cast<std::size_t>(count) * sizeof(lane_of<f.value>));
      sum = op_of<f.value>::combine(sum, x);
    }
    store<f.type, lanes>(c.out[O], k, convert<computed<f.type>>(sum), count);
  }
  template <int O>
  static void finish_columns(const call& c, int team) {
    constexpr output_facts f = plan.output[O];
    if constexpr (plan.is_column(f.value)) {
      static_assert(f.mask == plan.value[f.value].mask, "a column reduction is stored along its own dimensions");
      const std::int64_t n = c.extents.size(f.mask), stride = columns_bytes(c.extents);
      const char* first = c.columns + columns_bytes(c.extents, f.value);
      parallel_for<threads>(n, n * team * 8, [&](std::int64_t k, std::int64_t end, int) {
        for (; k < end; k += lanes)
          finish_some<O>(c, team, first, stride, k, end - k < lanes ? static_cast<int>(end - k) : lanes);
      });
    }
  }

  // ---- one row
  template <int I>
  static void place(const call& c, const index& at, row_pointers& r) {
    constexpr value_facts f = plan.value[I];
    if constexpr (I < traits::inputs)
      r.in[I] = element_at<f.type>(c.in[I], at.template offset<f.mask>(c.extents));
    else if constexpr (f.kind == value_role::indexed)
      r.index[I] = at.template offset<f.removed>(c.extents);
    else {
      r.column[I] =
          reinterpret_cast<lane_of<I>*>(c.columns + columns_bytes(c.extents, I)) + at.template offset<f.mask>(c.extents);
      r.counted[I] = at.template is_first<f.mask | f.removed>();
    }
  }
  template <int O>
  static void place_output(const call& c, const index& at, row_pointers& r) {
    constexpr output_facts f = plan.output[O];
    r.out[O] = element_at<f.type>(c.out[O], at.template offset<f.mask>(c.extents));
    r.written[O] = at.template is_first<f.mask>();
  }
  template <int... I, int... O>
  [[gnu::noinline]] static void place_row(const call& c, const index& at, row_pointers& r, std::integer_sequence<int, I...>,
                                          std::integer_sequence<int, O...>) {
    (place<I>(c, at, r), ...);
    (place_output<O>(c, at, r), ...);
  }
  template <int I>
  static void hold(const row_pointers& r, held_values& h) {
    if constexpr (I < traits::inputs)
      get<I>(h) = broadcast<plan.value[I].type, lanes>(r.in[I], 0);
    else
      get<I>(h) = row::template evaluate<I>(r, h, no_elements{}, 0);
  }
  template <int... I>
  static void hold_all(const row_pointers& r, held_values& h, std::integer_sequence<int, I...>) {
    (hold<I>(r, h), ...);
  }

  /// The lanes of x combined, one half with the other.
  template <int I, class T, int N>
  THUNDER_INLINE static T across_lanes(const vec<T, N>& x) {
    if constexpr (N == 2)
      return op_of<I>::combine(x[0], x[1]);
    else {
      struct halves {
        vec<T, N / 2> low, high;
      };
      const auto h = bits_as<halves>(x);
      return across_lanes<I>(op_of<I>::combine(h.low, h.high));
    }
  }
  template <int I, class A>
  static void finish(const row_pointers& r, held_values& h, const A& a) {
    const scalar_of<I> x = across_lanes<I>(get<I>(a));
    if constexpr (plan.is_column(I))
      accumulate<I>(r, x);
    else
      get<I>(h) = typename row::template vec_of<I>(x);
  }
  /// After a pass: the values of its reductions, and what is held from then on.
  template <int Pass, class A, int... I>
  [[gnu::noinline]] static void finish_pass(const row_pointers& r, held_values& h, const A& a, std::integer_sequence<int, I...>) {
    (finish<I>(r, h, a), ...);
    hold_all(r, h, list<what::held_from, Pass + 1>{});
  }
  template <int O>
  static void store_of_row(const row_pointers& r, const held_values& h) {
    constexpr output_facts f = plan.output[O];
    if (r.written[O])
      store<f.type, lanes>(r.out[O], 0, convert<computed<f.type>>(row::template operand<f.value>(h, no_elements{})), 1);
  }
  /// After all passes: what does not vary along the row.
  template <int... I, int... O>
  static void finish_row(const row_pointers& r, const held_values& h, std::integer_sequence<int, I...>,
                         std::integer_sequence<int, O...>) {
    (accumulate<I>(r, convert<scalar_of<I>>(row::template operand<plan.value[I].operand[0]>(h, no_elements{}))[0]), ...);
    (store_of_row<O>(r, h), ...);
  }
  [[gnu::noinline]] static void begin_row(const call& c, const index& at, row_pointers& r, held_values& h) {
    place_row(c, at, r, list<what::placed>{}, list<what::every_output>{});
    hold_all(r, h, list<what::held_from, 0>{});
  }
  [[gnu::noinline]] static void end_row(const row_pointers& r, const held_values& h) {
    finish_row(r, h, list<what::column_of_rows>{}, list<what::stored_by_row>{});
  }
  /// What is the same for all rows.
  [[gnu::noinline]] static void begin(const call& c, row_pointers& r, held_values& h) {
    r.streaming = c.streaming;
    r.scratch_row = (c.extents.row_length() + 15) / 16 * 16;
    r.scratch = nullptr;
    if constexpr (plan.scratch_bytes > 0)
      r.scratch =
          static_cast<char*>(working_memory(purpose::scratch_rows, static_cast<std::size_t>(plan.scratch_bytes * r.scratch_row)));
    place_row(c, index(c.extents, 0), r, list<what::placed>{}, list<what::every_output>{});
    hold_all(r, h, list<what::once>{});
  }

  // ---- all rows
  template <int... P>
  static void run_passes(row_pointers& r, held_values& h, [[maybe_unused]] std::int64_t length,
                         std::integer_sequence<int, P...>) {
    (finish_pass<P>(r, h, row::template run<P>(r, h, 0, length), list<what::reduced, P>{}), ...);
  }
  /// Rows [k, end) on this thread.
  static void run_rows(const call& c, std::int64_t k, std::int64_t end) {
    if (k >= end) return;
    row_pointers r{};
    held_values h{};
    begin(c, r, h);
    for (index at(c.extents, k); k < end; ++k, at.advance(c.extents)) {
      begin_row(c, at, r, h);
      run_passes(r, h, c.extents.row_length(), every_pass{});
      end_row(r, h);
    }
    if (c.streaming) finish_streaming();
  }

  /// A pass over one row, split between the threads. Reductions add up pieces of a fixed length in order, so that the result
  /// does not depend on the number of threads.
  template <int P>
  static void run_split(row_pointers& r, held_values& h, std::int64_t length, std::int64_t pieces, int team) {
    using result = typename row::template accumulators<P>;
    constexpr list<what::reduced, P> reduced{};
    constexpr bool reduces = plan.reduces(P);
    result* partial = nullptr;
    if constexpr (reduces)
      partial = static_cast<result*>(working_memory(purpose::partial_results, static_cast<std::size_t>(pieces) * sizeof(result)));
    threads::run(team, [&](int thread, int size) {
      const part mine(pieces, thread, size);
      const std::int64_t step = reduces ? 1 : mine.end - mine.begin;
      for (std::int64_t k = mine.begin; k < mine.end; k += step) {
        const std::int64_t end = (k + step) * row_piece < length ? (k + step) * row_piece : length;
        const result one = row::template run<P>(r, h, k * row_piece, end);
        if constexpr (reduces) partial[k] = one;
      }
      if (r.streaming) finish_streaming();
    });
    result all;
    row::start(all, reduced);
    if constexpr (reduces)
      for (std::int64_t k = 0; k < pieces; ++k) row::combine(all, partial[k], reduced);
    finish_pass<P>(r, h, all, reduced);
  }
  template <int... P>
  static void run_split_passes(row_pointers& r, held_values& h, [[maybe_unused]] std::int64_t length,
                               [[maybe_unused]] std::int64_t pieces, [[maybe_unused]] int team,
                               std::integer_sequence<int, P...>) {
    (run_split<P>(r, h, length, pieces, team), ...);
  }
  static void run_split_rows(const call& c, std::int64_t bytes) {
    const std::int64_t length = c.extents.row_length(), rows = c.extents.rows(), pieces = (length + row_piece - 1) / row_piece;
    const int team = threads_for<threads>(pieces, bytes / rows);
    row_pointers r{};
    held_values h{};
    begin(c, r, h);
    index at(c.extents, 0);
    for (std::int64_t k = 0; k < rows; ++k, at.advance(c.extents)) {
      begin_row(c, at, r, h);
      run_split_passes(r, h, length, pieces, team, every_pass{});
      end_row(r, h);
    }
  }

  // ---- the call
  static std::int64_t bytes_moved(const space& s) {
    std::int64_t n = 0;
    for (int v = 0; v < traits::inputs; ++v) n += s.size(plan.value[v].mask) * size_of(plan.value[v].type);
    for (const auto& o : plan.output) n += s.size(o.mask) * size_of(o.type);
    return n;
  }
  /// Whether all vectors that are stored lie on multiples of their size, and where nothing was read: what was is in the caches.
  static bool streamable(const call& c) {
    for (int o = 0; o < traits::outputs; ++o) {
      const output_facts f = plan.output[o];
      if (!(f.mask & plan.row) || plan.is_column(f.value)) continue;
      for (int i = 0; i < traits::inputs; ++i)
        if (c.in[i] == c.out[o]) return false;
      if (reinterpret_cast<std::uintptr_t>(c.out[o]) % Target::bytes != 0 ||
          (c.extents.rows() > 1 && c.extents.row_length() * size_of(f.type) % Target::bytes != 0))
        return false;
    }
    return true;
  }
  template <int... O>
  static void finish_all_columns(const call& c, int team, std::integer_sequence<int, O...>) {
    (finish_columns<O>(c, team), ...);
  }

  /// in[i], out[o]: the region's buffers; dims: its run-time extents.
  static void run(const void* const* in, void* const* out, const std::int64_t* dims) {
    call c{space(dims), in, out, nullptr, false};
    const std::int64_t rows = c.extents.rows(), bytes = bytes_moved(c.extents);
    c.streaming = bytes >= streaming_bytes && streamable(c);
    const bool split = rows > 0 && rows < few_rows && c.extents.row_length() >= long_row;
    const int most = split ? 1 : threads_for<threads>(rows, bytes);
    int team = 1;
    constexpr bool columns = plan.has_column();
    if constexpr (columns)
      c.columns = static_cast<char*>(
          working_memory(purpose::column_accumulators, static_cast<std::size_t>(columns_bytes(c.extents) * most)));
    if (split) {
      if constexpr (columns) clear_columns(c, list<what::column>{});
      run_split_rows(c, bytes);
    } else {
      threads::run(most, [&](int thread, int size) {
        call own = c;
        if (thread == 0) team = size;
        if constexpr (columns) own.columns += thread * columns_bytes(c.extents), clear_columns(own, list<what::column>{});
        const part mine(rows, thread, size);
        run_rows(own, mine.begin, mine.end);
      });
    }
    if constexpr (columns) finish_all_columns(c, team, list<what::every_output>{});
  }
};

}  // namespace thunder::cpu
