#pragma once
/// Elements with strides, as other libraries have them; thunder's own are contiguous and row-major.
#include <cstdint>
#include <cstring>
#include <span>

#include "../core/shape.hpp"

namespace thunder {

/// Whether strides (in elements) are those of contiguous row-major elements. That of an extent of 1 is free, and without elements
/// all are.
constexpr bool is_row_major(std::span<const std::int64_t> extents, std::span<const std::int64_t> strides) {
  for (const auto n : extents)
    if (n == 0) return true;
  std::int64_t dense = 1;
  for (auto i = extents.size(); i-- > 0; dense *= extents[i])
    if (extents[i] != 1 && strides[i] != dense) return false;
  return true;
}

/// Copies elements of `size` bytes with strides (in elements, of any sign) to contiguous row-major memory, on the CPU. At most
/// max_rank axes.
inline void copy_strided(void* to, const void* from, std::span<const std::int64_t> extents, std::span<const std::int64_t> strides,
                         std::size_t size) {
  std::int64_t index[max_rank]{}, at = 0, count = 1;
  for (const auto n : extents) count *= n;
  auto* y = static_cast<char*>(to);
  for (; count > 0; --count, y += size) {
    std::memcpy(y, static_cast<const char*>(from) + at * static_cast<std::int64_t>(size), size);
    for (auto axis = extents.size(); axis-- > 0;) {  // the next index, the last axis first
      at += strides[axis];
      if (++index[axis] < extents[axis]) break;
      at -= index[axis] * strides[axis];
      index[axis] = 0;
    }
  }
}

}  // namespace thunder
