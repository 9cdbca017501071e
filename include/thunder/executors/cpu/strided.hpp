#pragma once
/// Copies between two buffers by strides: what transpose, slice, broadcast, concatenate and reshape come down to. All is in
/// bytes; element types do not matter.
#include <cstdint>
#include <cstring>

#include "../../core/math.hpp"
#include "../../core/shape.hpp"
#include "parallel.hpp"
#include "tile.hpp"

namespace thunder::cpu {

/// Results of at least this many bytes are stored past the caches: nothing of them would be left there for their reader.
inline constexpr std::int64_t uncached_bytes = 32 * 1024 * 1024;

/// `bytes` bytes, all contiguous.
template <class Target> void copy_run(char* to, const char* from, std::int64_t bytes, bool past_caches) {
  if (!past_caches || bytes < 512) return void(std::memcpy(to, from, static_cast<std::size_t>(bytes)));
  const auto head = static_cast<std::int64_t>(-reinterpret_cast<std::uintptr_t>(to) % line_bytes);
  std::memcpy(to, from, static_cast<std::size_t>(head));
  std::int64_t i = head;
  for (; i + line_bytes <= bytes; i += line_bytes) store_line<Target>(to + i, from + i, true);
  std::memcpy(to + i, from + i, static_cast<std::size_t>(bytes - i));
}

/// Zero bytes.
template <class Target> void clear_run(char* to, std::int64_t bytes, bool past_caches) {
  static constexpr char zeros[line_bytes]{};
  const std::int64_t head = past_caches ? static_cast<std::int64_t>(-reinterpret_cast<std::uintptr_t>(to) % line_bytes) : bytes;
  if (head >= bytes) return void(std::memset(to, 0, static_cast<std::size_t>(bytes)));
  std::memset(to, 0, static_cast<std::size_t>(head));
  std::int64_t i = head;
  for (; i + line_bytes <= bytes; i += line_bytes) store_line<Target>(to + i, zeros, true);
  std::memset(to + i, 0, static_cast<std::size_t>(bytes - i));
}

/// The same `unit` bytes, `times` times.
template <class Target> void repeat(char* to, const char* from, std::int64_t unit, std::int64_t times, bool past_caches = false) {
  if (times <= 0) return;
  const std::int64_t all = unit * times, most = math::maximum(unit, 4096 / unit * unit);
  std::int64_t done = unit;
  std::memcpy(to, from, static_cast<std::size_t>(unit));
  while (done < all) {  // what is there doubles, up to a few lines that stay in the first-level cache
    const std::int64_t n = math::minimum(math::minimum(done, all - done), most);
    copy_run<Target>(to + done, to, n, past_caches && n == most);
    done += n;
  }
}

/// A loop nest of copies, outer dimensions first: extents, and strides in bytes. `unit` bytes are contiguous on both sides.
struct copy_nest {
  std::int64_t unit = 1;
  int dims = 0;
  std::int64_t extent[max_rank + 1]{}, from[max_rank + 1]{}, to[max_rank + 1]{};

