#pragma once
/// Sums and products up to each element along one axis: one pass over memory with what warps exchange by shuffles, so as fast as a copy. (Rows
/// that are few and long are read twice. CUB's scan of a whole device reads them once, but its header takes longer to compile than all kernels
/// of most programs.) Half types are accumulated in float; the order of the additions is fixed.
#include <algorithm>
#include <type_traits>

#include "lanes.hpp"
#include "packet.hpp"
#include "strided.hpp"

namespace thunder::ops {
struct cumsum;
struct cumprod;
}  // namespace thunder::ops

namespace thunder::cuda {

/// What a scan computes with: integers wrap around.
template <dtype T> using scan_number = std::conditional_t<T == dtype::f64, double, std::conditional_t<T == dtype::i64, std::uint64_t, std::conditional_t<T == dtype::i32, std::uint32_t, float>>>;

/// What stands before the lane's own in a scan of lanes.
template <class Op, class N> THUNDER_DEVICE N before_lane(N up_to, int lane) {
  const N below = __shfl_up_sync(0xffffffffu, up_to, 1);
  return lane > 0 ? below : Op::template identity<N>();
}

/// Rows are contiguous. A row is one part, or several of `part` elements, each a block's.
struct scan_rows {
  static constexpr int threads = 256, ahead = 4;  // vectors of a thread that are on their way together
  std::int64_t rows, n, part;
  int parts;
  bool reverse, aligned;
};
/// Group threads, a warp or a block, scan a part of a row. With only_totals, its last element alone is computed.
template <class Op, dtype T, int Group, class Machine> __global__ void __launch_bounds__(scan_rows::threads, Group == 32 ? 1 : size_of(T) == 2 ? 3 : 4)
scan_rows_kernel(const __grid_constant__ scan_rows g, const void* from, void* to, scan_number<T>* totals, bool only_totals) {
  using number = scan_number<T>;
  constexpr int width = 16 / size_of(T), ahead = scan_rows::ahead, rows = scan_rows::threads / Group;
  using vector = packet<Machine, T, width>;
  using single = packet<Machine, T, 1>;
  __shared__ number sums[2][32];
  const int lane = static_cast<int>(threadIdx.x) % 32, thread = static_cast<int>(threadIdx.x) % Group, warp = thread / 32;
  const unsigned parts = static_cast<unsigned>(g.parts), block = parts == 1 ? blockIdx.x : blockIdx.x / parts;
  const std::int64_t row = std::int64_t{block} * rows + threadIdx.x / Group;
  const int part = static_cast<int>(blockIdx.x - block * parts);
  if (row >= g.rows) return;  // a whole group
  number carry = Op::template identity<number>();
  if (!only_totals && part > 0) {
    for (int k = lane; k < part; k += 32) carry = Op::combine(carry, totals[row * g.parts + k]);
#pragma unroll
    for (int d = 16; d > 0; d /= 2) carry = Op::combine(carry, __shfl_xor_sync(0xffffffffu, carry, d));
  }
  const std::int64_t begin = part * g.part, end = begin + g.part < g.n ? begin + g.part : g.n;
  auto place = [&](std::int64_t at, int count) { return row * g.n + (g.reverse ? g.n - at - count : at); };
  int buffer = 0;
  for (std::int64_t base = begin; base < end; base += Group * width * ahead, buffer ^= 1) {
    vector v[ahead];
    number x[ahead][width], offset[ahead];
    auto at = [&](int u) { return base + (u * Group + thread) * width; };
    auto whole = [&](int u) { return g.aligned && at(u) + width <= end; };
#pragma unroll
    for (int u = 0; u < ahead; ++u)
      if (whole(u)) v[u].template load<false>(from, place(at(u), width));
#pragma unroll
    for (int u = 0; u < ahead; ++u) {
      if (whole(u)) {
#pragma unroll
        for (int j = 0; j < width; ++j) {
          const auto left = plain(v[u].get(j, 0u)), right = plain(v[u].get(width - 1 - j, 0u));
          x[u][j] = static_cast<number>(g.reverse ? right : left);
        }
      } else {
#pragma unroll
        for (int j = 0; j < width; ++j) {
          x[u][j] = Op::template identity<number>();
          if (at(u) + j >= end) continue;
          single one;
          one.template load<false>(from, place(at(u) + j, 1));
          x[u][j] = static_cast<number>(plain(one.get(0, 0u)));
        }
      }
#pragma unroll
      for (int j = 1; j < width; ++j) x[u][j] = Op::combine(x[u][j - 1], x[u][j]);
    }
    // Vectors in order: first by u, then by warp, then by lane.
#pragma unroll
    for (int u = 0; u < ahead; ++u) {
      const number up_to = scan_of_lanes<Op>(x[u][width - 1], lane);
      offset[u] = before_lane<Op>(up_to, lane);
      if constexpr (Group == 32) {
        offset[u] = Op::combine(carry, offset[u]);
        carry = Op::combine(carry, __shfl_sync(0xffffffffu, up_to, 31));
      } else if (lane == 31) sums[buffer][u * 8 + warp] = up_to;
    }
    if constexpr (Group > 32) {
      static_assert(Group == 256 && ahead * 8 == 32, "a warp scans the sums of the vectors of all warps");
      __syncthreads();
      const number up_to = scan_of_lanes<Op>(sums[buffer][lane], lane), before = before_lane<Op>(up_to, lane);
#pragma unroll
      for (int u = 0; u < ahead; ++u) offset[u] = Op::combine(Op::combine(carry, __shfl_sync(0xffffffffu, before, u * 8 + warp)), offset[u]);
      carry = Op::combine(carry, __shfl_sync(0xffffffffu, up_to, 31));
    }
    if (only_totals) continue;
#pragma unroll
    for (int u = 0; u < ahead; ++u) {
      if (whole(u)) {
        typename vector::number y[width];
#pragma unroll
        for (int j = 0; j < width; ++j)
          y[j] = to_number<typename vector::number>(Op::combine(offset[u], g.reverse ? x[u][width - 1 - j] : x[u][j]));
        v[u].set(y);
        v[u].store(to, place(at(u), width));
      } else {
#pragma unroll
        for (int j = 0; j < width; ++j) {
          if (at(u) + j >= end) continue;
          const typename single::number y[1]{to_number<typename single::number>(Op::combine(offset[u], x[u][j]))};
          single one;
          one.set(y);
          one.store(to, place(at(u) + j, 1));
        }
      }
    }
  }
  if (only_totals && thread == 0) totals[row * g.parts + part] = carry;
}

/// Elements of a line are `inner` apart. 2^columns_log threads stand at neighbouring lines; where lines are few, 2^parts_log threads share one:
/// each combines its part, and goes over it again with what comes before.
struct scan_lines {
  std::int64_t outer, n, inner, part;
  int columns_log = 0, parts_log = 0, threads_log = 8;
  bool reverse;
  divisor across;  // blocks along the columns
  scan_lines(std::int64_t outer_count, std::int64_t length, std::int64_t inner_count, bool from_end, int processors)
      : outer(outer_count), n(length), inner(inner_count), reverse(from_end) {
    const std::int64_t enough = std::int64_t{1024} * processors;
    const bool many = outer * inner >= enough;
    while (columns_log < (many ? 8 : 5) && std::int64_t{1} << columns_log < inner) ++columns_log;
    while (parts_log < 5 && (outer * inner) << parts_log < enough && std::int64_t{16} << parts_log < n) ++parts_log;
    threads_log = std::max(threads_log, columns_log + parts_log);
    part = (n + (std::int64_t{1} << parts_log) - 1) >> parts_log;
    across = divisor((inner + (std::int64_t{1} << columns_log) - 1) >> columns_log);
  }
  int rows_log() const { return threads_log - columns_log - parts_log; }
  unsigned blocks() const { return launched_blocks(((outer + (std::int64_t{1} << rows_log()) - 1) >> rows_log()) * across.by); }
};
template <class Op, dtype T, class Machine> __global__ void __launch_bounds__(1024)
scan_lines_kernel(const __grid_constant__ scan_lines g, const void* from, void* to) {
  using number = scan_number<T>;
  using single = packet<Machine, T, 1>;
  constexpr int ahead = 8;
  __shared__ number sums[1024];
  const int thread = static_cast<int>(threadIdx.x), part = thread >> g.columns_log & ((1 << g.parts_log) - 1);
  std::int64_t down = blockIdx.x;
  const std::int64_t column = (g.across.split(down) << g.columns_log) + (thread & ((1 << g.columns_log) - 1));
  const std::int64_t row = (down << (g.threads_log - g.columns_log - g.parts_log)) + (thread >> (g.columns_log + g.parts_log));
  const bool mine = row < g.outer && column < g.inner;
  const std::int64_t begin = part * g.part, end = !mine ? begin : begin + g.part < g.n ? begin + g.part : g.n;
  auto place = [&](std::int64_t k) { return (row * g.n + (g.reverse ? g.n - 1 - k : k)) * g.inner + column; };
  number total = Op::template identity<number>();
  auto walk = [&](auto write) {
    for (std::int64_t k = begin; k < end; k += ahead) {
      single v[ahead];
#pragma unroll
      for (int u = 0; u < ahead; ++u)
        if (k + u < end) v[u].template load<false>(from, place(k + u));
#pragma unroll
      for (int u = 0; u < ahead; ++u)
        if (k + u < end) {
          total = Op::combine(total, static_cast<number>(plain(v[u].get(0, 0u))));
          if constexpr (decltype(write)::value) {
            const typename single::number y[1]{to_number<typename single::number>(total)};
            v[u].set(y);
            v[u].store(to, place(k + u));
          }
        }
    }
  };
  if (g.parts_log > 0) {
    walk(std::false_type{});
    sums[thread] = total;
    __syncthreads();
    total = Op::template identity<number>();
    for (int k = part; k > 0; --k) total = Op::combine(sums[thread - (k << g.columns_log)], total);
  }
  walk(std::true_type{});
}

/// words: the axis, 1 if the scan starts at its end.
template <class Op, class Machine> struct scan_step {
  static constexpr bool exists = true;
  static void run(const step_arguments& s, cudaStream_t stream) {
    with_dtype<dtype::i32>(s.inputs[0].type, [&](auto type) { scan<type.value>(s, stream); });
  }

 private:
  template <dtype T> static void scan(const step_arguments& s, cudaStream_t stream) {
    const array &x = s.inputs[0], &y = s.outputs[0];
    const int axis = static_cast<int>(s.words[0]);
    const bool reverse = s.words[1] != 0;
    const std::int64_t outer = x.count(0, axis), n = x.extents[axis], inner = x.count(axis + 1, x.rank);
    if (x.count() == 0) return;
    if (inner > 1) {
      const scan_lines g(outer, n, inner, reverse, properties().processors);
      scan_lines_kernel<Op, T, Machine><<<g.blocks(), 1u << g.threads_log, 0, stream>>>(g, x.data, y.data);
    } else if (constexpr int width = 16 / size_of(T); n <= 32 * width * scan_rows::ahead) {
      start<T, 32>({outer, n, n, 1, reverse, is_aligned(x, y, n)}, x, y, nullptr, false, stream);
    } else {
      constexpr std::int64_t round = scan_rows::threads * width * scan_rows::ahead;
      const std::int64_t wanted = 4 * properties().processors;
      scan_rows g{outer, n, n, 1, reverse, is_aligned(x, y, n)};
      if (outer < wanted / 2 && n > 2 * round) {
        const std::int64_t most = (wanted + outer - 1) / outer;
        g.part = ((n + most - 1) / most + round - 1) / round * round;
        g.parts = static_cast<int>((n + g.part - 1) / g.part);
      }
      auto* const totals = g.parts > 1 ? static_cast<scan_number<T>*>(workspace(static_cast<std::size_t>(outer * g.parts) * sizeof(scan_number<T>))) : nullptr;
      if (g.parts > 1) start<T, 256>(g, x, y, totals, true, stream);
      start<T, 256>(g, x, y, totals, false, stream);
    }
    check(cudaGetLastError(), "scan: starting it");
  }
  static bool is_aligned(const array& x, const array& y, std::int64_t n) { return (address(x.data) | address(y.data) | static_cast<std::uint64_t>(n * size_of(x.type))) % 16 == 0; }
  template <dtype T, int Group>
  static void start(const scan_rows& g, const array& x, const array& y, scan_number<T>* totals, bool only_totals, cudaStream_t stream) {
    constexpr int rows = scan_rows::threads / Group;
    scan_rows_kernel<Op, T, Group, Machine><<<launched_blocks((g.rows + rows - 1) / rows * g.parts), scan_rows::threads, 0, stream>>>(g, x.data, y.data, totals, only_totals);
  }
};
template <class Machine> struct library_step<ops::cumsum, Machine> : scan_step<ops::cumsum, Machine> {};
template <class Machine> struct library_step<ops::cumprod, Machine> : scan_step<ops::cumprod, Machine> {};

}  // namespace thunder::cuda
