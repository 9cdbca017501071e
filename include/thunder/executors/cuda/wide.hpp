#pragma once
/// Rows that are too long for the registers of a block.
///
/// The threads of a block share a row. Of its vectors each holds the first few in registers and the next ones in shared memory;
/// what is left is read again in each pass. A thread reads only what it has loaded itself, so no barrier is needed but those of
/// the reductions. In the last pass over a row every vector is replaced, as soon as it has been used, by that of the row that the
/// block takes next: memory is busy while the block computes.
///
/// Rows whose length is no multiple of a vector begin anywhere. Their vectors are the whole ones of the buffer, at addresses that
/// are multiples of 16; the single elements before and after them, at most 14, are the *edges*, one for a thread.
#include "columns.hpp"

namespace thunder::cuda {

template <class Region, class Machine, int Part>
struct kernel_values<Region, Machine, Part>::row_text::column_text::wide_text {
  static constexpr int chunks = 4;  // groups of copies of a row: the first pass begins with what has come
  template <int... P>
  static constexpr int last_of(std::integer_sequence<int, P...>) {
    int last = -1;
    ((last = works<P> ? P : last), ...);
    return last;
  }
  template <int... P>
  static constexpr int first_of(std::integer_sequence<int, P...>) {
    int first = -1;
    ((first = works<P> && first < 0 ? P : first), ...);
    return first;
  }
  static constexpr int first_pass = first_of(every_pass{}), last_pass = last_of(every_pass{});

  // ---- the parts of a row
  using edge_row = packet_slots<1, list<what::row_input>>;
  struct span {
    std::int64_t first, vectors;  // the column of the first whole vector; how many there are
    int before, edges;            // elements before them; and in all that are in none of them
  };
  THUNDER_DEVICE static span span_of(const arguments& a, std::int64_t row) {
    if constexpr (shape.shifted) {
      const std::int64_t n = extent<dims - 1>(a);
      std::int64_t before = -(row * n) & (V - 1);
      if (before > n) before = n;
      const std::int64_t vectors = (n - before) / V;
      return {before, vectors, static_cast<int>(before), static_cast<int>(n - vectors * V)};
    } else {
      return {0, row_length / V, 0, 0};
    }
  }
  /// The column of this thread's edge.
  THUNDER_DEVICE static std::int64_t edge_of(const place& at, const span& s) {
    return at.t < s.before ? at.t : extent<dims - 1>(at.a) - s.edges + at.t;
  }

  // ---- shared memory: vector by vector, and in each input by input
  static constexpr int vector_bytes = bytes_before<inputs, V>;
  /// Vectors of a row that a thread does not hold in registers, at most.
  THUNDER_ANYWHERE static constexpr std::int64_t vectors_left(std::int64_t length) {
    const std::int64_t n = (length / V + shape.group - 1) / shape.group - shape.vectors;
    return n < 0 ? 0 : n;
  }
  /// Whether shared memory has room for all of them on every device that the kernel is compiled for.
  static constexpr bool resident =
      row_length >= 0 &&
      ring_offset + vectors_left(row_length) * shape.group * vector_bytes <= shared_room(M::limits.shared, shape.blocks);
  /// How many of them are there.
  THUNDER_DEVICE static int shared_vectors(const arguments& a) {
    if constexpr (resident)
      return static_cast<int>(vectors_left(row_length));
    else
      return a.shared_vectors;
  }
  template <int I>
  THUNDER_DEVICE static char* slot_of(int u, int t) {
    return M::shared() + ring_offset + (u * vector_bytes + bytes_before<I, V>) * shape.group + t * (V * size_of(facts<I>.type));
  }
  template <int... I>
  THUNDER_DEVICE static void fill_slot(const place& at, std::int64_t i, int u, std::integer_sequence<int, I...>) {
    (M::template copy_async<V * size_of(facts<I>.type)>(
         slot_of<I>(u, at.t),
         static_cast<const char*>(at.a.in[I]) + (offset<facts<I>.mask>(at.a, at.row) + i) * size_of(facts<I>.type)),
     ...);
  }
  template <int... I>
  THUNDER_DEVICE static void read_slot(int t, int u, row_packets& p, std::integer_sequence<int, I...>) {
    (M::template shared_read<V * size_of(facts<I>.type)>(get<I>(p).w, slot_of<I>(u, t)), ...);
  }
  /// Until the copies of chunk c of a row are there. If a pass is the first and the last one, it has committed c new groups.
  THUNDER_DEVICE static void wait_for_chunk(int c) {
    if (c == 0 || first_pass == last_pass)
      M::template wait_copies<chunks - 1>();
    else if (c == 1)
      M::template wait_copies<chunks - 2>();
    else if (c == 2)
      M::template wait_copies<chunks - 3>();
    else
      M::template wait_copies<0>();
  }

