#pragma once
/// One row: what is loaded, computed and stored of it, by the threads of a group.
///
/// A thread takes vectors of the row. A *pass* walks over them, computes the values that it needs element by element, stores
/// outputs, and adds up the reductions over the row that end it: in each thread, then over the group. What reductions over other
/// dimensions add up goes to `columns` and `scalars`, which the caller owns (columns.hpp).
#include "values.hpp"

namespace thunder::cuda {

template <class Region, class Machine, int Part>
struct kernel_values<Region, Machine, Part>::row_text {
  // ---- shared memory: buffers of reductions (and what a block adds up), the ring of rows, what varies along the row alone
  static constexpr int slot_bytes = 8, warps = shape.group / 32;
  template <int... P>
  static constexpr int most_of(std::integer_sequence<int, P...>) {
    int n = 0;
    ((n = count<what::reduced, P> > n ? count<what::reduced, P> : n), ...);
    return n;
  }
  static constexpr int most_reduced = most_of(std::make_integer_sequence<int, plan.passes>{});
  template <int I>
  static constexpr int column_offset = [] {
    std::int64_t n = 0;
    for (int v = 0; v < I; ++v)
      if (is_column_input(v)) n += (row_length * size_of(plan.value[v].type) + 15) / 16 * 16;
    return static_cast<int>(n);
  }();
  static constexpr int ring_offset = [] {
    int n = shape.group > 32 ? 2 * shape.groups * most_reduced * 32 * slot_bytes : 0;
    if (shape.persistent && n < 32 * slot_bytes) n = 32 * slot_bytes;
    if (shape.persistent && shape.vectors > 0 && shape.groups > 1 && shape.stages * shape.stage_bytes < row_length * 8)
      for (int v = 0; v < values; ++v)
        if (plan.is_column(v) && (plan.value[v].mask & row_mask) && row_length * (size_of(plan.value[v].type) == 8 ? 8 : 4) > n)
          n = static_cast<int>(row_length) * (size_of(plan.value[v].type) == 8 ? 8 : 4);
    return (n + 15) / 16 * 16;
  }();
  static constexpr int columns_offset = ring_offset + shape.stages * shape.stage_bytes * shape.groups;
  static constexpr int shared_bytes = columns_offset + (shape.share_columns ? column_offset<inputs> : 0);

  /// Bytes of so many elements of each row input before I.
  template <int I, std::int64_t Elements>
  static constexpr int bytes_before = [] {
    std::int64_t n = 0;
    for (int v = 0; v < I; ++v)
      if (belongs(what::row_input, -1, v)) n += Elements * size_of(plan.value[v].type);
    return static_cast<int>(n);
  }();

  // ---- a row that has arrived in the ring
  template <int... I>
  THUNDER_DEVICE static void read_stage(const char* stage, int v, row_packets& p, std::integer_sequence<int, I...>) {
    (M::template shared_read<V * size_of(facts<I>.type)>(get<I>(p).w,
                                                         stage + bytes_before<I, row_length> + v * (V * size_of(facts<I>.type))),
     ...);
  }

  // ---- values that do not vary along the row
  template <int I>
  THUNDER_DEVICE static void hold(const place& at, held_values& h) {
    if constexpr (I < inputs) {
      packet<M, facts<I>.type, 1> x;
      x.load_cached(at.a.in[I], offset<facts<I>.mask>(at.a, at.row));
      value_of<I>(h) = to_number<number<I>>(x.get(0, 0));
    } else {
      value_of<I>(h) = evaluate<I, coarse.at[I]>(at, h, element_values{}, 0, operand_numbers<I>{});
    }
  }
  template <int... I>
  THUNDER_DEVICE static void hold_all(const place& at, held_values& h, std::integer_sequence<int, I...>) {
    (hold<I>(at, h), ...);
  }

