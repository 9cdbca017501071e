#pragma once
/// Shapes as types (for users and expressions) and as values (`meta`, for the engine).
#include <cstddef>
#include <utility>

#include "dim.hpp"
#include "dtype.hpp"

namespace thunder {

inline constexpr int max_rank = 6;

/// A shape as a type. Integers are plain std::int64_t and named dimensions `dim`, so equal shapes are equal types:
/// write shape_t<2, B>, which normalises, rather than shape<2, B>.
template <auto... D>
struct shape {
  static constexpr int rank = sizeof...(D);
};

template <dim D>
constexpr auto simplest() {
  if constexpr (D.named()) return D;
  else return D.size;
}
template <auto... D> using shape_t = shape<simplest<dim(D)>()...>;

/// What is known of a value without running anything: element type and dimensions.
struct meta {
  dtype type = dtype::f32;
  int rank = 0;
  dim d[max_rank]{};

  constexpr bool operator==(const meta& o) const {
    if (type != o.type || rank != o.rank) return false;
    for (int i = 0; i < rank; ++i)
      if (!(d[i] == o.d[i])) return false;
    return true;
  }
  constexpr bool same_shape(const meta& o) const {
    if (rank != o.rank) return false;
    for (int i = 0; i < rank; ++i)
      if (!(d[i] == o.d[i])) return false;
    return true;
  }
  /// The number of elements, symbolically.
  constexpr dim count() const {
    dim n = 1;
    for (int i = 0; i < rank; ++i) n = n * d[i];
    return n;
  }
  constexpr meta with(dtype t) const {
    meta m = *this;
    m.type = t;
    return m;
  }
};

constexpr digest mix(digest h, const meta& m) {
  h = mix(h, static_cast<digest>(m.type) * 16 + static_cast<digest>(m.rank));
  for (int i = 0; i < m.rank; ++i) h = mix(h, m.d[i]);
  return h;
}

/// A quick hash, for a table that compares as well.
constexpr digest type_key(const meta& m) {
  digest h = static_cast<digest>(m.type) + static_cast<digest>(m.rank) * 16;
  for (int i = 0; i < m.rank; ++i) h = h * 61 + static_cast<digest>(m.d[i].size) + m.d[i].a;
  return h;
}

template <dtype T, auto... D>
constexpr meta make_meta(shape<D...> = {}) {
  static_assert(sizeof...(D) <= max_rank, "a tensor has at most six dimensions");
  meta m{T, 0, {}};
  ((m.d[m.rank++] = dim(D)), ...);
  return m;
}

}  // namespace thunder
