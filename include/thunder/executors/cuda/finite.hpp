#pragma once
/// Looking for results that are infinite or NaN, on the device.
#include <algorithm>
#include <type_traits>

#include "../finite.hpp"
#include "strided.hpp"

namespace thunder::cuda {

/// Sets *found if one of `count` words has all bits of `exponent`: 16 bytes at a time as far as they go (none, if `words` is not aligned).
template <class Word> __global__ void __launch_bounds__(256)
find_exponent(const Word* words, std::int64_t vectors, std::int64_t count, Word exponent, int* found) {
  constexpr int each = 16 / static_cast<int>(sizeof(Word));
  struct alignas(16) vector { Word w[each]; };
  const std::int64_t first = std::int64_t{blockIdx.x} * 256 + threadIdx.x, step = std::int64_t{gridDim.x} * 256;
  bool any = false;
#pragma unroll 4
  for (std::int64_t i = first; i < vectors; i += step) {
    const vector v = reinterpret_cast<const vector*>(words)[i];
#pragma unroll
    for (int k = 0; k < each; ++k) any |= (v.w[k] & exponent) == exponent;
  }
  for (std::int64_t i = vectors * each + first; i < count; i += step) any |= (words[i] & exponent) == exponent;
  if (any) *found = 1;
}

/// Whether all elements are finite; waits for the answer.
template <class Machine = gpu> bool device_finite(const void* data, dtype t, std::int64_t bytes) {
  return scan_exponents(t, [&](auto exponent) {
    using word = decltype(exponent);
    const std::int64_t vectors = address(data) % 16 == 0 ? bytes / 16 : 0, count = bytes / static_cast<std::int64_t>(sizeof(word));
    if (count == 0) return true;
    const std::int64_t needed = (std::max(vectors, count - vectors * (16 / static_cast<std::int64_t>(sizeof(word)))) + 255) / 256;
    const auto blocks = static_cast<unsigned>(std::min<std::int64_t>(needed, 8 * properties().processors));
    auto* const found = static_cast<int*>(workspace(sizeof(int)));
    check(cudaMemsetAsync(found, 0, sizeof(int), streams::current()), "cuda: looking at results");
    find_exponent<word><<<blocks, 256, 0, streams::current()>>>(static_cast<const word*>(data), vectors, count, exponent, found);
    check(cudaGetLastError(), "cuda: looking at results");
    int here = 0;
    copy(&here, found, sizeof here);
    return here == 0;
  });
}

}  // namespace thunder::cuda