  // ---- loads
  template <int... I>
  THUNDER_DEVICE static void load_row(const place& at, [[maybe_unused]] std::int64_t i, row_packets& p,
                                      std::integer_sequence<int, I...>) {
    (get<I>(p).template load<!shape.pointwise>(at.a.in[I], offset<facts<I>.mask>(at.a, at.row) + i), ...);
  }
  template <int... I>
  THUNDER_DEVICE static void load_row_some(const place& at, [[maybe_unused]] std::int64_t i, [[maybe_unused]] int n,
                                           row_packets& p, std::integer_sequence<int, I...>) {
    (get<I>(p).load_some(at.a.in[I], offset<facts<I>.mask>(at.a, at.row) + i, n), ...);
  }
  template <int... I>
  THUNDER_DEVICE static void load_columns(const arguments& a, [[maybe_unused]] std::int64_t i, column_packets& p,
                                          std::integer_sequence<int, I...>) {
    if constexpr (shape.share_columns)
      (M::template shared_read<V * size_of(facts<I>.type)>(
           get<I>(p).w, M::shared() + columns_offset + column_offset<I> + i * size_of(facts<I>.type)),
       ...);
    else
      (get<I>(p).load_cached(a.in[I], i), ...);
  }
  // ---- one element
  template <int... I, int... C>
  THUNDER_DEVICE static void load_element(const auto& p, const auto& c, element_values& e, [[maybe_unused]] int j,
                                          [[maybe_unused]] std::uint32_t opaque, std::integer_sequence<int, I...>,
                                          std::integer_sequence<int, C...>) {
    ((value_of<I>(e) = to_number<number<I>>(get<I>(p).get(j, opaque))), ...);
    ((value_of<C>(e) = to_number<number<C>>(get<C>(c).get(j, opaque))), ...);
  }
  template <int Pass, int... I>
  THUNDER_DEVICE static void compute_element(const place& at, const held_values& h, element_values& e,
                                             [[maybe_unused]] std::int64_t i, std::integer_sequence<int, I...>) {
    ((value_of<I>(e) = evaluate<I, coarse_in<Pass>.at[I]>(at, h, e, i, operand_numbers<I>{})), ...);
  }
  template <int... I>
  THUNDER_DEVICE static void miss(element_values& e, std::integer_sequence<int, I...>) {
    ((value_of<I>(e) = false), ...);
  }
  template <int I, class Sums, class Columns>
  THUNDER_DEVICE static void add(const place& at, const held_values& h, const element_values& e, Sums& sums, Columns& columns,
                                 column_scalars& scalars, std::int64_t i, int u, int j) {
    const auto x = to_number<number<I>>(operand<facts<I>.operand[0]>(h, e));
    if constexpr (!plan.is_column(I)) {
      auto& to = get<I>(sums).at[j % chains];
      to = combine<I>(to, x);
    } else if (is_first<facts<I>.mask | facts<I>.removed>(at.a, at.row)) {
      if constexpr (facts<I>.mask & row_mask)
        columns.template add<I>(u, j, i, x);
      else
        get<I>(scalars) = combine<I>(get<I>(scalars), x);
    }
  }
  template <int... I, class Sums, class Columns>
  THUNDER_DEVICE static void add_element(const place& at, const held_values& h, const element_values& e, Sums& sums,
                                         Columns& columns, column_scalars& scalars, [[maybe_unused]] std::int64_t i,
                                         [[maybe_unused]] int u, [[maybe_unused]] int j, std::integer_sequence<int, I...>) {
    (add<I>(at, h, e, sums, columns, scalars, i, u, j), ...);
  }

  // ---- one vector
  template <int... O>
  THUNDER_DEVICE static void collect(const held_values& h, const element_values& e, auto& out, [[maybe_unused]] int j,
                                     std::integer_sequence<int, O...>) {
    ((get<O>(out).at[j] = to_number<stored_number<O>>(operand<output_at<O>.value>(h, e))), ...);
  }
  template <int... O>
  THUNDER_DEVICE static void store(const place& at, const auto& out, [[maybe_unused]] std::int64_t i, [[maybe_unused]] int n,
                                   std::integer_sequence<int, O...>) {
    (store<O>(at, out, i, n), ...);
  }
  template <int O, class Out>
  THUNDER_DEVICE static void store(const place& at, const Out& out, std::int64_t i, int n) {
    constexpr output_facts f = output_at<O>;
    if (!is_first<f.mask>(at.a, at.row)) return;
    packet<M, f.type, Out::width> p;
    p.set(get<O>(out).at);
    const std::int64_t k = offset<f.mask>(at.a, at.row) + i;
    if (n == Out::width && !is_loose(f.mask))
      p.store(at.a.out[O], k);
    else
      p.store_some(at.a.out[O], k, n);
  }
  /// Missed: the elements are not those of which a hit is true. n: how many elements of the vector there are.
  template <int Pass, bool Missed = false, class Row, class Column, class Sums, class Columns>
  THUNDER_DEVICE static void vector(const place& at, const Row& p, const Column& c, const held_values& h, Sums& sums,
                                    Columns& columns, column_scalars& scalars, std::int64_t i, int u, int n = Row::width) {
    output_slots<Row::width, list<what::stored, Pass>> out;
    THUNDER_UNROLL
    for (int j = 0; j < Row::width; ++j) {
      element_values e;
      load_element(p, c, e, j, at.opaque, list<what::row_input, Pass>{}, list<what::column_input, Pass>{});
      if constexpr (Missed) miss(e, list<what::hit, Pass>{});
      compute_element<Pass>(at, h, e, i + j, list<Missed ? what::missed : what::computed, Pass>{});
      if (j < n) add_element(at, h, e, sums, columns, scalars, i, u, j, list<Missed ? what::added_missed : what::added, Pass>{});
      collect(h, e, out, j, list<what::stored, Pass>{});
    }
    store(at, out, i, n, list<what::stored, Pass>{});
  }

