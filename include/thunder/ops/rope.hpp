#pragma once
/// Rotary position embedding (Su et al. 2021).
#include "shape.hpp"
#include "softmax.hpp"

namespace thunder {

/// Which elements of a row form a pair.
enum class rope_style : std::uint8_t {
  interleaved,  // 2i and 2i + 1: the paper, GPT-J, Llama as Meta published it
  halves,       // i and i + d / 2: GPT-NeoX, and models as Hugging Face writes them
};
struct rope_options {
  rope_style style = rope_style::halves;
  setting base = 10000.0;
};

namespace ops {

/// (x: floating [.., d], cosine, sine: [.., d / 2], broadcast to x's rows) -> [.., d]: pair i of a row, a point of the plane, is turned by the angle of
/// entry i. words: the style, 1 to turn back. The tables are f64 where x is, else f32. What rope falls apart into, when gradients are made: it has none.
struct rotate_pairs : op_base<rotate_pairs> {
  static constexpr const char* name = "thunder.rotate_pairs";
  static constexpr op_kind kind = op_kind::structural;
  static constexpr void infer(const arguments& x, inference& r) {
    const int n = x[0].rank;
    if (!is_floating(x[0].type)) return r.refuse(mistake::needs_floating);
    if (n < 1) return r.refuse(mistake::rank_mismatch, n, 1);
    if (x[0].d[n - 1].named() || x[0].d[n - 1].size % 2 != 0) return r.refuse(mistake::rope_pairs, x[0].d[n - 1]);
    meta pairs = x[0].with(wide_type(x[0].type)), both;
    pairs.d[n - 1] = dim(x[0].d[n - 1].size / 2);
    for (int k = 1; k < 3; ++k) {
      const meta& m = x[k];
      if (m.type != pairs.type) return r.refuse(mistake::dtypes_differ);
      if (m.rank < 1 || m.rank > n || !(m.d[m.rank - 1] == pairs.d[n - 1]) || !m.same_shape(x[1]) || !broadcast_shapes(pairs, m, both) || !both.same_shape(pairs))
        return r.refuse(mistake::rope_position, m.rank, n);
    }
    r.result = x[0];
  }
};

/// (x: floating [.., d], position: integer, broadcasts to [..]) -> [.., d]: pair i of a row is turned by position * base^(-2i / d).
/// words: the style, the bits of the base, 1 to turn back. Half types are turned in float.
///
/// A region makes tables of cosines and sines, which are small, as they have the positions' shape; rotate_pairs is one pass over x. So q and k, all
/// layers, and the gradients, which turn back by the same angles, share the tables. (Slices, products and a concatenation are a pass each. Regions
/// that read an input with its halves exchanged would fuse rope with its neighbours, but every kind of kernel would have to know of it.)
struct rope : composite_op<rope> {
  static constexpr const char* name = "thunder.rope";
  static constexpr void infer(const arguments& x, inference& r) {
    const int n = x[0].rank;
    if (!is_floating(x[0].type)) return r.refuse(mistake::needs_floating);
    if (!is_integer(x[1].type)) return r.refuse(mistake::needs_integer);
    if (n < 1) return r.refuse(mistake::rank_mismatch, n, 1);
    if (x[0].d[n - 1].named() || x[0].d[n - 1].size % 2 != 0) return r.refuse(mistake::rope_pairs, x[0].d[n - 1]);
    const meta rows = without_axes(x[0], std::int64_t{1} << (n - 1));
    meta both;
    if (x[1].rank > rows.rank || !broadcast_shapes(rows, x[1], both) || !both.same_shape(rows)) return r.refuse(mistake::rope_position, x[1].rank, rows.rank);
    r.result = x[0];
  }
  static constexpr void decompose(auto c) {
    const value x = c.operand(0), position = thunder::cast_to(c.operand(1), wide_type(x.type().type));
    meta table = position.type();
    const int last = table.rank++;
    const std::int64_t d = x.type().d[x.type().rank - 1].size;
    table.d[last] = dim(d / 2);
    const value exponent = thunder::iota_like(x.g, table, last) * thunder::full_like(x.g, d ? -2.0 / static_cast<double>(d) : 0, table);
    const value angle = thunder::expand(position, std::int64_t{1} << last, table) * thunder::pow(thunder::full_like(x.g, c.real(1), table), exponent);
    const std::int64_t w[]{c.word(0), c.word(2)};
    c.give(emit_words<rotate_pairs>(w, 2, nullptr, x, thunder::cos(angle), thunder::sin(angle)));
  }
  static constexpr void vjp(auto& c) {
    const std::int64_t w[]{c.word(0), c.word(1), !c.word(2)};
    if (c.wanted[0]) c.contribute(0, emit_words<rope>(w, 3, nullptr, c.cotangent(), c.operand(1)));
  }
};

}  // namespace ops

/// Turns the pairs of each row by angles that grow with its position.
///
///     rope(q)                                                             positions 0, 1, ... along the last dimension but one
///     rope<rope_options{.style = rope_style::interleaved}>(q, position)   position: integer, broadcasts to q's dimensions without the last
///
/// (x: floating [.., t, d] with even d) -> [.., t, d]
template <rope_options O = rope_options{}, typed X, typed P> constexpr auto rope(X x, P position) {
  return make<ops::rope, words<static_cast<std::int64_t>(O.style), O.base.bits, 0>>(x, position);
}
template <class X> struct row_indices {
  static constexpr meta value = [] {
    meta m{dtype::i32, 1, {}};
    m.d[0] = X::type.d[X::rank - 2];
    return m;
  }();
};
template <rope_options O = rope_options{}, typed X> constexpr auto rope(X x) {
  if constexpr (is_invalid<X>) return x;
  else if constexpr (X::rank < 2) return make<refused<mistake::rank_mismatch, X::rank, 2>>();
  else return rope<O>(x, make<ops::iota, words<0>, target_from<dtype::i32, row_indices<X>>>());
}

}  // namespace thunder
