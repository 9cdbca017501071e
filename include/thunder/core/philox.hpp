#pragma once
/// Philox4x32-10: random words as a function of a key and a position (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
/// easy as 1, 2, 3", SC 2011). The same numbers on every device, in any order, from any number of threads.
#include <cstdint>
#include <type_traits>

namespace thunder {

// A word is std::uint32_t, or an executor's vector of them, which brings overloads of these functions.
constexpr std::uint32_t low_word(std::int64_t x) { return static_cast<std::uint32_t>(x); }
constexpr std::uint32_t low_word(std::uint64_t x) { return static_cast<std::uint32_t>(x); }
constexpr std::uint32_t high_word(std::int64_t x) { return static_cast<std::uint32_t>(static_cast<std::uint64_t>(x) >> 32); }
constexpr std::uint32_t high_word(std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); }
constexpr std::uint32_t high_product(std::uint32_t a, std::uint32_t m) {
  return static_cast<std::uint32_t>(std::uint64_t{a} * m >> 32);
}
constexpr float to_float(std::uint32_t x) { return static_cast<float>(x); }
constexpr std::uint32_t choose_word(bool c, std::uint32_t a, std::uint32_t b) { return c ? a : b; }

template <class Word>
struct philox_block {
  Word x, y, z, w;
};

/// Ten rounds of the counter c under the key (k0, k1).
template <class Word>
[[gnu::always_inline]] constexpr philox_block<Word> philox(const philox_block<Word>& counter, const Word& key0,
                                                           const Word& key1) {
  philox_block<Word> c = counter;
  Word k0 = key0, k1 = key1;
  constexpr std::uint32_t m0 = 0xD2511F53u, m1 = 0xCD9E8D57u;
  for (int round = 0; round < 10; ++round) {
    c = {high_product(c.z, m1) ^ c.y ^ k0, c.z * Word(m1), high_product(c.x, m0) ^ c.w ^ k1, c.x * Word(m0)};
    k0 = k0 + Word(0x9E3779B9u), k1 = k1 + Word(0xBB67AE85u);
  }
  return c;
}

/// Random word number i of a key: lane i % 4 of the block with counter i / 4. Key and Index are 64-bit integers or vectors of
/// them; an executor may bring its own overload for its vectors.
template <class Key, class Index>
[[gnu::always_inline]] constexpr auto random_word(const Key& key, const Index& i) {
  const auto block = i >> 2;
  const auto low = low_word(block), high = high_word(block), zero = low ^ low;
  const auto r = philox<decltype(low_word(block))>({low, high, zero, zero}, low_word(key), high_word(key));
  const auto lane = i & Index(3);
  return choose_word(lane == Index(0), r.x, choose_word(lane == Index(1), r.y, choose_word(lane == Index(2), r.z, r.w)));
}

template <class Word>
struct word_pair {
  Word even, odd;
};
/// Words i and i + 1, where i is even, or i - 1 and i: they lie in one block.
template <class Key, class Index>
[[gnu::always_inline]] constexpr auto random_pair(const Key& key, const Index& i) {
  const auto block = i >> 2;
  const auto low = low_word(block), high = high_word(block), zero = low ^ low;
  using word = std::remove_const_t<decltype(low)>;
  const auto r = philox<word>({low, high, zero, zero}, low_word(key), high_word(key));
  const auto first = (i & Index(2)) == Index(0);
  return word_pair<word>{choose_word(first, r.x, r.z), choose_word(first, r.y, r.w)};
}

/// In [0, 1), a multiple of 2^-24.
template <class Word>
[[gnu::always_inline]] constexpr auto uniform01(const Word& word) {
  const auto x = to_float(word >> 8);
  return x * decltype(x)(0x1p-24f);
}

}  // namespace thunder
