#pragma once
/// Random words (core/philox.hpp) of consecutive positions: a block is drawn once and gives four lanes their words.
#include <cstdint>
#include <cstring>

#include "../../core/philox.hpp"
#include "rounding.hpp"

namespace thunder::cpu {

/// Whether lane k holds the first lane's number plus k, as the positions of neighbouring elements do.
template <int N>
THUNDER_INLINE bool are_consecutive(const vec<std::int64_t, N>& i) {
  return !any(i != vec<std::int64_t, N>(i[0]) + lane_numbers<std::int64_t, N>());
}

#if defined(__SSE2__)
/// Whether blocks are drawn side by side in a register, N / 4 of them; otherwise each lane draws its own.
template <int N>
inline constexpr bool draws_blocks = is_register<vec<std::uint32_t, N>>;

/// Words 4b, 4b + 1, ... of a key. A register holds (x, y, z, w) of each block: one multiplication of its even lanes gives both
/// halves of both products of a round, which the shuffle puts in order.
template <int N>
THUNDER_INLINE vec<std::uint32_t, N> words_of_blocks(std::int64_t key, std::int64_t b) {
  using U = vec<std::uint32_t, N>;
  using wide = vec<std::uint64_t, N / 2>;
  wide counter, k, weyl, m;
  for (int j = 0; j < N / 2; ++j) {
    const bool second = j % 2 != 0;
    counter.v[j] = second ? 0 : static_cast<std::uint64_t>(b + j / 2);
    k.v[j] = second ? static_cast<std::uint64_t>(key) >> 32 : static_cast<std::uint64_t>(key) & 0xffffffffu;
    weyl.v[j] = second ? 0xBB67AE85u : 0x9E3779B9u;
    m.v[j] = second ? 0xCD9E8D57u : 0xD2511F53u;
  }
  U c = bits_as<U>(counter), keys = bits_as<U>(k);
  for (int round = 0; round < 10; ++round) {
    wide product, shuffled;
#if defined(__AVX__)
    asm("vpmuludq %2, %1, %0" : "=v"(product.v) : "v"(c.v), "v"(m.v));
    asm("vpshufd $0x1b, %1, %0" : "=v"(shuffled.v) : "v"(product.v));
#else
    product = bits_as<wide>(c);
    asm("pmuludq %1, %0" : "+x"(product.v) : "x"(m.v));
    asm("pshufd $0x1b, %1, %0" : "=x"(shuffled.v) : "x"(product.v));
#endif
    c = bits_as<U>(shuffled ^ (bits_as<wide>(c) >> 32)) ^ keys;
    keys = keys + bits_as<U>(weyl);
  }
  return c;
}
#else
template <int N>
inline constexpr bool draws_blocks = false;
template <int N>
vec<std::uint32_t, N> words_of_blocks(std::int64_t key, std::int64_t b);
#endif

/// The words of blocks b, b + 1, ... in memory, with one in front that counts for nothing.
template <int N>
struct word_buffer {
  std::uint32_t front = 0, words[2 * N];
  THUNDER_INLINE word_buffer(std::int64_t key, std::int64_t b) {
    const auto low = words_of_blocks<N>(key, b), high = words_of_blocks<N>(key, b + N / 4);
    std::memcpy(words, &low.v, sizeof low.v);
    std::memcpy(words + N, &high.v, sizeof high.v);
  }
  /// Lane k: word `first` + k, from -1 on.
  THUNDER_INLINE vec<std::uint32_t, N> lanes_from(std::int64_t first) const {
    vec<std::uint32_t, N> r;
    std::memcpy(&r.v, reinterpret_cast<const char*>(this) + (first + 1) * 4, sizeof r.v);
    return r;
  }
};

/// Key: one for all lanes, as all random ops have.
template <int N>
THUNDER_INLINE vec<std::uint32_t, N> random_word(const vec<std::int64_t, N>& key, const vec<std::int64_t, N>& i) {
  if constexpr (draws_blocks<N>) {
    if (are_consecutive(i)) {
      const std::int64_t b = i[0] >> 2, offset = i[0] & 3;
      return offset == 0 ? words_of_blocks<N>(key[0], b) : word_buffer<N>(key[0], b).lanes_from(offset);
    }
  }
  return thunder::random_word<vec<std::int64_t, N>, vec<std::int64_t, N>>(key, i);
}
template <int N>
THUNDER_INLINE word_pair<vec<std::uint32_t, N>> random_pair(const vec<std::int64_t, N>& key, const vec<std::int64_t, N>& i) {
  if constexpr (draws_blocks<N>) {
    if (are_consecutive(i)) {
      const std::int64_t offset = i[0] & 3;
      const word_buffer<N> words(key[0], i[0] >> 2);
      const auto even = (lane_numbers<std::int32_t, N>() & vec<std::int32_t, N>(1)) ==
                        vec<std::int32_t, N>(static_cast<std::int32_t>(offset & 1));
      const auto here = words.lanes_from(offset);
      return {select(even, here, words.lanes_from(offset - 1)), select(even, words.lanes_from(offset + 1), here)};
    }
  }
  return thunder::random_pair<vec<std::int64_t, N>, vec<std::int64_t, N>>(key, i);
}

}  // namespace thunder::cpu
