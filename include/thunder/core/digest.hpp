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

}  // namespace thunder