  // ---- a pass
  template <int W, int... I>
  THUNDER_DEVICE static void load_others(const place& at, [[maybe_unused]] std::int64_t i,
                                         packet_slots<W, list<what::column_input>>& p, std::integer_sequence<int, I...>) {
    (load_other<I>(at, i, get<I>(p)), ...);
  }
  template <int I, dtype T, int W>
  THUNDER_DEVICE static void load_other(const place& at, std::int64_t i, packet<M, T, W>& p) {
    const std::int64_t k = offset<facts<I>.mask>(at.a, at.row) + i;
    if constexpr (shape.shifted && W > 1)
      p.load_some(at.a.in[I], k, W);
    else
      p.load_cached(at.a.in[I], k);
  }
  /// Whether none of W elements from index i on is one that a hit asks for.
  template <int W, int... I>
  THUNDER_DEVICE static bool misses(const held_values& h, std::int64_t i, std::integer_sequence<int, I...>) {
    auto outside = [&](std::int64_t label) { return static_cast<std::uint64_t>(label - i) >= W; };
    return (true && ... && outside(static_cast<std::int64_t>(operand<label_of(I)>(h, element_values{}))));
  }
  /// The elements from column i on. A whole vector with a hit, one of a row, is left out: see `left_out`.
  template <int Pass, int W, class Sums, class Columns>
  THUNDER_DEVICE static void elements(const place& at, const packet_slots<W, list<what::row_input>>& p, const held_values& h,
                                      Sums& sums, Columns& columns, column_scalars& scalars, std::int64_t i) {
    constexpr bool has_hits = W > 1 && count<what::hit, Pass> > 0;
    if constexpr (has_hits)
      if (!misses<W>(h, i, list<what::hit, Pass>{})) return;
    packet_slots<W, list<what::column_input>> c;
    load_others(at, i, c, list<what::column_input, Pass>{});
    vector<Pass, has_hits>(at, p, c, h, sums, columns, scalars, i, 0);
  }
  /// What `elements` leaves out of a pass: this thread's vectors with hits. They are read when the pass begins.
  template <int Hits>
  struct hit_vectors {
    std::int64_t first[Hits];  // the column of element 0; -1: none
    row_packets x[Hits];
  };
  template <int Pass, int... I>
  THUNDER_DEVICE static auto load_left_out(const place& at, const span& s, const held_values& h,
                                           std::integer_sequence<int, I...>) {
    constexpr int hits = sizeof...(I);
    hit_vectors<hits> r;
    const std::int64_t label[]{static_cast<std::int64_t>(operand<label_of(I)>(h, element_values{})) - s.first...};
    THUNDER_UNROLL
    for (int k = 0; k < hits; ++k) {
      const std::int64_t v = label[k] / V;
      bool mine = label[k] >= 0 && v < s.vectors && v % shape.group == at.t;
      for (int before = 0; before < k; ++before) mine = mine && !(label[before] >= 0 && label[before] / V == v);
      r.first[k] = mine ? s.first + v * V : -1;
      if (mine) load_row(at, r.first[k], r.x[k], list<what::row_input>{});
    }
    return r;
  }
  struct no_hits {};
  template <int Pass>
  THUNDER_DEVICE static no_hits load_left_out(const place&, const span&, const held_values&, std::integer_sequence<int>) {
    return {};
  }
  /// An element at a time.
  template <int Pass, int Hits, class Sums, class Columns>
  THUNDER_DEVICE static void left_out(const place& at, hit_vectors<Hits>& r, const held_values& h, Sums& sums, Columns& columns,
                                      column_scalars& scalars) {
    THUNDER_UNROLL
    for (int k = 0; k < Hits; ++k) {
      if (r.first[k] < 0) continue;
#ifdef __CUDACC__
#pragma unroll 1
#endif
      for (int j = 0; j < V; ++j) {
        edge_row one;
        take_first(one, r.x[k], list<what::row_input>{});
        elements<Pass>(at, one, h, sums, columns, scalars, r.first[k] + j);
      }
    }
  }
  template <int Pass, class Sums, class Columns>
  THUNDER_DEVICE static void left_out(const place&, const no_hits&, const held_values&, Sums&, Columns&, column_scalars&) {}
  template <int... I>
  THUNDER_DEVICE static void take_first(edge_row& one, row_packets& p, std::integer_sequence<int, I...>) {
    ((get<I>(one) = get<I>(p).one(0), get<I>(p).drop()), ...);
  }
  template <int... I>
  THUNDER_DEVICE static void load_single(const place& at, [[maybe_unused]] std::int64_t i, edge_row& p,
                                         std::integer_sequence<int, I...>) {
    (get<I>(p).template load<true>(at.a.in[I], offset<facts<I>.mask>(at.a, at.row) + i), ...);
  }
  THUNDER_DEVICE static void load_edge(const place& at, const span& s, edge_row& p) {
    if (at.t < s.edges) load_single(at, edge_of(at, s), p, list<what::row_input>{});
  }
  THUNDER_DEVICE static bool has_vector(const span& s, int u, std::int64_t v) {
    return (!shape.shifted && (u + 1) * shape.group <= row_length / V) || v < s.vectors;
  }

