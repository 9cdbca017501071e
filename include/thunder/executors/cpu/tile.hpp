#pragma once
/// Square tiles of a transpose: as many rows of one cache line each as a line has elements. A tile is turned in registers, N x N
/// elements at a time, into a buffer, so that every line of memory is touched once.
#include <cstdint>
#include <cstring>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

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

#if defined(__SSE2__)
struct register16 { __m128i v; };
/// Elements of a and b in turn: those of the lower halves, those of the upper halves.
template <int Bytes> THUNDER_INLINE register16 interleave_low(register16 a, register16 b) {
  if constexpr (Bytes == 2) return {_mm_unpacklo_epi16(a.v, b.v)};
  else return {_mm_unpacklo_epi32(a.v, b.v)};
}
template <int Bytes> THUNDER_INLINE register16 interleave_high(register16 a, register16 b) {
  if constexpr (Bytes == 2) return {_mm_unpackhi_epi16(a.v, b.v)};
  else return {_mm_unpackhi_epi32(a.v, b.v)};
}
#endif

/// Element (i, j) of `from` is element (j, i) of `to`, for any number of rows i and columns j. Strides in bytes.
struct tile_block {
  char* to;
  std::int64_t to_stride;
  const char* from;
  std::int64_t from_stride, rows, columns;
  bool past_caches;
};

template <class Target, int Bytes> struct tile {
  static constexpr int side = static_cast<int>(line_bytes) / Bytes;
  static constexpr int square = 16 / Bytes;  // turned at a time: a 16-byte register holds a row

  /// Of less than a tile, one by one.
  static void copy_part(char* to, std::int64_t to_stride, const char* from, std::int64_t from_stride, std::int64_t rows, std::int64_t columns) {
    for (std::int64_t j = 0; j < columns; ++j)
      for (std::int64_t i = 0; i < rows; ++i) std::memcpy(to + j * to_stride + i * Bytes, from + i * from_stride + j * Bytes, Bytes);
  }

  /// square x square elements. In registers, interleaving row i with row i + square / 2, log2(square) times, transposes.
  THUNDER_INLINE static void turn(char* to, const char* from, std::int64_t from_stride) {
#if defined(__SSE2__)
    if constexpr (Bytes == 2 || Bytes == 4) {
      register16 a[square], b[square];
      for (int i = 0; i < square; ++i) std::memcpy(&a[i].v, from + i * from_stride, 16);
#pragma GCC unroll 3
      for (int n = 1; n < square; n *= 2) {
#pragma GCC unroll 4
        for (int i = 0; i < square / 2; ++i) {
          b[2 * i] = interleave_low<Bytes>(a[i], a[i + square / 2]);
          b[2 * i + 1] = interleave_high<Bytes>(a[i], a[i + square / 2]);
        }
#pragma GCC unroll 8
        for (int i = 0; i < square; ++i) a[i] = b[i];
      }
      for (int i = 0; i < square; ++i) std::memcpy(to + i * line_bytes, &a[i].v, 16);
      return;
    }
#endif
    copy_part(to, line_bytes, from, from_stride, square, square);
  }

  static void copy(char* to, std::int64_t to_stride, const char* from, std::int64_t from_stride, bool past_caches) {
    alignas(64) char turned[side * line_bytes];
    for (int i = 0; i < side; i += square)
      for (int j = 0; j < side; j += square) turn(turned + j * line_bytes + i * Bytes, from + i * from_stride + j * Bytes, from_stride);
    for (int j = 0; j < side; ++j) store_line<Target>(to + j * to_stride, turned + j * line_bytes, past_caches);
  }

  static void transpose(const tile_block& b) {
    for (std::int64_t i = 0; i < b.rows; i += side)
      for (std::int64_t j = 0; j < b.columns; j += side) {
        char* const to = b.to + j * b.to_stride + i * Bytes;
        const char* const from = b.from + i * b.from_stride + j * Bytes;
        const std::int64_t rows = b.rows - i, columns = b.columns - j;
        if (rows >= side && columns >= side) copy(to, b.to_stride, from, b.from_stride, b.past_caches);
        else copy_part(to, b.to_stride, from, b.from_stride, rows < side ? rows : side, columns < side ? columns : side);
      }
  }
};

}  // namespace thunder::cpu
