#pragma once
/// Division by a number that a kernel's launcher knows.
#include <cstdint>

#include "portable.hpp"

namespace thunder::cuda {

/// d > 0 as a multiplication and a shift.
struct divisor {
  std::int64_t by = 1;
  std::uint64_t factor = 0;
  int shift = 0;
  divisor() = default;
  explicit divisor(std::int64_t d) : by(d) {
    while (std::int64_t{1} << shift < d) ++shift;
    const auto whole = static_cast<unsigned __int128>(1) << (63 + shift);
    if (shift) factor = static_cast<std::uint64_t>((whole + static_cast<std::uint64_t>(d) - 1) / static_cast<std::uint64_t>(d));
  }
  /// n / by, for n >= 0.
  THUNDER_DEVICE std::int64_t quotient(std::int64_t n) const {
    if (shift == 0) return n;
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(static_cast<unsigned __int128>(static_cast<std::uint64_t>(n)) * factor >> 64) >> (shift - 1));
  }
  /// n % by; n becomes n / by.
  THUNDER_DEVICE std::int64_t split(std::int64_t& n) const {
    const std::int64_t q = quotient(n), r = n - q * by;
    n = q;
    return r;
  }
};

}  // namespace thunder::cuda
