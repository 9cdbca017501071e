#pragma once
/// Rows by index: take, and its transposes scatter_add and, of different rows, scatter; parts of an axis by index: dynamic_slice and dynamic_update_slice. An index outside
/// is clamped by all.
#include <bit>
#include <type_traits>

#include "packet.hpp"
#include "word_sort.hpp"
#include "strided.hpp"

namespace thunder::ops {
struct take;
struct scatter;
struct scatter_add;
struct dynamic_slice;
struct dynamic_update_slice;
}  // namespace thunder::ops

namespace thunder::cuda {

/// Indices of either integer type, clamped into [0, n).
struct clamped_index {
  const void* data;
  bool narrow;
  std::int64_t n;
  clamped_index(const array& index, std::int64_t size) : data(index.data), narrow(index.type == dtype::i32), n(size) {}
  THUNDER_DEVICE std::int64_t operator[](std::int64_t i) const {
    const std::int64_t k = narrow ? static_cast<const std::int32_t*>(data)[i] : static_cast<const std::int64_t*>(data)[i];
    return k < 0 ? 0 : k < n ? k : n - 1;
  }
};

/// Rows of the operand (or, if Placed, of the result) in the order of an index.
template <bool Placed> struct indexed_rows {
  static constexpr bool padded = false;
  char* result;
  const char* operand;
  axis_places last;
  std::int64_t bytes;  // of a row
  clamped_index index;
  THUNDER_DEVICE bool find(std::int64_t i, char*& to, const char*& from) const {
    const std::int64_t row = index[i];
    to = result + (Placed ? row : i) * bytes, from = operand + (Placed ? i : row) * bytes;
    return true;
  }
};

/// (x: [n, ...], index: [I...]) -> [I..., ...]
template <class Machine> struct library_step<ops::take, Machine> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s, cudaStream_t stream) {
    const array &x = s.inputs[0], &y = s.outputs[0];
    const std::int64_t n = x.extents[0], row = x.count(1, x.rank) * size_of(x.type), count = s.inputs[1].count();
    if (count * row == 0) return;
    if (n == 0) return check(cudaMemsetAsync(y.data, 0, static_cast<std::size_t>(y.bytes()), stream), "take: clearing");
    const int unit = widest_unit(address(x.data) | address(y.data) | static_cast<std::uint64_t>(row));
    const copy_axis last{row / unit, unit, unit, 0, row / unit, 1};
    copy_rows(unit, count, indexed_rows<false>{y.begin(), x.begin(), axis_places(last), row, clamped_index(s.inputs[1], n)}, stream);
  }
};

/// (index: [I...], rows: [I..., ...]) -> [n, ...]. The indices differ.
template <class Machine> struct library_step<ops::scatter, Machine> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s, cudaStream_t stream) {
    const array &x = s.inputs[1], &y = s.outputs[0];
    const std::int64_t n = y.extents[0], row = y.count(1, y.rank) * size_of(y.type), count = s.inputs[0].count();
    if (n * row == 0) return;
    if (count < n) check(cudaMemsetAsync(y.data, 0, static_cast<std::size_t>(y.bytes()), stream), "scatter: clearing");
    if (count == 0) return;
    const int unit = widest_unit(address(x.data) | address(y.data) | static_cast<std::uint64_t>(row));
    const copy_axis last{row / unit, unit, unit, 0, row / unit, 1};
    copy_rows(unit, count, indexed_rows<true>{y.begin(), x.begin(), axis_places(last), row, clamped_index(s.inputs[0], n)}, stream);
  }
};

