#pragma once
/// Shapes and masks without dimensions of extent 1: what an iteration space consists of.
#include "../core/shape.hpp"

namespace thunder {

/// A shape without its dimensions of extent 1.
struct squeezed_shape {
  int rank = 0;
  dim d[max_rank]{};
  constexpr explicit squeezed_shape(const meta& m) {
    for (int i = 0; i < m.rank; ++i)
      if (!m.d[i].is_one()) d[rank++] = m.d[i];
  }
  constexpr bool operator==(const squeezed_shape& o) const {
    if (rank != o.rank) return false;
    for (int i = 0; i < rank; ++i)
      if (!(d[i] == o.d[i])) return false;
    return true;
  }
};
/// A mask of dimensions as a mask of those that are not 1.
constexpr unsigned squeezed_mask(const meta& m, std::int64_t mask) {
  unsigned r = 0;
  for (int i = 0, k = 0; i < m.rank; ++i)
    if (!m.d[i].is_one()) r |= static_cast<unsigned>(mask >> i & 1) << k++;
  return r;
}
/// The bits of `inner`, which count the set bits of `outer`, in place: deposit(0b101, 0b1101) = 0b1001.
constexpr unsigned deposit(unsigned inner, unsigned outer) {
  unsigned r = 0;
  for (int i = 0, k = 0; i < max_rank; ++i)
    if (outer >> i & 1) r |= (inner >> k++ & 1u) << i;
  return r;
}

}  // namespace thunder
