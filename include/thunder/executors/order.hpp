#pragma once
/// The order of elements that `sort` and `top_k` mean, as unsigned numbers: -0 equals 0, a NaN is larger than all numbers and equal to any other.
#include <cstdint>
#include <type_traits>

#include "../core/dtype.hpp"
#include "../core/error.hpp"

namespace thunder {

template <int Bytes>
using unsigned_of = std::conditional_t<Bytes == 8, std::uint64_t, std::conditional_t<Bytes == 4, std::uint32_t, std::conditional_t<Bytes == 2, std::uint16_t, std::uint8_t>>>;

/// A number of as many bits that is smaller where the element is; where it is larger, if Descending is true. bits: the element's.
template <dtype T> constexpr unsigned_of<size_of(T)> order_key(unsigned_of<size_of(T)> bits, bool descending) {
  using number = unsigned_of<size_of(T)>;
  if constexpr (T == dtype::b8) bits = bits != 0;
  else {
    constexpr number sign = static_cast<number>(number{1} << (8 * sizeof(number) - 1));
    if constexpr (is_floating(T)) {
      constexpr number infinity = static_cast<number>(T == dtype::f64 ? 0x7ff0000000000000u : T == dtype::f32 ? 0x7f800000u : T == dtype::bf16 ? 0x7f80u : 0x7c00u);
      const number size = static_cast<number>(bits & ~sign);
      if (size > infinity) bits = static_cast<number>(~sign);
      else if (size == 0) bits = 0;
      bits = static_cast<number>(bits & sign ? ~bits : bits | sign);
    } else bits = static_cast<number>(bits ^ sign);
  }
  return static_cast<number>(descending ? ~bits : bits);
}

/// A key with the place of its element: in the order of both.
struct wide_entry {
  std::uint64_t key;
  std::uint32_t index;
  constexpr bool operator<(const wide_entry& o) const { return key < o.key || (key == o.key && index < o.index); }
};
/// The same as one word, where the key leaves room for the index.
template <dtype T> using order_entry = std::conditional_t<size_of(T) == 8, wide_entry, std::uint64_t>;
template <dtype T> constexpr order_entry<T> make_entry(unsigned_of<size_of(T)> key, std::uint32_t index) {
  if constexpr (size_of(T) == 8) return {key, index};
  else return std::uint64_t{key} << 32 | index;
}
constexpr std::uint32_t index_of(const wide_entry& e) { return e.index; }
constexpr std::uint32_t index_of(std::uint64_t word) { return static_cast<std::uint32_t>(word); }

/// Throws error where an i32 cannot count the elements of a row.
inline void check_row_length(std::int64_t n) {
  if (n > 0x7fffffff) throw_error<error>({"the indices of a row of ", n, " elements do not fit std::int32_t: reshape it"});
}

}  // namespace thunder