  // ---- reductions over the threads of a group
  template <int I, class Sums>
  THUNDER_DEVICE static number<I> own_sum(const Sums& s) {
    number<I> x = get<I>(s).at[0];
    THUNDER_UNROLL
    for (int k = 1; k < chains; ++k) x = combine<I>(x, get<I>(s).at[k]);
    return x;
  }
  template <int I>
  THUNDER_DEVICE static number<I> across_warp(number<I> x, int width) {
    THUNDER_UNROLL
    for (int m = width / 2; m > 0; m /= 2) x = combine<I>(x, to_number<number<I>>(M::shuffle_xor(plain(x), m)));
    return x;
  }
  /// x of all threads of the group. `buffer` has room for one number of each warp.
  template <int I>
  THUNDER_DEVICE static void post(number<I> x, char* buffer, int warp) {
    if (M::thread() % 32 == 0) M::shared_store(reinterpret_cast<decltype(plain(x))*>(buffer + slot_bytes * warp), plain(x));
  }
  THUNDER_DEVICE static void sync_group() {
    if constexpr (shape.groups == 1)
      M::sync();
    else
      M::sync_some(1 + group_number(), shape.group);
  }
  template <int I>
  THUNDER_DEVICE static number<I> gather(const char* buffer, int count) {
    const int lane = M::thread() % 32;
    number<I> x = identity<I>();
    if (lane < count)
      x = to_number<number<I>>(M::shared_load(reinterpret_cast<const decltype(plain(x))*>(buffer + slot_bytes * lane)));
    return across_warp<I>(x, 32);
  }
  template <int... I, class Sums>
  THUNDER_DEVICE static void reduce(const Sums& s, held_values& h, int& turn, std::integer_sequence<int, I...>) {
    if constexpr (sizeof...(I) > 0) {
      ((get<I>(h) = across_warp<I>(own_sum<I>(s), shape.group < 32 ? shape.group : 32)), ...);
      if constexpr (shape.group > 32) {  // two buffers in turn: one barrier a reduction
        char* buffer = M::shared() + (2 * group_number() + turn) * most_reduced * 32 * slot_bytes;
        turn ^= 1;
        int k = 0;
        (post<I>(get<I>(h), buffer + 32 * slot_bytes * k++, M::thread() % shape.group / 32), ...);
        sync_group();
        k = 0;
        ((get<I>(h) = gather<I>(buffer + 32 * slot_bytes * k++, warps)), ...);
      }
    }
  }