  /// Adds the next inner dimension; one that continues the dimension before it on both sides joins it.
  THUNDER_INLINE void add(std::int64_t n, std::int64_t from_stride, std::int64_t to_stride) {
    if (n == 1) return;
    if (dims > 0 && from[dims - 1] == n * from_stride && to[dims - 1] == n * to_stride) --dims, n *= extent[dims];
    extent[dims] = n, from[dims] = from_stride, to[dims] = to_stride, ++dims;
  }
  /// The last dimension joins the unit if it is contiguous.
  THUNDER_INLINE void finish() {
    if (dims > 0 && from[dims - 1] == unit && to[dims - 1] == unit) unit *= extent[--dims];
  }
  /// Splits a long unit, so that all threads find work.
  THUNDER_INLINE void split_unit() {
    std::int64_t pieces = 1;
    while (unit % 2 == 0 && unit > 64 * 1024) unit /= 2, pieces *= 2;
    if (pieces > 1) extent[dims] = pieces, from[dims] = to[dims] = unit, ++dims;
  }
  THUNDER_INLINE std::int64_t units() const {
    std::int64_t n = 1;
    for (int d = 0; d < dims; ++d) n *= extent[d];
    return n;
  }
};

/// The offsets on both sides of entry `i` of the nest's first `dims` dimensions, then of those that follow.
struct nest_position {
  std::int64_t at[max_rank + 1]{}, from = 0, to = 0;
  THUNDER_INLINE nest_position(const copy_nest& n, int dims, std::int64_t i) {
    for (int d = dims; d-- > 0;) at[d] = i % n.extent[d], i /= n.extent[d], from += at[d] * n.from[d], to += at[d] * n.to[d];
  }
  THUNDER_INLINE void advance(const copy_nest& n, int dims) {
    for (int d = dims; d-- > 0;) {
      from += n.from[d], to += n.to[d];
      if (++at[d] < n.extent[d]) return;
      from -= at[d] * n.from[d], to -= at[d] * n.to[d], at[d] = 0;
    }
  }
};

/// `n` elements of Bytes bytes.
template <class Target, int Bytes>
void copy_elements(char* to, std::int64_t to_stride, const char* from, std::int64_t from_stride, std::int64_t n) {
  if (from_stride == 0) {
    unit_of<Bytes> x;
    std::memcpy(&x, from, Bytes);
    for (std::int64_t i = 0; i < n; ++i) std::memcpy(to + i * to_stride, &x, Bytes);
  } else if (to_stride == Bytes) {
    for (std::int64_t i = 0; i < n; ++i) std::memcpy(to + i * Bytes, from + i * from_stride, Bytes);
  } else {
    for (std::int64_t i = 0; i < n; ++i) std::memcpy(to + i * to_stride, from + i * from_stride, Bytes);
  }
}
template <class Target>
void copy_units(const copy_nest& c, char* to, std::int64_t to_stride, const char* from, std::int64_t from_stride, std::int64_t n,
                bool past_caches) {
  if (from_stride == 0 && to_stride == c.unit && (past_caches || c.unit * n > 64))
    return repeat<Target>(to, from, c.unit, n, past_caches);
  switch (c.unit) {
    case 1: return copy_elements<Target, 1>(to, to_stride, from, from_stride, n);
    case 2: return copy_elements<Target, 2>(to, to_stride, from, from_stride, n);
    case 4: return copy_elements<Target, 4>(to, to_stride, from, from_stride, n);
    case 8: return copy_elements<Target, 8>(to, to_stride, from, from_stride, n);
    case 16: return copy_elements<Target, 16>(to, to_stride, from, from_stride, n);
    default:
      for (std::int64_t i = 0; i < n; ++i) copy_run<Target>(to + i * to_stride, from + i * from_stride, c.unit, past_caches);
  }
}

/// Elements of 1, 2, 4, 8 or 16 bytes that are contiguous along dimension `row` in the source and along the last one in the
/// result: transposes of these two dimensions, by blocks of tiles.
template <class Target> void copy_transposed(char* to, const char* from, const copy_nest& c, int row) {
  const std::int64_t bytes = c.units() * c.unit, block = 8 * line_bytes / c.unit;  // 2 x 8 tiles
  const int last = c.dims - 1;
  const std::int64_t rows = c.extent[last], columns = c.extent[row], row_stride = c.from[last], column_stride = c.to[row];
  copy_nest around;  // the other dimensions
  for (int d = 0; d < last; ++d)
    if (d != row) {
      const int n = around.dims++;
      around.extent[n] = c.extent[d], around.from[n] = c.from[d], around.to[n] = c.to[d];
    }
  const std::int64_t down = (rows + block - 1) / block, across = (columns + block - 1) / block;
  bool past_caches =
      bytes >= uncached_bytes && reinterpret_cast<std::uintptr_t>(to) % line_bytes == 0 && column_stride % line_bytes == 0;
  for (int d = 0; d < around.dims; ++d) past_caches = past_caches && around.to[d] % line_bytes == 0;
  const std::int64_t pieces = around.units() * down * across;
  parallel_for<typename Target::threads>(pieces, 2 * bytes, [&](std::int64_t piece, std::int64_t end, int) {
    for (; piece < end; ++piece) {
      const std::int64_t i = piece % down * block, j = piece / down % across * block;
      const nest_position p(around, around.dims, piece / down / across);
      char* const corner = to + p.to + j * column_stride + i * c.unit;
      const char* const source = from + p.from + i * row_stride + j * c.unit;
      const tile_block b{corner,     column_stride, source, row_stride, math::minimum(block, rows - i), math::minimum(block, columns - j),
                         past_caches};
      switch (c.unit) {
        case 1: tile<Target, 1>::transpose(b); break;
        case 2: tile<Target, 2>::transpose(b); break;
        case 4: tile<Target, 4>::transpose(b); break;
        case 8: tile<Target, 8>::transpose(b); break;
        default: tile<Target, 16>::transpose(b);
      }
    }
    if (past_caches) finish_streaming();
  });
}

/// body(begin, end) over parts of [0, bytes) that meet at whole lines, on all threads; `moved` bytes move in all.
template <class Target, class Body> void parallel_bytes(std::int64_t bytes, std::int64_t moved, Body&& body) {
  const std::int64_t lines = (bytes + line_bytes - 1) / line_bytes;
  parallel_for<typename Target::threads>(lines, moved, [&](std::int64_t begin, std::int64_t end, int) {
    if (begin < end) body(begin * line_bytes, math::minimum(end * line_bytes, bytes));
  });
}

/// Contiguous bytes, on all threads.
template <class Target> void copy_bytes(char* to, const char* from, std::int64_t bytes) {
  const bool past_caches = bytes >= uncached_bytes;
  parallel_bytes<Target>(bytes, 2 * bytes, [&](std::int64_t begin, std::int64_t end) {
    copy_run<Target>(to + begin, from + begin, end - begin, past_caches);
    if (past_caches) finish_streaming();
  });
}

/// The copies of a nest, on all threads. For orders of the dimensions that differ see copy_permuted.
template <class Target> void copy_strided(char* to, const char* from, copy_nest c) {
  c.finish();
  const std::int64_t bytes = c.units() * c.unit;
  const bool past_caches = bytes >= uncached_bytes;
  if (c.dims == 0) return copy_bytes<Target>(to, from, bytes);
  if (c.dims < max_rank) c.split_unit();
  const int last = c.dims - 1;
  const std::int64_t length = c.extent[last];
  parallel_for<typename Target::threads>(c.units(), 2 * bytes, [&](std::int64_t i, std::int64_t end, int) {
    nest_position p(c, last, i / length);
    for (std::int64_t column = i % length; i < end; column = 0) {
      const std::int64_t n = math::minimum(length - column, end - i);
      copy_units<Target>(c, to + p.to + column * c.to[last], c.to[last], from + p.from + column * c.from[last], c.from[last], n,
                         past_caches);
      p.advance(c, last);
      i += n;
    }
    if (past_caches) finish_streaming();
  });
}

/// The same in any order of the dimensions.
template <class Target> void copy_permuted(char* to, const char* from, copy_nest c) {
  c.finish();
  if (c.dims > 0 && c.to[c.dims - 1] == c.unit && c.unit <= 16 && (c.unit & (c.unit - 1)) == 0)
    for (int d = 0; d + 1 < c.dims; ++d)
      if (c.from[d] == c.unit) return copy_transposed<Target>(to, from, c, d);
  copy_strided<Target>(to, from, c);
}

}  // namespace thunder::cpu
