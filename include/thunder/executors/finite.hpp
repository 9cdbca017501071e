#pragma once
/// Looking for results that are infinite or NaN.
#include <cstdint>
#include <cstring>

#include "../core/dtype.hpp"

namespace thunder {

/// Whether all elements are finite; true for types that cannot be otherwise.
inline bool all_finite(const void* data, dtype t, std::int64_t bytes) {
  auto scan = [&]<class Word>(Word exponent) {  // an exponent of all ones: infinity or NaN
    const auto* p = static_cast<const unsigned char*>(data);
    bool finite = true;
    for (std::int64_t i = 0; i < bytes; i += static_cast<std::int64_t>(sizeof(Word))) {
      Word w;
      std::memcpy(&w, p + i, sizeof w);
      finite = finite && static_cast<Word>(w & exponent) != exponent;
    }
    return finite;
  };
  switch (t) {
    case dtype::f16: return scan(std::uint16_t{0x7c00});
    case dtype::bf16: return scan(std::uint16_t{0x7f80});
    case dtype::f32: return scan(std::uint32_t{0x7f800000});
    case dtype::f64: return scan(std::uint64_t{0x7ff0000000000000});
    default: return true;
  }
}

}  // namespace thunder