  /// A row and its parts in registers. The next row's take their place.
  struct row_state {
    place at;
    span s;
    row_packets p[held_vectors];
    edge_row edge;
  };
  THUNDER_DEVICE static void fetch(row_state& r, int u, const place& at, const span& s) {
    if (const std::int64_t v = u * shape.group + at.t; has_vector(s, u, v))
      load_row(at, s.first + v * V, r.p[u], list<what::row_input>{});
  }
  THUNDER_DEVICE static void fetch_shared(int u, const place& at, const span& s) {
    fill_slot(at, s.first + shared_vector(at.t, u) * V, u, list<what::row_input>{});
  }
  /// The vector that is number u of those that a thread has in shared memory; and how many these are.
  THUNDER_DEVICE static std::int64_t shared_vector(int t, int u) {
    return static_cast<std::int64_t>(shape.vectors + u) * shape.group + t;
  }
  THUNDER_DEVICE static int shared_count(const place& at, const span& s) {
    const std::int64_t n = s.vectors - shared_vector(at.t, 0) + (shape.group - 1);
    const int most = shared_vectors(at.a);
    return n < 0 ? 0 : n / shape.group < most ? static_cast<int>(n / shape.group) : most;
  }
  THUNDER_DEVICE static int chunk_length(const arguments& a) { return (shared_vectors(a) + chunks - 1) / chunks; }

