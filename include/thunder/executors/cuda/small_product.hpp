#pragma once
/// Products of small float matrices by a kernel of our own: what cuBLASLt takes for them is mostly waiting. Measured on an H100
/// in a recorded chain: [64, 128] times [128, 128] takes 2.0 us, through cuBLASLt 4.4. The text also runs on the emulated machine
/// (emulation.hpp).
#include <cstdint>

#include "../../ops/matmul_epilogue.hpp"
#include "real.hpp"

namespace thunder::cuda {

/// c = op(a) op(b), row-major: c is [rows, columns], op(a) [rows, inner], op(b) [inner, columns]; a and b may lie transposed. A
/// stride is from one matrix of a batch to the next, in elements. What follows the product is computed before c is written.
struct small_product {
  const void *a = nullptr, *b = nullptr;
  void* c = nullptr;
  int rows = 0, columns = 0, inner = 0, batch = 1;
  std::int64_t stride_a = 0, stride_b = 0;
  bool a_transposed = false, b_transposed = false;
  bool wide = false;  // rows of a and b begin at multiples of 16 bytes
  epilogue after = epilogue::none;
  const void* third = nullptr;  // what it reads, if anything: a number for each column, or for each of c
  void* kept = nullptr;         // where gelu_kept puts gelu's operand

  /// A block of the kernel makes a tile of c.
  static constexpr int tile_rows = 8, tile_columns = 8;
  int blocks_down() const { return (rows + tile_rows - 1) / tile_rows; }
  int blocks_across() const { return (columns + tile_columns - 1) / tile_columns; }
  int blocks() const { return batch * blocks_down() * blocks_across(); }

  /// Whether the kernel is the faster way: few blocks, and an inner dimension of two panels at most.
  static constexpr bool suits(std::int64_t rows, std::int64_t columns, std::int64_t inner, std::int64_t batch) {
    constexpr std::int64_t most_blocks = 256;
    if (inner > 256 || rows > most_blocks * tile_rows || columns > most_blocks * tile_columns || batch > most_blocks)
      return false;
    return batch * ((rows + tile_rows - 1) / tile_rows) * ((columns + tile_columns - 1) / tile_columns) <= most_blocks;
  }
};

/// Panels of op(a) and op(b) come to shared memory, all loads of a thread under way together; each thread multiplies two rows by
/// two columns for a part of the inner dimension, and the parts are added up in their order.
template <class Machine>
struct small_product_kernel {
  using M = Machine;
  using arguments = small_product;
  static constexpr int threads = 128, min_blocks = 0;
  static constexpr int rows = small_product::tile_rows, columns = small_product::tile_columns;
  static constexpr int panel = 128, parts = threads / (rows / 2 * (columns / 2));  // of the inner dimension
  static constexpr int pitch_a = rows + 2, pitch_b = columns + 2;                  // numbers from one row of a panel to the next
  static constexpr int place_b = panel * pitch_a * 4;                              // bytes before b's panel
  static constexpr int shared = place_b + panel * pitch_b * 4;
  static_assert(rows * columns <= threads && panel * rows % (4 * threads) == 0 && shared >= parts * rows * columns * 4);

  /// A thread's share of a panel, in fours that are neighbours in memory.
  template <int Across>
  struct share {
    static constexpr int count = panel * Across / (4 * threads);
    std::uint32_t word[count][4]{};

