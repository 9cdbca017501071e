#pragma once
/// Copies between two buffers by strides, all in bytes: rows of units of 1 to 16 bytes, and tiles of two dimensions that change places.
#include <type_traits>

#include "../../runtime/cuda.hpp"
#include "divisor.hpp"
#include "machine.hpp"
#include "step.hpp"

namespace thunder::cuda {

/// What one memory access moves.
template <int Bytes> struct unit_type { using type = uint4; };
template <> struct unit_type<8> { using type = uint2; };
template <> struct unit_type<4> { using type = std::uint32_t; };
template <> struct unit_type<2> { using type = std::uint16_t; };
template <> struct unit_type<1> { using type = std::uint8_t; };
template <int Bytes> using unit_t = typename unit_type<Bytes>::type;

/// The largest unit that divides addresses and sizes: pass them joined by |.
inline int widest_unit(std::uint64_t joined) { return joined % 16 == 0 ? 16 : static_cast<int>(joined & (~joined + 1)); }
inline std::uint64_t address(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }

/// f(std::integral_constant<int, bytes>{})
template <class F> void with_unit(int bytes, F&& f) {
  switch (bytes) {
    case 1: return f(std::integral_constant<int, 1>{});
    case 2: return f(std::integral_constant<int, 2>{});
    case 4: return f(std::integral_constant<int, 4>{});
    case 8: return f(std::integral_constant<int, 8>{});
    default: return f(std::integral_constant<int, 16>{});
  }
}

inline unsigned launched_blocks(std::int64_t n) {
  if (n > 0x7fffffff) throw device_error("cuda: a kernel would need " + std::to_string(n) + " blocks");
  return static_cast<unsigned>(n);
}

/// Rows of units, and which of them a thread takes: `each` units of one row, `step` apart. Threads stand along a row, a power of two of
/// them, so that short rows fill blocks too.
struct row_grid {
  static constexpr int threads = 256;
  std::int64_t rows, units;
  int each, width_log = 0;
  divisor across;  // blocks along a row
  row_grid(std::int64_t row_count, std::int64_t unit_count, int units_each) : rows(row_count), units(unit_count), each(units_each) {
    while (width_log < 5 && std::int64_t{1} << width_log < units) ++width_log;
    while (std::int64_t{1} << width_log < threads && std::int64_t{each} << width_log < units) ++width_log;
    across = divisor((units + (std::int64_t{each} << width_log) - 1) / (std::int64_t{each} << width_log));
  }
  unsigned blocks() const { return launched_blocks((rows + (threads >> width_log) - 1) / (threads >> width_log) * across.by); }
  struct position {
    std::int64_t row, unit;
    int step;
  };
  THUNDER_DEVICE position find() const {
    const int thread = static_cast<int>(threadIdx.x);
    std::int64_t down = blockIdx.x;
    const std::int64_t column = across.split(down) * each;
    return {down * (threads >> width_log) + (thread >> width_log), (column << width_log) + (thread & ((1 << width_log) - 1)), 1 << width_log};
  }
};

/// One dimension of a copy. Padded: of the result's `extent` places, every step-th after `before` has one of the operand's `count`.
struct copy_axis {
  std::int64_t extent = 1, from = 0, to = 0, before = 0, count = 1, step = 1;
  bool whole() const { return before == 0 && count == extent && step == 1; }
};
struct axis_places {
  divisor extent, step;
  std::int64_t from, to, before, count;
  axis_places() = default;
  explicit axis_places(const copy_axis& a) : extent(a.extent), step(a.step), from(a.from), to(a.to), before(a.before), count(a.count) {}
  /// Moves `source` to place i; false if there are zeros.
  template <bool Padded> THUNDER_DEVICE bool move(const char*& source, std::int64_t i) const {
    if constexpr (Padded) {
      if (i < before) return false;
      i -= before;
      if (step.split(i) != 0 || i >= count) return false;
    }
    source += i * from;
    return true;
  }
};

/// The rows of a nest of loops: all dimensions but the last.
template <bool Padded> struct nested_rows {
  static constexpr bool padded = Padded;
  char* result;
  const char* operand;
  axis_places last, outer[max_rank];
  int dims = 0;  // of outer
  /// Where row i starts on both sides; false if it is zeros.
  THUNDER_DEVICE bool find(std::int64_t i, char*& to, const char*& from) const {
    bool inside = true;
    to = result, from = operand;
    for (int d = dims; d-- > 0;) {
      const std::int64_t at = outer[d].extent.split(i);
      to += at * outer[d].to;
      inside = outer[d].template move<Padded>(from, at) && inside;
    }
    return inside;
  }
};

template <int Bytes, class Rows> __global__ void __launch_bounds__(row_grid::threads)
copy_rows_kernel(const __grid_constant__ row_grid grid, const __grid_constant__ Rows rows) {
  using unit = unit_t<Bytes>;
  constexpr int each = 4;
  const row_grid::position p = grid.find();
  if (p.row >= grid.rows) return;
  char* to;
  const char* from;
  const bool inside = rows.find(p.row, to, from);
  unit x[each];
#pragma unroll
  for (int k = 0; k < each; ++k) {
    const std::int64_t i = p.unit + k * p.step;
    const char* source = from;
    x[k] = unit{};
    if (i < grid.units && inside && rows.last.template move<Rows::padded>(source, i)) x[k] = *reinterpret_cast<const unit*>(source);
  }
#pragma unroll
  for (int k = 0; k < each; ++k) {
    const std::int64_t i = p.unit + k * p.step;
    if (i < grid.units) *reinterpret_cast<unit*>(to + i * rows.last.to) = x[k];
  }
}
/// Starts the copy of `count` rows of rows.last.extent units.
template <class Rows> void copy_rows(int unit, std::int64_t count, const Rows& rows, cudaStream_t stream) {
  const row_grid grid(count, rows.last.extent.by, 4);
  with_unit(unit, [&](auto bytes) { copy_rows_kernel<bytes.value><<<grid.blocks(), row_grid::threads, 0, stream>>>(grid, rows); });
  check(cudaGetLastError(), "cuda: starting a copy");
}

/// Units that are contiguous along `columns` in the operand and along `rows` in the result.
template <int Bytes> struct copy_tile {
  static constexpr int extent = Bytes < 4 ? 64 : 32, threads = 256;
  static constexpr int pitch = extent + (Bytes < 4 ? 4 / Bytes : 1);  // an odd number of banks
};
struct tiled_copy {
  char* result;
  const char* operand;
  copy_axis rows, columns;
  divisor down, across;  // tiles
  axis_places around[max_rank];
  int dims = 0;  // of around
};
template <int Bytes> __global__ void __launch_bounds__(copy_tile<Bytes>::threads) copy_tiles_kernel(const __grid_constant__ tiled_copy c) {
  using unit = unit_t<Bytes>;
  using tile = copy_tile<Bytes>;
  constexpr int lines = tile::threads / 32, down = tile::extent / lines, across = tile::extent / 32;
  __shared__ unit memory[tile::extent * tile::pitch];
  const int lane = static_cast<int>(threadIdx.x) % 32, line = static_cast<int>(threadIdx.x) / 32;
  std::int64_t i = blockIdx.x;
  const std::int64_t row = c.down.split(i) * tile::extent, column = c.across.split(i) * tile::extent;
  char* to = c.result + row * Bytes + column * c.columns.to;
  const char* from = c.operand + row * c.rows.from + column * Bytes;
  for (int d = c.dims; d-- > 0;) {
    const std::int64_t at = c.around[d].extent.split(i);
    to += at * c.around[d].to, from += at * c.around[d].from;
  }
  const std::int64_t rows = c.rows.extent - row, columns = c.columns.extent - column;
  unit x[down][across];
#pragma unroll
  for (int a = 0; a < down; ++a)
#pragma unroll
    for (int b = 0; b < across; ++b) {
      const int y = line + a * lines, z = lane + b * 32;
      x[a][b] = unit{};
      if (y < rows && z < columns) x[a][b] = *reinterpret_cast<const unit*>(from + y * c.rows.from + z * Bytes);
    }
#pragma unroll
  for (int a = 0; a < down; ++a)
#pragma unroll
    for (int b = 0; b < across; ++b) memory[(line + a * lines) * tile::pitch + lane + b * 32] = x[a][b];
  __syncthreads();
#pragma unroll
  for (int a = 0; a < down; ++a)
#pragma unroll
    for (int b = 0; b < across; ++b) {
      const int y = line + a * lines, z = lane + b * 32;
      if (y < columns && z < rows) *reinterpret_cast<unit*>(to + y * c.columns.to + z * Bytes) = memory[z * tile::pitch + y];
    }
}

/// A nest of copies, outer dimensions first. Neighbouring dimensions that can be one are merged.
struct copy_nest {
  int unit;  // bytes
  int dims = 0;
  copy_axis axis[max_rank];
  explicit copy_nest(int element_bytes) : unit(element_bytes) {}

