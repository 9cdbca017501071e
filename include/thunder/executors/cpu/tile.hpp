#pragma once
/// Tiles of a transpose: one cache line of each source row, four of each result row. A tile is turned in registers, a few
/// elements at a time, into a buffer, so that every line of memory is touched once. (Measured: taller or wider tiles are slower,
/// and so are tiles without the next one's prefetch.)
#include <cstdint>
#include <cstring>
#include <utility>

#include "memory.hpp"

namespace thunder::cpu {

inline constexpr std::int64_t line_bytes = 64;

template <int Bytes> struct unit_of { char bytes[Bytes]; };

/// One cache line; `past_caches` needs an aligned `to`.
template <class Target> THUNDER_INLINE void store_line(char* to, const char* from, bool past_caches) {
  constexpr int lanes = Target::bytes / 4;
  for (int k = 0; k < line_bytes; k += Target::bytes) {
    vec<float, lanes> x;
    std::memcpy(&x.v, from + k, sizeof x.v);
    if (past_caches) stream<dtype::f32, lanes>(to + k, 0, x);
    else std::memcpy(to + k, &x.v, sizeof x.v);
  }
}

/// 16 bytes of elements.
template <int Bytes> struct register16;
template <> struct register16<2> { std::int16_t v __attribute__((vector_size(16))); };
template <> struct register16<4> { std::int32_t v __attribute__((vector_size(16))); };
/// Elements of a and b in turn: those of the lower halves, or of the upper ones. (With <emmintrin.h>, its functions would be part of every user's file.)
template <int Upper> THUNDER_INLINE register16<2> interleave(register16<2> a, register16<2> b) {
  if constexpr (Upper) return {__builtin_shufflevector(a.v, b.v, 4, 12, 5, 13, 6, 14, 7, 15)};
  else return {__builtin_shufflevector(a.v, b.v, 0, 8, 1, 9, 2, 10, 3, 11)};
}
template <int Upper> THUNDER_INLINE register16<4> interleave(register16<4> a, register16<4> b) {
  if constexpr (Upper) return {__builtin_shufflevector(a.v, b.v, 2, 6, 3, 7)};
  else return {__builtin_shufflevector(a.v, b.v, 0, 4, 1, 5)};
}

/// Element (i, j) of `from` is element (j, i) of `to`, for any number of rows i and columns j. Strides in bytes. Passed by value:
/// bytes that are written might otherwise be its own, and it would be read again for each of them.
struct tile_block {
  char* to;
  std::int64_t to_stride;
  const char* from;
  std::int64_t from_stride, rows, columns;
  bool past_caches;
};

template <class Target, int Bytes> struct tile {
  static constexpr int square = 16 / Bytes;                        // turned at a time: a 16-byte register holds a row
  static constexpr int width = static_cast<int>(line_bytes) / Bytes;  // columns of a tile: one line of each source row
  static constexpr int height = 4 * width;                         // rows of a tile: four lines of each result row

  static void transpose(tile_block b) {
    for (std::int64_t i = 0; i < b.rows; i += height)
      for (std::int64_t j = 0; j < b.columns; j += width) {
        const std::int64_t rows = b.rows - i < height ? b.rows - i : height,
                           columns = b.columns - j < width ? b.columns - j : width;
        turn_tile({b.to + j * b.to_stride + i * Bytes, b.to_stride, b.from + i * b.from_stride + j * Bytes, b.from_stride, rows,
                   columns, b.past_caches});
      }
  }

 private:
  /// At most height x width elements.
  static void turn_tile(tile_block b) {
    alignas(64) char turned[width * 4 * line_bytes];
    const std::int64_t rows = b.rows / square * square, columns = b.columns / square * square, bytes = rows * Bytes;
    for (std::int64_t i = 0; i < rows; i += square) {
      if (columns == width)  // the next tile
        for (int k = 0; k < square; ++k) __builtin_prefetch(b.from + (i + k) * b.from_stride + line_bytes);
      for (std::int64_t j = 0; j < columns; j += square)
        turn_square(turned + j * 4 * line_bytes + i * Bytes, b.from + i * b.from_stride + j * Bytes, b.from_stride);
    }
    for (std::int64_t j = 0; j < columns; ++j) {
      const char* const from = turned + j * 4 * line_bytes;
      char* const to = b.to + j * b.to_stride;
      std::int64_t k = 0;
      for (; k + line_bytes <= bytes; k += line_bytes) store_line<Target>(to + k, from + k, b.past_caches);
      if (k < bytes) std::memcpy(to + k, from + k, static_cast<std::size_t>(bytes - k));
    }
    copy_part(b, rows, b.rows, 0, columns);
    copy_part(b, 0, b.rows, columns, b.columns);
  }
  /// What is left of a tile, one element at a time.
  static void copy_part(tile_block b, std::int64_t i_begin, std::int64_t i_end, std::int64_t j_begin, std::int64_t j_end) {
    for (std::int64_t j = j_begin; j < j_end; ++j)
      for (std::int64_t i = i_begin; i < i_end; ++i)
        std::memcpy(b.to + j * b.to_stride + i * Bytes, b.from + i * b.from_stride + j * Bytes, Bytes);
  }

  static constexpr bool in_registers = Bytes == 2 || Bytes == 4;
  /// Interleaving row i with row i + square / 2, log2(square) times, transposes.
  template <int... I>
  THUNDER_INLINE static void turn_registers(char* to, const char* from, std::int64_t from_stride,
                                            std::integer_sequence<int, I...>) {
    register16<Bytes> a[square];
    (std::memcpy(&a[I].v, from + I * from_stride, 16), ...);
    for (int n = 1; n < square; n *= 2) {
      const register16<Bytes> b[]{interleave<I % 2>(a[I / 2], a[(I + square) / 2])...};
      ((a[I] = b[I]), ...);
    }
    (std::memcpy(to + I * 4 * line_bytes, &a[I].v, 16), ...);
  }
  /// square x square elements, into lines of a tile.
  THUNDER_INLINE static void turn_square(char* to, const char* from, std::int64_t from_stride) {
    if constexpr (in_registers) turn_registers(to, from, from_stride, std::make_integer_sequence<int, square>{});
    else
      for (int i = 0; i < square; ++i)
        for (int j = 0; j < square; ++j)
          std::memcpy(to + j * 4 * line_bytes + i * Bytes, from + i * from_stride + j * Bytes, Bytes);
  }
};

}  // namespace thunder::cpu