/// The index above, the position below.
template <class Machine> __global__ void __launch_bounds__(256) pair_indices(clamped_index index, std::int64_t count, std::uint64_t* entries) {
  const std::int64_t i = std::int64_t{blockIdx.x} * 256 + threadIdx.x;
  if (i < count) entries[i] = static_cast<std::uint64_t>(index[i]) << 32 | static_cast<std::uint64_t>(i);
}
/// For each row, and one more: how many entries have a smaller index.
template <class Machine> __global__ void __launch_bounds__(256)
find_rows(const std::uint64_t* entries, std::int64_t count, std::int64_t rows, std::uint32_t* first) {
  const std::int64_t row = std::int64_t{blockIdx.x} * 256 + threadIdx.x;
  if (row > rows) return;
  std::int64_t low = 0, high = count;
  while (low < high) {
    const std::int64_t middle = (low + high) / 2;
    if (static_cast<std::int64_t>(entries[middle] >> 32) < row) low = middle + 1;
    else high = middle;
  }
  first[row] = static_cast<std::uint32_t>(low);
}

/// Integers wrap around.
template <class N> THUNDER_DEVICE N sum_of(N a, N b) {
  if constexpr (std::is_integral_v<N>) return static_cast<N>(static_cast<std::make_unsigned_t<N>>(a) + static_cast<std::make_unsigned_t<N>>(b));
  else return a + b;
}
/// Each row of the result: the sum of its entries' rows, in order. Count: elements of a unit.
template <dtype T, int Count, class Machine> __global__ void __launch_bounds__(row_grid::threads)
sum_entries(const __grid_constant__ row_grid grid, const char* rows, char* result, const std::uint64_t* entries, const std::uint32_t* first) {
  using unit = packet<Machine, T, Count>;
  constexpr int ahead = 4;  // rows whose loads are under way together
  const row_grid::position p = grid.find();
  if (p.row >= grid.rows || p.unit >= grid.units) return;
  auto load = [&](unit& x, std::uint32_t e) {
    x.template load<false>(rows, ((entries[e] & 0xffffffffu) * grid.units + p.unit) * Count);
  };
  typename unit::number sum[Count];
  std::uint32_t e = first[p.row];
  const std::uint32_t last = first[p.row + 1];
  const bool some = e < last;
  unit x[ahead];
  if (some) load(x[0], e++);
#pragma unroll
  for (int j = 0; j < Count; ++j) sum[j] = some ? x[0].get(j, 0u) : typename unit::number(0);
  auto add = [&](const unit& y) {
#pragma unroll
    for (int j = 0; j < Count; ++j) sum[j] = sum_of(sum[j], y.get(j, 0u));
  };
  for (; e + ahead <= last; e += ahead) {
#pragma unroll
    for (int k = 0; k < ahead; ++k) load(x[k], e + k);
#pragma unroll
    for (int k = 0; k < ahead; ++k) add(x[k]);
  }
  for (; e < last; ++e) load(x[0], e), add(x[0]);
  unit y;
  y.set(sum);
  y.store(result, (p.row * grid.units + p.unit) * Count);
}