  /// Adds the next inner dimension.
  void add(const copy_axis& a) {
    if (a.extent == 1 && a.whole()) return;
    if (dims > 0) {
      copy_axis& o = axis[dims - 1];
      if (a.whole() && o.step == 1 && o.to == a.extent * a.to && o.from == a.extent * a.from) {
        o = {o.extent * a.extent, a.from, a.to, o.before * a.extent, o.count * a.extent, 1};
        return;
      }
    }
    axis[dims++] = a;
  }
  void add(std::int64_t extent, std::int64_t from, std::int64_t to) { add({extent, from, to, 0, extent, 1}); }

  /// Units as wide as all addresses allow, if the last dimension is contiguous on both sides.
  void widen(const void* result, const void* operand) {
    if (dims == 0) return;
    copy_axis& last = axis[dims - 1];
    if (last.from != unit || last.to != unit || last.step != 1) return;
    auto bytes = [&](std::int64_t n) { return static_cast<std::uint64_t>(n * unit); };
    std::uint64_t joined = address(result) | address(operand) | bytes(last.extent) | bytes(last.before) | bytes(last.count);
    for (int d = 0; d + 1 < dims; ++d) joined |= static_cast<std::uint64_t>(axis[d].from | axis[d].to);
    const int wide = widest_unit(joined), times = wide / unit;
    last = {last.extent / times, wide, wide, last.before / times, last.count / times, 1};
    unit = wide;
    if (last.extent == 1 && last.whole()) --dims;
  }
  bool contiguous() const { return dims == 0 || (dims == 1 && axis[0].from == unit && axis[0].to == unit && axis[0].whole()); }
  std::int64_t count(int axes) const {
    std::int64_t n = 1;
    for (int d = 0; d < axes; ++d) n *= axis[d].extent;
    return n;
  }
};

template <bool Padded> void copy_nested(char* to, const char* from, const copy_nest& c, cudaStream_t stream) {
  nested_rows<Padded> rows{to, from, axis_places(c.dims > 0 ? c.axis[c.dims - 1] : copy_axis{}), {}, 0};
  for (; rows.dims + 1 < c.dims; ++rows.dims) rows.outer[rows.dims] = axis_places(c.axis[rows.dims]);
  copy_rows(c.unit, c.count(rows.dims), rows, stream);
}
/// The dimension that is contiguous in the operand, if tiles are worth while; otherwise -1.
inline int tiled_dimension(const copy_nest& c) {
  constexpr std::int64_t least = 8;
  if (c.dims < 2 || c.axis[c.dims - 1].to != c.unit || c.axis[c.dims - 1].extent < least) return -1;
  for (int d = 0; d + 1 < c.dims; ++d)
    if (c.axis[d].from == c.unit && c.axis[d].extent >= least) return d;
  return -1;
}
template <int Bytes> void copy_tiled(char* to, const char* from, const copy_nest& c, int columns, cudaStream_t stream) {
  tiled_copy t{to, from, c.axis[c.dims - 1], c.axis[columns], {}, {}, {}, 0};
  auto tiles = [](const copy_axis& a) { return (a.extent + copy_tile<Bytes>::extent - 1) / copy_tile<Bytes>::extent; };
  t.down = divisor(tiles(t.rows)), t.across = divisor(tiles(t.columns));
  std::int64_t blocks = t.down.by * t.across.by;
  for (int d = 0; d + 1 < c.dims; ++d)
    if (d != columns) t.around[t.dims++] = axis_places(c.axis[d]), blocks *= c.axis[d].extent;
  copy_tiles_kernel<Bytes><<<launched_blocks(blocks), copy_tile<Bytes>::threads, 0, stream>>>(t);
  check(cudaGetLastError(), "cuda: starting a transpose");
}

inline void copy_bytes(void* to, const void* from, std::int64_t bytes, cudaStream_t stream) {
  if (bytes > 0) check(cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), cudaMemcpyDeviceToDevice, stream), "cuda: copying");
}
/// Copies a nest whose result has elements. Permuted: the order of the dimensions may differ.
template <bool Padded, bool Permuted> void copy_strided(char* to, const char* from, copy_nest c, cudaStream_t stream) {
  if (c.contiguous()) return copy_bytes(to, from, c.count(c.dims) * c.unit, stream);
  c.widen(to, from);
  if constexpr (Permuted)
    if (const int columns = tiled_dimension(c); columns >= 0)
      return with_unit(c.unit, [&](auto bytes) { copy_tiled<bytes.value>(to, from, c, columns, stream); });
  copy_nested<Padded>(to, from, c, stream);
}

}  // namespace thunder::cuda