  /// next, after: the row that comes after, and its parts; there is none if its number is too high.
  template <int Pass, class Columns>
  THUNDER_DEVICE static void pass(row_state& r, const place& next, const span& after, held_values& h, Columns& columns,
                                  column_scalars& scalars, int& turn) {
    accumulators<Pass> sums;
    start(sums, chains, list<what::reduced, Pass>{});
    place& at = r.at;
    at.opaque = at.opaque * 3u + at.a.opaque;
    if constexpr (works<Pass>) {
      constexpr bool last = Pass == last_pass;
      const bool more = last && next.row < at.a.rows;
      using left = std::conditional_t<(V > 1), list<what::hit, Pass>, std::integer_sequence<int>>;
      auto hits = load_left_out<Pass>(at, r.s, h, left{});
      THUNDER_UNROLL
      for (int u = 0; u < shape.vectors; ++u) {
        const std::int64_t v = u * shape.group + at.t;
        if (has_vector(r.s, u, v)) elements<Pass>(at, r.p[u], h, sums, columns, scalars, r.s.first + v * V);
        if (more) fetch(r, u, next, after);
      }
      if constexpr (shape.shifted) {
        if (at.t < r.s.edges) elements<Pass>(at, r.edge, h, sums, columns, scalars, edge_of(at, r.s));
        if (more) load_edge(next, after, r.edge);
      }
      const int length = chunk_length(at.a), own = shared_count(at, r.s), own_after = more ? shared_count(next, after) : 0;
#ifdef __CUDACC__
#pragma unroll 1
#endif
      for (int c = 0; c < chunks; ++c) {
        if constexpr (Pass == first_pass) wait_for_chunk(c);
        const int begin = c * length, end = begin + length < own ? begin + length : own;
#ifdef __CUDACC__
#pragma unroll 2
#endif
        for (int u = begin; u < end; ++u) {
          row_packets x;
          read_slot(at.t, u, x, list<what::row_input>{});
          elements<Pass>(at, x, h, sums, columns, scalars, r.s.first + shared_vector(at.t, u) * V);
          if constexpr (last)
            if (u < own_after) fetch_shared(u, next, after);
        }
        if constexpr (last) {
          // the row after may have a vector more
          for (int u = begin > own ? begin : own; u < begin + length && u < own_after; ++u) fetch_shared(u, next, after);
          M::commit_copies();
        }
      }
      if constexpr (!resident) {
#ifdef __CUDACC__
#pragma unroll 4
#endif
        for (std::int64_t v = shared_vector(at.t, shared_vectors(at.a)); v < r.s.vectors; v += shape.group) {
          row_packets x;
          load_row(at, r.s.first + v * V, x, list<what::row_input>{});
          elements<Pass>(at, x, h, sums, columns, scalars, r.s.first + v * V);
        }
      }
      left_out<Pass>(at, hits, h, sums, columns, scalars);
    }
    reduce(sums, h, turn, list<what::reduced, Pass>{});
    hold_all(at, h, list<what::held_from, Pass + 1>{});
  }
  template <class Columns, int... P>
  THUNDER_DEVICE static void run(row_state& r, const place& next, const span& after, Columns& columns, column_scalars& scalars,
                                 int& turn, std::integer_sequence<int, P...>) {
    held_values h;
    hold_all(r.at, h, list<what::held_from, 0>{});
    (pass<P>(r, next, after, h, columns, scalars, turn), ...);
    end_row(r.at, h, scalars, list<what::column_of_rows>{}, list<what::stored_by_row>{});
  }

  /// The rows of a block.
  THUNDER_DEVICE static void wide(const arguments& a) {
    M::begin_dependent();
    row_state r{{a, block(a), M::thread(), 0}, span_of(a, block(a)), {}, {}};
    THUNDER_UNROLL
    for (int u = 0; u < shape.vectors; ++u) fetch(r, u, r.at, r.s);
    if constexpr (shape.shifted) load_edge(r.at, r.s, r.edge);
    const int length = chunk_length(a);
    const int own = shared_count(r.at, r.s);
    for (int c = 0; c < chunks; ++c) {
      for (int u = c * length; u < (c + 1) * length && u < own; ++u) fetch_shared(u, r.at, r.s);
      M::commit_copies();
    }
    no_columns columns;
    column_scalars scalars;
    int turn = 0;
#ifdef __CUDACC__
#pragma unroll 1
#endif
    while (r.at.row < a.rows) {
      const place next{a, r.at.row + a.blocks, r.at.t, 0};
      const span after = span_of(a, next.row);
      r.at.opaque = static_cast<std::uint32_t>(r.at.row) & a.opaque;
      run(r, next, after, columns, scalars, turn, every_pass{});
      r.at.row = next.row, r.s = after;
    }
    M::template wait_copies<0>();
  }

  struct kernels;
};

}  // namespace thunder::cuda