/// (index: [I...], rows: [I..., ...]) -> [n, ...]. The entries are sorted by row (stably), so each row of the result is summed in ascending
/// order of the entries and written once; half types are summed in float. Throws device_error for 2^32 entries or rows, and more.
template <class Machine> struct library_step<ops::scatter_add, Machine> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s, cudaStream_t stream) {
    const array &index = s.inputs[0], &rows = s.inputs[1], &y = s.outputs[0];
    const std::int64_t n = y.extents[0], columns = y.count(1, y.rank), count = index.count();
    if (n * columns == 0) return;
    if (count == 0) return check(cudaMemsetAsync(y.data, 0, static_cast<std::size_t>(y.bytes()), stream), "scatter_add: clearing");
    if (n > most || count > most) throw device_error("scatter_add: a table of " + std::to_string(n) + " rows and " + std::to_string(count) + " indices: both must be below 2^32");

    const std::int64_t counters = radix_pass(count, 0).counters();
    auto* const entries = static_cast<std::uint64_t*>(workspace(static_cast<std::size_t>(16 * (count + 1) + 4 * (counters + n + 1))));
    std::uint64_t* const other = entries + (count + 1) / 2 * 2;
    auto* const counts = reinterpret_cast<std::uint32_t*>(entries + 2 * (count + 1));
    std::uint32_t* const first = counts + counters;
    pair_indices<Machine><<<launched_blocks((count + 255) / 256), 256, 0, stream>>>(clamped_index(index, n), count, entries);
    const int bits = std::bit_width(static_cast<std::uint64_t>(n - 1));
    const std::uint64_t* const sorted = sort_words<Machine>(entries, other, counts, count, bits, stream);
    find_rows<Machine><<<launched_blocks(n / 256 + 1), 256, 0, stream>>>(sorted, count, n, first);
    with_dtype<dtype::i32>(y.type, [&](auto type) { sum<type.value>(rows, y, columns, sorted, first, stream); });
  }

 private:
  static constexpr std::int64_t most = 0xffffffff;

  template <dtype T>
  static void sum(const array& rows, const array& y, std::int64_t columns, const std::uint64_t* entries, const std::uint32_t* first, cudaStream_t stream) {
    constexpr int wide = 16 / size_of(T);
    const bool vectors = columns % wide == 0 && (address(rows.data) | address(y.data)) % 16 == 0;
    auto start = [&](auto elements) {
      const row_grid grid(y.extents[0], columns / elements.value, 1);
      sum_entries<T, elements.value, Machine><<<grid.blocks(), row_grid::threads, 0, stream>>>(grid, rows.begin(), y.begin(), entries, first);
    };
    vectors ? start(std::integral_constant<int, wide>{}) : start(std::integral_constant<int, 1>{});
    check(cudaGetLastError(), "scatter_add: starting the sums");
  }
};

/// Pieces of contiguous units that begin in their rows, of the operand or of the result, at an index.
template <bool OfResult> struct axis_part {
  static constexpr bool padded = false;
  char* result;
  const char* operand;
  axis_places last;
  std::int64_t result_row, operand_row, inner;  // bytes
  clamped_index start;
  THUNDER_DEVICE bool find(std::int64_t i, char*& to, const char*& from) const {
    const std::int64_t first = start[0] * inner;
    to = result + i * result_row + (OfResult ? first : 0), from = operand + i * operand_row + (OfResult ? 0 : first);
    return true;
  }
};
template <bool OfResult> void copy_part(const array& y, const array& x, const array& start, int axis, cudaStream_t stream) {
  const array &all = OfResult ? y : x, &part = OfResult ? x : y;
  if (part.count() == 0) return;
  const std::int64_t inner = all.count(axis + 1, all.rank) * size_of(all.type), to = y.extents[axis] * inner, from = x.extents[axis] * inner;
  const int unit = widest_unit(address(x.data) | address(y.data) | static_cast<std::uint64_t>(inner));
  const std::int64_t units = (OfResult ? from : to) / unit;
  const axis_part<OfResult> rows{y.begin(), x.begin(), axis_places(copy_axis{units, unit, unit, 0, units, 1}), to, from, inner,
                                 clamped_index(start, all.extents[axis] - part.extents[axis] + 1)};
  copy_rows(unit, all.count(0, axis), rows, stream);
}
/// (x: [.., n, ..], start: []) -> [.., m, ..]. words: the axis, m.
template <class Machine> struct library_step<ops::dynamic_slice, Machine> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s, cudaStream_t stream) {
    copy_part<false>(s.outputs[0], s.inputs[0], s.inputs[1], static_cast<int>(s.words[0]), stream);
  }
};
/// (x: [.., n, ..], update: [.., m, ..], start: []) -> [.., n, ..]. words: the axis. The result may be where x is.
template <class Machine> struct library_step<ops::dynamic_update_slice, Machine> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s, cudaStream_t stream) {
    if (s.outputs[0].data != s.inputs[0].data) copy_bytes(s.outputs[0].data, s.inputs[0].data, s.outputs[0].bytes(), stream);
    copy_part<true>(s.outputs[0], s.inputs[1], s.inputs[2], static_cast<int>(s.words[0]), stream);
  }
};

}  // namespace thunder::cuda
