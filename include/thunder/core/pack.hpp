#pragma once
/// Lists as types.
#include <cstdint>
#include <initializer_list>

namespace thunder {

// For lists that may be long (a leaf for each of a thousand parameters): loops, because clang nests a fold expression 256 deep at most.
constexpr bool any_of(std::initializer_list<bool> list) {
  for (bool b : list)
    if (b) return true;
  return false;
}
constexpr std::uint64_t all_bits(std::initializer_list<std::uint64_t> list) {
  std::uint64_t bits = 0;
  for (std::uint64_t b : list) bits |= b;
  return bits;
}
constexpr bool all_equal(int value, std::initializer_list<int> list) {
  for (int n : list)
    if (n != value) return false;
  return true;
}

/// A list of types.
template <class...> struct pack {};
/// A list of integers: the attributes of a statement (floating-point constants by the bits of a double).
template <std::int64_t...> struct words {};
/// A type as a value.
template <class T> struct type_c { using type = T; };

}  // namespace thunder
