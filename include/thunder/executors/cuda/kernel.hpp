#pragma once
/// The text of the kernels of a region: five families (shape.hpp), instantiated for the GPU (machine.hpp) and for the emulated
/// machine (emulation.hpp).
#include "wide.hpp"

namespace thunder::cuda {

template <class Region, class Machine, int Part>
struct kernel_values<Region, Machine, Part>::row_text::column_text::wide_text::kernels {
  /// Each row once.
  THUNDER_DEVICE static void direct(const arguments& a) {
    M::begin_dependent();
    place at{a, static_cast<std::int64_t>(block(a)) * shape.groups + group_number(), M::thread() % shape.group, 0};
    // A group smaller than a warp stays until its warp has shuffled.
    const bool live = at.row < a.rows;
    if (!live) {
      if constexpr (shape.group >= 32) return;
      at.row = a.rows - 1;  // computes the last row once more: the same numbers go to the same places
    }
    at.opaque = static_cast<std::uint32_t>(at.row) & a.opaque;
    row_packets p[held_vectors];
    column_packets c[shape.hold_columns ? held_vectors : 1];
    load_held_row(at, p);
    load_held_columns(a, at.t, c);
    no_columns columns;
    column_scalars scalars;
    int turn = 0;
    run_row(at, p, c, columns, scalars, turn, every_pass{});
  }

  /// Whether every vector of a row is whole, as far as the compiler knows.
  static constexpr bool whole = row_length > 0 && row_length % V == 0;
  /// The vectors that a pointwise kernel takes of a row of `length`: one even of an empty row, if it stores numbers of the row.
  THUNDER_ANYWHERE static constexpr std::int64_t vectors_taken(std::int64_t length) {
    const std::int64_t n = (length + V - 1) / V;
    return row_length <= 0 && n == 0 && count<what::stored_by_row> > 0 ? 1 : n;
  }
  /// The elements that vector v of a row holds.
  THUNDER_DEVICE static int count_at(const arguments& a, std::int64_t v) {
    if constexpr (whole)
      return V;
    else {
      const std::int64_t rest = extent<dims - 1>(a) - v * V;
      return rest >= V ? V : static_cast<int>(rest);
    }
  }
  struct vector_place {
    std::int64_t row, v;
  };
  THUNDER_DEVICE static vector_place place_of(const arguments& a, std::int64_t k) {
    if constexpr (dims == 1)
      return {0, k};
    else {
      const std::int64_t n = vectors_taken(extent<dims - 1>(a)), row = k / n;
      return {row, k - row * n};
    }
  }
  THUNDER_DEVICE static void load_vector(const arguments& a, vector_place at, row_packets& p, column_packets& c) {
    const place here{a, at.row, 0, 0};
    const int n = count_at(a, at.v);
    if (n == V)
      load_row(here, at.v * V, p, list<what::row_input>{});
    else
      load_row_some(here, at.v * V, n, p, list<what::row_input>{});
    if (row_length > 0 || n > 0) load_columns(a, at.v * V, c, list<what::column_input>{});
  }

  /// Vectors anywhere.
  THUNDER_DEVICE static void pointwise(const arguments& a) {
    M::begin_dependent();
    constexpr int U = shape.unroll;
    const std::int64_t total = vectors_taken(extent<dims - 1>(a)) * (dims == 1 ? 1 : a.rows),
                       first = static_cast<std::int64_t>(block(a)) * shape.group * U + M::thread();
    row_packets p[U];
    column_packets c[U];
    THUNDER_UNROLL
    for (int u = 0; u < U; ++u)
      if (first + u * shape.group < total) load_vector(a, place_of(a, first + u * shape.group), p[u], c[u]);
    THUNDER_UNROLL
    for (int u = 0; u < U; ++u) {
      if (first + u * shape.group >= total) continue;
      const vector_place k = place_of(a, first + u * shape.group);
      const place at{a, k.row, 0, a.opaque};
      held_values h;
      no_columns columns;
      column_scalars scalars;
      accumulators<0> sums;
      hold_all(at, h, list<what::held_from, 0>{});
      if constexpr (plan.passes > 0) vector<0>(at, p[u], c[u], h, sums, columns, scalars, k.v * V, 0, count_at(a, k.v));
      if (k.v == 0) store_rows(at, h, list<what::stored_by_row>{});
    }
  }

