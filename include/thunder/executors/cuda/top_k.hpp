#pragma once
/// The largest elements of rows; and short rows in order. Long rows are not sorted: the place of the k-th element is found digit by digit (a
/// radix select, as in Alabi et al. 2012), so a row is read a few times, mostly from the second-level cache, and k elements are sorted.
#include <bit>
#include <type_traits>

#include "../order.hpp"
#include "strided.hpp"
#include "word_sort.hpp"

namespace thunder::ops {
struct top_k;
}

namespace thunder::cuda {

/// Behind all entries.
template <dtype T> THUNDER_DEVICE order_entry<T> last_entry() {
  if constexpr (size_of(T) == 8) return {~std::uint64_t{0}, ~std::uint32_t{0}};
  else return ~std::uint64_t{0};
}
/// Sorts `count` entries of shared memory, a power of two, with count / 2 threads (Batcher's bitonic sort). All threads of the block call it.
template <class Entry> THUNDER_DEVICE void sort_entries(Entry* entries, int count, int thread) {
  for (int size = 2; size <= count; size *= 2)
    for (int stride = size / 2; stride > 0; stride /= 2) {
      __syncthreads();
      if (thread >= count / 2) continue;
      const int i = 2 * thread - (thread & (stride - 1)), j = i + stride;
      const Entry a = entries[i], b = entries[j];
      if ((b < a) == ((i & size) == 0)) entries[i] = b, entries[j] = a;
    }
  __syncthreads();
}

/// Rows that fit shared memory: `padded` entries each, a power of two.
struct short_rows {
  static constexpr int most = 1024, room = 1024;
  std::int64_t rows;
  int n, k, padded = 2;
  bool descending;
  short_rows(std::int64_t count, std::int64_t length, std::int64_t kept, bool down)
      : rows(count), n(static_cast<int>(length)), k(static_cast<int>(kept)), descending(down) {
    while (padded < n) padded *= 2;
  }
  int threads() const { return padded > 512 ? padded / 2 : 256; }
  int each() const { return threads() / (padded / 2); }
  unsigned blocks() const { return launched_blocks((rows + each() - 1) / each()); }
};
template <dtype T, class Machine> __global__ void __launch_bounds__(512)
sort_short_rows(const __grid_constant__ short_rows g, const unsigned_of<size_of(T)>* x, unsigned_of<size_of(T)>* values, std::int32_t* indices) {
  __shared__ order_entry<T> all[short_rows::room];
  const int half = g.padded / 2, thread = static_cast<int>(threadIdx.x) % half, line = static_cast<int>(threadIdx.x) / half;
  const std::int64_t row = std::int64_t{blockIdx.x} * (static_cast<int>(blockDim.x) / half) + line;
  order_entry<T>* const entries = all + line * g.padded;
  for (int i = thread; i < g.padded; i += half)
    entries[i] = row < g.rows && i < g.n ? make_entry<T>(order_key<T>(x[row * g.n + i], g.descending), static_cast<std::uint32_t>(i)) : last_entry<T>();
  sort_entries(entries, g.padded, thread);
  if (row >= g.rows) return;
  for (int i = thread; i < g.k; i += half) {
    const std::uint32_t from = index_of(entries[i]);
    values[row * g.k + i] = x[row * g.n + from], indices[row * g.k + i] = static_cast<std::int32_t>(from);
  }
}
template <dtype T, class Machine> void start_short_rows(const short_rows& g, const array& x, const array& values, const array& indices, cudaStream_t stream) {
  using element = unsigned_of<size_of(T)>;
  sort_short_rows<T, Machine><<<g.blocks(), static_cast<unsigned>(g.threads()), 0, stream>>>(
      g, static_cast<const element*>(x.data), static_cast<element*>(values.data), static_cast<std::int32_t*>(indices.data));
  check(cudaGetLastError(), "sort: starting it");
}

/// The k largest elements of each row, k <= short_rows::room, a block for each. index_bits: of the largest index.
template <dtype T, class Machine> __global__ void __launch_bounds__(1024)
select_largest(const unsigned_of<size_of(T)>* x, unsigned_of<size_of(T)>* values, std::int32_t* indices, std::int64_t n, int k, int index_bits) {
  using key = unsigned_of<size_of(T)>;
  constexpr int threads = 1024, digit_bits = 11, ahead = 8;
  struct bin_found {
    std::uint32_t bin, below, count;
  };
  __shared__ std::uint32_t bins[1 << digit_bits], sums[32], taken;
  __shared__ bin_found found;
  __shared__ order_entry<T> entries[short_rows::room];
  const int thread = static_cast<int>(threadIdx.x), lane = thread % 32, warp = thread / 32;
  const key* const row = x + blockIdx.x * n;
  /// f(index, key) for the elements of this thread; smaller keys are larger elements.
  auto each = [&](auto f) {
    for (std::int64_t base = thread; base < n; base += ahead * threads) {
      key bits[ahead];
#pragma unroll
      for (int u = 0; u < ahead; ++u)
        if (base + u * threads < n) bits[u] = row[base + u * threads];
#pragma unroll
      for (int u = 0; u < ahead; ++u)
        if (base + u * threads < n) f(static_cast<std::uint32_t>(base + u * threads), order_key<T>(bits[u], true));
    }
  };
  std::uint32_t rank = static_cast<std::uint32_t>(k - 1), equal = 0;
  /// The number of so many bits that has this rank among those of the elements that take part; the rank among the equal ones becomes `rank`.
  auto find = [&](int bits, auto takes_part, auto number) {
    std::uint64_t prefix = 0;
    while (bits > 0) {
      const int now = bits < digit_bits ? bits : digit_bits;
      bits -= now;
      bins[2 * thread] = bins[2 * thread + 1] = 0;
      __syncthreads();
      each([&](std::uint32_t i, key e) {
        const std::uint64_t v = number(i, e);
        if (takes_part(e) && v >> bits >> now == prefix) atomicAdd(bins + (v >> bits & ((1u << now) - 1u)), 1u);
      });
      __syncthreads();
      const std::uint32_t first = bins[2 * thread], own = first + bins[2 * thread + 1], up_to = scan_of_lanes<plus>(own, lane);
      if (lane == 31) sums[warp] = up_to;
      __syncthreads();
      const std::uint32_t warps = scan_of_lanes<plus>(sums[lane], lane), lower = __shfl_sync(0xffffffffu, warps, (warp + 31) % 32);
      const std::uint32_t before = (warp > 0 ? lower : 0u) + up_to - own;
      if (before <= rank && rank < before + own) {
        const bool second = rank >= before + first;
        found = {static_cast<std::uint32_t>(2 * thread + second), second ? before + first : before, second ? own - first : first};
      }
      __syncthreads();
      prefix = prefix << now | found.bin, rank -= found.below, equal = found.count;
    }
    return prefix;
  };
  const key least = static_cast<key>(find(8 * size_of(T), [](key) { return true; }, [](std::uint32_t, key e) { return std::uint64_t{e}; }));
  std::uint32_t last = 0xffffffff;
  if (rank + 1 < equal)  // not all that equal the k-th element: the first of them
    last = static_cast<std::uint32_t>(find(index_bits, [&](key e) { return e == least; }, [](std::uint32_t i, key) { return std::uint64_t{i}; }));
  if (thread == 0) taken = 0;
  __syncthreads();
  each([&](std::uint32_t i, key e) {
    if (e < least || (e == least && i <= last)) entries[atomicAdd(&taken, 1u)] = make_entry<T>(e, i);
  });
  int padded = 2;
  while (padded < k) padded *= 2;
  if (k + thread < padded) entries[k + thread] = last_entry<T>();
  sort_entries(entries, padded, thread);
  if (thread >= k) return;
  const std::uint32_t from = index_of(entries[thread]);
  values[std::int64_t{blockIdx.x} * k + thread] = row[from], indices[std::int64_t{blockIdx.x} * k + thread] = static_cast<std::int32_t>(from);
}

/// (x: [.., n]) -> [.., k], i32 [.., k]. words: k, at most ops::top_k::most.
template <class Machine> struct library_step<ops::top_k, Machine> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s, cudaStream_t stream) {
    const array &x = s.inputs[0], &values = s.outputs[0], &indices = s.outputs[1];
    const std::int64_t n = x.extents[x.rank - 1], rows = x.count(0, x.rank - 1), k = s.words[0];
    check_row_length(n);
    if (rows == 0) return;
    with_dtype(x.type, [&](auto type) {
      constexpr dtype t = type.value;
      using element = unsigned_of<size_of(t)>;
      if (n <= short_rows::most) return start_short_rows<t, Machine>(short_rows(rows, n, k, true), x, values, indices, stream);
      const int bits = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(n - 1)));
      select_largest<t, Machine><<<launched_blocks(rows), 1024, 0, stream>>>(static_cast<const element*>(x.data), static_cast<element*>(values.data),
                                                                             static_cast<std::int32_t*>(indices.data), n, static_cast<int>(k), bits);
      check(cudaGetLastError(), "top_k: starting it");
    });
  }
};

}  // namespace thunder::cuda