    /// Where in the panel four number u is: of the inner dimension, and of the other. along: the inner dimension is contiguous.
    /// (Then the threads of a warp take fours of several rows, because their places in shared memory are in different banks.)
    THUNDER_DEVICE static int inner_of(int u, bool along) {
      return along ? (u * threads + M::thread()) / Across * 4 : (u * threads + M::thread()) / (Across / 4);
    }
    THUNDER_DEVICE static int other_of(int u, bool along) {
      return along ? (u * threads + M::thread()) % Across : (u * threads + M::thread()) % (Across / 4) * 4;
    }
    /// first, length: what of the inner dimension is in the panel; begin: where it starts in the other one, which has `extent`
    /// elements.
    THUNDER_DEVICE void load(const float* x, bool along, bool wide, int inner, int first, int length, int extent, int begin) {
      THUNDER_UNROLL
      for (int u = 0; u < count; ++u) {
        const int i = inner_of(u, along), o = begin + other_of(u, along);
        const float* const from = x + (along ? std::int64_t{o} * inner + first + i : std::int64_t{first + i} * extent + o);
        const int left = i >= length || o >= extent ? 0 : along ? length - i : extent - o;
        if (wide && left > 0) M::template load<16, true>(word[u], from);
        THUNDER_UNROLL
        for (int k = 0; k < 4; ++k)
          if (!wide && k < left) M::template load<4, true>(word[u] + k, from + k);
      }
    }
    THUNDER_DEVICE void put(float* to, int pitch, bool along) const {
      THUNDER_UNROLL
      for (int u = 0; u < count; ++u) {
        THUNDER_UNROLL
        for (int k = 0; k < 4; ++k)
          M::shared_store(to + (inner_of(u, along) + (along ? k : 0)) * pitch + other_of(u, along) + (along ? 0 : k),
                          M::as_float(word[u][k]));
      }
    }
  };

  THUNDER_DEVICE static void run(const arguments& x) {
    M::begin_dependent();
    float* const a = reinterpret_cast<float*>(M::shared());
    float* const b = reinterpret_cast<float*>(M::shared() + place_b);
    const int across = (x.columns + columns - 1) / columns, down = (x.rows + rows - 1) / rows;
    const int tile = M::block() % (across * down), matrix = M::block() / (across * down);
    const int first_row = tile / across * rows, first_column = tile % across * columns;
    const int part = M::thread() / (threads / parts), within = M::thread() % (threads / parts);
    const int row = within / (columns / 2) * 2, column = within % (columns / 2) * 2;
    const int own_row = first_row + M::thread() / columns, own_column = first_column + M::thread() % columns;  // of what it writes
    const bool writes = M::thread() < rows * columns && own_row < x.rows && own_column < x.columns;
    const std::int64_t at = (std::int64_t{matrix} * x.rows + own_row) * x.columns + own_column;
    float third = 0, sum[2][2]{};
    if (writes && x.third) third = M::global_load(static_cast<const float*>(x.third) + (x.after == epilogue::gelu_slope ? at : own_column));
    for (int k = 0; k < x.inner; k += panel) {
      const int length = x.inner - k < panel ? x.inner - k : panel;
      share<rows> of_a;
      share<columns> of_b;
      of_a.load(static_cast<const float*>(x.a) + matrix * x.stride_a, !x.a_transposed, x.wide, x.inner, k, length, x.rows,
                first_row);
      of_b.load(static_cast<const float*>(x.b) + matrix * x.stride_b, x.b_transposed, x.wide, x.inner, k, length, x.columns,
                first_column);
      if (k > 0) M::sync();  // the panels before have been used
      of_a.put(a, pitch_a, !x.a_transposed);
      of_b.put(b, pitch_b, x.b_transposed);
      M::sync();
#ifdef __CUDACC__
#pragma unroll 4
#endif
      for (int i = part; i < length; i += parts) {
        std::uint32_t p[2], q[2];
        M::template shared_read<8>(p, reinterpret_cast<const char*>(a + i * pitch_a + row));
        M::template shared_read<8>(q, reinterpret_cast<const char*>(b + i * pitch_b + column));
        THUNDER_UNROLL
        for (int u = 0; u < 2; ++u) {
          THUNDER_UNROLL
          for (int v = 0; v < 2; ++v) sum[u][v] += M::as_float(p[u]) * M::as_float(q[v]);
        }
      }
    }
    M::sync();
    THUNDER_UNROLL
    for (int u = 0; u < 2; ++u) {
      THUNDER_UNROLL
      for (int v = 0; v < 2; ++v) M::shared_store(a + part * rows * columns + (row + u) * columns + column + v, sum[u][v]);
    }
    M::sync();
    if (!writes) return;
    float total = 0;
    THUNDER_UNROLL
    for (int k = 0; k < parts; ++k) total += M::shared_load(a + k * rows * columns + M::thread());
    if (x.after == epilogue::gelu_kept) M::global_store(static_cast<float*>(x.kept) + at, total + third);
    if (x.after != epilogue::none) total = after_product<real<M, false>>(x.after, total, third).v;
    M::global_store(static_cast<float*>(x.c) + at, total);
  }
};

}  // namespace thunder::cuda