  /// One row, shared by all blocks, and reductions of all its elements.
  THUNDER_DEVICE static void flat(const arguments& a) {
    M::begin_dependent();
    constexpr int U = shape.unroll;
    const std::int64_t total = vectors_of_row(a), step = static_cast<std::int64_t>(a.blocks) * shape.group * U;
    const place at{a, 0, M::thread(), a.opaque};
    held_values h;
    no_columns columns;
    column_scalars scalars;
    accumulators<0> sums;
    start_scalars(scalars, list<what::column_scalar>{});
    hold_all(at, h, list<what::held_from, 0>{});
#ifdef __CUDACC__
#pragma unroll 1
#endif
    for (std::int64_t first = static_cast<std::int64_t>(block(a)) * shape.group * U + M::thread(); first < total;
         first += step) {
      row_packets p[U];
      column_packets c;
      THUNDER_UNROLL
      for (int u = 0; u < U; ++u)
        if (first + u * shape.group < total) load_vector(a, {0, first + u * shape.group}, p[u], c);
      THUNDER_UNROLL
      for (int u = 0; u < U; ++u) {
        const std::int64_t v = first + u * shape.group;
        if (v < total) vector<0>(at, p[u], c, h, sums, columns, scalars, v * V, 0, count_at(a, v));
      }
    }
    if (block(a) == 0 && M::thread() == 0) end_row(at, h, scalars, list<what::column_of_rows>{}, list<what::stored_by_row>{});
    finish_scalars(a, scalars, list<what::column_scalar>{});
  }

  /// Many rows a block, with column reductions.
  THUNDER_DEVICE static void persistent(const arguments& a) {
    M::begin_dependent();
    const std::int64_t own = block(a) / a.splits, rows = rows_over<0, false>(a);
    const int split = block(a) % a.splits, group = group_number();
    const std::int64_t step = static_cast<std::int64_t>(a.splits) * shape.groups;
    place at{a, 0, M::thread() % shape.group, 0};
    constexpr int S = shape.stages;
    constexpr list<what::row_input> every_input{};
    row_packets p[shape.read_again ? 1 : held_vectors];
    column_packets c[shape.hold_columns ? held_vectors : 1];
    using columns_type = std::conditional_t<count<what::column_vector> == 0, no_columns,
                                            std::conditional_t<(shape.vectors > 0), register_columns, memory_columns>>;
    auto columns = make_columns<columns_type>(a, at.t);
    column_scalars scalars;
    start_scalars(scalars, list<what::column_scalar>{});
    int turn = 0, stage = 0;
    share_columns(a, list<what::column_input>{});
    // The last rows, of which not every group gets one, are shared by all blocks. (Short rows of a warp are neighbours.)
    std::int64_t k = shape.group >= 32 ? static_cast<std::int64_t>(group) * a.splits + split : static_cast<std::int64_t>(split) * shape.groups + group;
    // Groups of less than a warp go on together, because shuffles are for all: some with the last row once more, to which they
    // write the same.
    const std::int64_t last = shape.group >= 32 ? rows : (rows + step - 1) / step * step;
    auto row_number = [&](std::int64_t i) { return row_of(a, own, i < rows ? i : rows - 1); };
    auto fill = [&](std::int64_t row, int to) {
      if (row < last) fill_stage(place{a, row_number(row), at.t, 0}, stage_of(to), every_input);
      M::commit_copies();
    };
    if constexpr (S > 0)
      for (int s = 0; s + 1 < S; ++s) fill(k + s * step, s);
    load_held_columns(a, at.t, c);
#ifdef __CUDACC__
#pragma unroll 1
#endif
    for (; k < last; k += step) {
      at.row = row_number(k);
      at.opaque = static_cast<std::uint32_t>(at.row) & a.opaque;
      if constexpr (S > 0) {
        M::template wait_copies<S - 2>();
        if constexpr (shape.read_again) at.stage = stage_of(stage);
        else read_held_stage(at.t, stage_of(stage), p);
        fill(k + (S - 1) * step, stage == 0 ? S - 1 : stage - 1);  // where the row before was: it has been used
        stage = stage + 1 == S ? 0 : stage + 1;
      } else
        load_held_row(at, p);
      if constexpr (shape.group < 32)
        if (k >= rows) {  // shuffles with the others, adds nothing
          no_columns nothing;
          column_scalars ignored;
          start_scalars(ignored, list<what::column_scalar>{});
          run_row(at, p, c, nothing, ignored, turn, every_pass{});
          continue;
        }
      run_row(at, p, c, columns, scalars, turn, every_pass{});
    }
    M::template wait_copies<0>();
    finish_block(a, at.t, group, columns, scalars);
  }
};

/// Everything of a region's part, by its name.
template <class Region, class Machine, int Part = 0>
struct kernel_text : kernel_values<Region, Machine, Part>,
                     kernel_values<Region, Machine, Part>::row_text,
                     kernel_values<Region, Machine, Part>::row_text::column_text,
                     kernel_values<Region, Machine, Part>::row_text::column_text::wide_text,
                     kernel_values<Region, Machine, Part>::row_text::column_text::wide_text::kernels {};

}  // namespace thunder::cuda
