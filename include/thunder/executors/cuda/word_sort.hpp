#pragma once
/// A stable sort of 64-bit words by their upper halves. Its own and not that of CUB (sort.hpp), whose headers would double what every .cu file takes to
/// compile.
#include <algorithm>
#include <utility>

#include "lanes.hpp"
#include "strided.hpp"

namespace thunder::cuda {

/// Radix sort, 8 bits a pass. Each warp counts the digits of a part of the words; the counts, digits first and then warps, are summed up to
/// the places where each warp puts its words of each digit, in order.
struct radix_pass {
  static constexpr int digits = 256, warps_a_block = 8, threads = 32 * warps_a_block;
  static constexpr std::int64_t most_warps = 1024, least_words = 256;
  std::int64_t count, each;  // words, and those of a warp
  int warps, shift;
  radix_pass(std::int64_t words, int bits_below)
      : count(words), each((std::max(least_words, (words + most_warps - 1) / most_warps) + 31) / 32 * 32),
        warps(static_cast<int>((words + each - 1) / each)), shift(bits_below) {}
  std::int64_t counters() const { return std::int64_t{digits} * warps; }
  unsigned blocks() const { return static_cast<unsigned>((warps + warps_a_block - 1) / warps_a_block); }
  THUNDER_DEVICE int digit(std::uint64_t word) const { return static_cast<int>(word >> shift & (digits - 1)); }
};

/// A template, like all kernels here, so that every file may define it.
template <class Machine> __global__ void __launch_bounds__(radix_pass::threads)
count_digits(radix_pass p, const std::uint64_t* words, std::uint32_t* counts) {
  __shared__ std::uint32_t all[radix_pass::warps_a_block][radix_pass::digits];
  const int lane = static_cast<int>(threadIdx.x) % 32, line = static_cast<int>(threadIdx.x) / 32;
  const int warp = static_cast<int>(blockIdx.x) * radix_pass::warps_a_block + line;
  if (warp >= p.warps) return;
  std::uint32_t* const mine = all[line];
  for (int d = lane; d < radix_pass::digits; d += 32) mine[d] = 0;
  __syncwarp();
  const std::int64_t begin = warp * p.each, end = begin + p.each < p.count ? begin + p.each : p.count;
#pragma unroll 4
  for (std::int64_t i = begin + lane; i < end; i += 32) atomicAdd(mine + p.digit(words[i]), 1u);
  __syncwarp();
  for (int d = lane; d < radix_pass::digits; d += 32) counts[std::int64_t{d} * p.warps + warp] = mine[d];
}

struct plus { template <class N> THUNDER_DEVICE static N combine(N a, N b) { return a + b; } };
/// Replaces each of n counts by the sum of those before it; n is a multiple of 4. One block of 1024 threads.
template <class Machine> __global__ void __launch_bounds__(1024) sum_counts(std::uint32_t* counts, std::int64_t n) {
  __shared__ std::uint32_t sums[32];
  const int thread = static_cast<int>(threadIdx.x), lane = thread % 32, warp = thread / 32;
  std::uint32_t before = 0;
  for (std::int64_t base = 0; base < n; base += 4096) {
    uint4* const at = reinterpret_cast<uint4*>(counts + base) + thread;
    const bool inside = base + 4 * thread < n;
    const uint4 v = inside ? *at : uint4{};
    const std::uint32_t own = v.x + v.y + v.z + v.w, up_to = scan_of_lanes<plus>(own, lane);
    if (lane == 31) sums[warp] = up_to;
    __syncthreads();
    const std::uint32_t warps = scan_of_lanes<plus>(sums[lane], lane), lower = __shfl_sync(0xffffffffu, warps, (warp + 31) % 32);
    const std::uint32_t x = before + (warp > 0 ? lower : 0u) + up_to - own, y = x + v.x, z = y + v.y;
    if (inside) *at = uint4{x, y, z, z + v.z};
    before += __shfl_sync(0xffffffffu, warps, 31);
    __syncthreads();
  }
}
template <class Machine> __global__ void __launch_bounds__(radix_pass::threads)
place_words(radix_pass p, const std::uint64_t* from, std::uint64_t* to, const std::uint32_t* counts) {
  __shared__ std::uint32_t all[radix_pass::warps_a_block][radix_pass::digits];
  const int lane = static_cast<int>(threadIdx.x) % 32, line = static_cast<int>(threadIdx.x) / 32;
  const int warp = static_cast<int>(blockIdx.x) * radix_pass::warps_a_block + line;
  if (warp >= p.warps) return;
  std::uint32_t* const next = all[line];
  for (int d = lane; d < radix_pass::digits; d += 32) next[d] = counts[std::int64_t{d} * p.warps + warp];
  __syncwarp();
  const std::int64_t begin = warp * p.each, end = begin + p.each < p.count ? begin + p.each : p.count;
#pragma unroll 4
  for (std::int64_t base = begin; base < end; base += 32) {
    const bool active = base + lane < end;
    const std::uint64_t word = active ? from[base + lane] : 0;
    const int digit = active ? p.digit(word) : radix_pass::digits;
    const std::uint32_t peers = __match_any_sync(0xffffffffu, digit), before = peers & ((1u << lane) - 1u);
    const std::uint32_t first = active ? next[digit] : 0;
    __syncwarp();
    if (active) to[first + __popc(before)] = word;
    if (active && before == 0) next[digit] = first + __popc(peers);
    __syncwarp();
  }
}

/// Sorts `count` words, fewer than 2^32, by the lowest `bits` of their upper halves; `other` is as large, `counts` has
/// radix_pass(count, 0).counters() numbers and starts at a multiple of 16. Returns the one of the two that the result is in.
template <class Machine>
std::uint64_t* sort_words(std::uint64_t* words, std::uint64_t* other, std::uint32_t* counts, std::int64_t count, int bits, cudaStream_t stream) {
  for (int bit = 0; bit < bits; bit += 8) {
    const radix_pass p(count, 32 + bit);
    count_digits<Machine><<<p.blocks(), radix_pass::threads, 0, stream>>>(p, words, counts);
    sum_counts<Machine><<<1, 1024, 0, stream>>>(counts, p.counters());
    place_words<Machine><<<p.blocks(), radix_pass::threads, 0, stream>>>(p, words, other, counts);
    std::swap(words, other);
  }
  check(cudaGetLastError(), "cuda: starting a sort");
  return words;
}

}  // namespace thunder::cuda
