#pragma once
/// Looking for results that are infinite or NaN.
#include <cstdint>
#include <cstring>

#include "../core/dtype.hpp"

namespace thunder {

/// scan(exponent) for the bits of an element type's exponent, which are all ones in an infinity and a NaN; true for types that have none.
template <class Scan> bool scan_exponents(dtype t, Scan&& scan) {
  switch (t) {
    case dtype::f16: return scan(std::uint16_t{0x7c00});
    case dtype::bf16: return scan(std::uint16_t{0x7f80});
    case dtype::f32: return scan(std::uint32_t{0x7f800000});
    case dtype::f64: return scan(std::uint64_t{0x7ff0000000000000});
    default: return true;
  }
}

/// Whether all elements are finite; true for types that cannot be otherwise.
inline bool all_finite(const void* data, dtype t, std::int64_t bytes) {
  return scan_exponents(t, [&]<class Word>(Word exponent) {
    const auto* p = static_cast<const unsigned char*>(data);
    bool finite = true;
    for (std::int64_t i = 0; i < bytes; i += static_cast<std::int64_t>(sizeof(Word))) {
      Word w;
      std::memcpy(&w, p + i, sizeof w);
      finite = finite && static_cast<Word>(w & exponent) != exponent;
    }
    return finite;
  });
}

}  // namespace thunder