  template <class A, int... I>
  THUNDER_DEVICE static void start(A& a, int n, std::integer_sequence<int, I...>) {
    THUNDER_UNROLL
    for (int k = 0; k < n; ++k) ((get<I>(a).at[k] = identity<I>()), ...);
  }
  // ---- a row
  template <int Pass>
  static constexpr bool works = count<what::added, Pass> + count<what::stored, Pass> > 0;
  template <int Pass, class Columns>
  THUNDER_DEVICE static void pass(place& at, const row_packets* p, const column_packets* c, held_values& h, Columns& columns,
                                  column_scalars& scalars, int& turn) {
    accumulators<Pass> sums;
    start(sums, chains, list<what::reduced, Pass>{});
    at.opaque = at.opaque * 3u + at.a.opaque;
    const std::int64_t n = vectors_of_row(at.a);
    if constexpr (works<Pass>) {
      if constexpr (shape.vectors > 0) {
        THUNDER_UNROLL
        for (int u = 0; u < shape.vectors; ++u) {
          const std::int64_t v = u * shape.group + at.t;
          if ((u + 1) * shape.group <= row_length / V || v < n) {
            row_packets row;
            if constexpr (shape.read_again) read_stage(at.stage, static_cast<int>(v), row, list<what::row_input>{});
            const row_packets& x = shape.read_again ? row : p[shape.read_again ? 0 : u];
            if constexpr (shape.hold_columns || count<what::column_input, Pass> == 0)
              vector<Pass>(at, x, c[shape.hold_columns ? u : 0], h, sums, columns, scalars, v * V, u);
            else {
              column_packets here;
              load_columns(at.a, v * V, here, list<what::column_input, Pass>{});
              vector<Pass>(at, x, here, h, sums, columns, scalars, v * V, u);
            }
          }
        }
      } else {
#ifdef __CUDACC__
#pragma unroll 4
#endif
        for (std::int64_t v = at.t; v < n; v += shape.group) {
          row_packets row;
          column_packets here;
          load_row(at, v * V, row, list<what::row_input>{});
          load_columns(at.a, v * V, here, list<what::column_input, Pass>{});
          vector<Pass>(at, row, here, h, sums, columns, scalars, v * V, 0);
        }
      }
    }
    reduce(sums, h, turn, list<what::reduced, Pass>{});
    hold_all(at, h, list<what::held_from, Pass + 1>{});
  }
  /// One number of an output.
  template <int O>
  THUNDER_DEVICE static void store_number(void* to, stored_number<O> x, std::int64_t k) {
    stored_number<O> y[1]{x};
    packet<M, output_at<O>.type, 1> p;
    p.set(y);
    p.store(to, k);
  }
  template <int O>
  THUNDER_DEVICE static void store_of_row(const place& at, const held_values& h) {
    constexpr output_facts f = output_at<O>;
    if (!is_first<f.mask>(at.a, at.row)) return;
    store_number<O>(at.a.out[O], to_number<stored_number<O>>(operand<f.value>(h, element_values{})),
                    offset<f.mask>(at.a, at.row));
  }
  template <int... O>
  THUNDER_DEVICE static void store_rows(const place& at, const held_values& h, std::integer_sequence<int, O...>) {
    (store_of_row<O>(at, h), ...);
  }
  template <int I>
  THUNDER_DEVICE static void add_row(const place& at, const held_values& h, column_scalars& scalars) {
    if (is_first<facts<I>.mask | facts<I>.removed>(at.a, at.row))
      get<I>(scalars) = combine<I>(get<I>(scalars), to_number<number<I>>(operand<facts<I>.operand[0]>(h, element_values{})));
  }
  template <int... I, int... O>
  THUNDER_DEVICE static void end_row(const place& at, const held_values& h, column_scalars& scalars,
                                     std::integer_sequence<int, I...>, std::integer_sequence<int, O...>) {
    if (at.t == 0) {
      (add_row<I>(at, h, scalars), ...);
      (store_of_row<O>(at, h), ...);
    }
  }
  template <class Columns, int... P>
  THUNDER_DEVICE static void run_row(place& at, const row_packets* p, const column_packets* c, Columns& columns,
                                     column_scalars& scalars, int& turn, std::integer_sequence<int, P...>) {
    held_values h;
    hold_all(at, h, list<what::held_from, 0>{});
    (pass<P>(at, p, c, h, columns, scalars, turn), ...);
    end_row(at, h, scalars, list<what::column_of_rows>{}, list<what::stored_by_row>{});
  }
  using every_pass = std::make_integer_sequence<int, plan.passes>;

  THUNDER_DEVICE static void load_held_row(const place& at, row_packets* p) {
    if constexpr (shape.vectors > 0) {
      const std::int64_t n = vectors_of_row(at.a);
      THUNDER_UNROLL
      for (int u = 0; u < shape.vectors; ++u) {
        const std::int64_t v = u * shape.group + at.t;
        if ((u + 1) * shape.group <= row_length / V || v < n) load_row(at, v * V, p[u], list<what::row_input>{});
      }
    }
  }
  THUNDER_DEVICE static void load_held_columns(const arguments& a, int t, column_packets* c) {
    if constexpr (shape.hold_columns) {
      const std::int64_t n = vectors_of_row(a);
      THUNDER_UNROLL
      for (int u = 0; u < shape.vectors; ++u) {
        const std::int64_t v = u * shape.group + t;
        if ((u + 1) * shape.group <= row_length / V || v < n) load_columns(a, v * V, c[u], list<what::column_input>{});
      }
    }
  }

  struct column_text;
};

}  // namespace thunder::cuda
