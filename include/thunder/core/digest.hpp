#pragma once
/// Content hashes. A statement is named by the digest of what it computes, as git names a tree.
#include <cstdint>

namespace thunder {

using digest = std::uint64_t;

/// Mixes one word into a digest (multiply-xorshift; the constants are those of MurmurHash3's finaliser).
constexpr digest mix(digest h, digest word) {
  h ^= word + 0x9e3779b97f4a7c15ull + (h << 6) + (h >> 2);
  h *= 0xff51afd7ed558ccdull;
  return h ^ (h >> 33);
}

/// The digest of a text, continuing from `h`: digest_of("b", digest_of("a")) == digest_of("ab").
constexpr digest digest_of(const char* text, digest h = 0x7468756e646572ull) {
  for (; *text; ++text) h = mix(h, static_cast<digest>(static_cast<unsigned char>(*text)));
  return h;
}

/// The hash of a name: a polynomial of its letters, so that the hash of "h.3.weight" follows in a few steps from those of "h.3" and
/// "weight". (Parameters' names meet new prefixes at each level of calls.)
struct name_hasher {
  digest hash, power;  // power: of the base, by the name's length
  static constexpr digest base = 0x9e3779b97f4a7c15ull;
  static constexpr name_hasher of(const char* text) {
    name_hasher r{0, 1};
    for (; *text; ++text) r.hash = r.hash * base + static_cast<digest>(static_cast<unsigned char>(*text)), r.power *= base;
    return r;
  }
  /// Of "prefix.name".
  constexpr name_hasher below(const name_hasher& prefix) const { return {(prefix.hash * base + '.') * power + hash, prefix.power * base * power}; }
};
constexpr digest name_hash(const char* text) { return name_hasher::of(text).hash; }

}  // namespace thunder
