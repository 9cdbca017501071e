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

/// (x: floating [.., d], position: integer, broadcasts to [..]) -> [.., d]: pair i of a row is turned by position * base^(-2i / d).
/// words: the style, the bits of the base, 1 to turn back. Half types are turned in float.
struct rope : composite_op<rope> {
  static constexpr const char* name = "thunder.rope";
  static constexpr void infer(const arguments& x, inference& r) {
    const int n = x[0].rank;
    if (!is_floating(x[0].type)) return r.refuse(mistake::needs_floating);
    if (!is_integer(x[1].type)) return r.refuse(mistake::needs_integer);
    if (n < 1 || n == max_rank) return r.refuse(mistake::rank_mismatch, n, 1);
    if (x[0].d[n - 1].named() || x[0].d[n - 1].size % 2 != 0) return r.refuse(mistake::rope_pairs, x[0].d[n - 1]);
    const meta rows = without_axes(x[0], std::int64_t{1} << (n - 1));
    meta both;
    if (x[1].rank > rows.rank || !broadcast_shapes(rows, x[1], both) || !both.same_shape(rows)) return r.refuse(mistake::rope_position, x[1].rank, rows.rank);
    r.result = x[0];
  }
  static constexpr void decompose(auto c) {
    const value x = thunder::wide(c.operand(0)), position = thunder::cast_to(c.operand(1), x.type().type);
    const bool halves = c.word(0) == static_cast<std::int64_t>(rope_style::halves);
    // The tables of cosines and sines have the shape of the positions, and are concatenated: so they are made once, not in every row of x.
    meta table = position.type();
    const int last = table.rank++;
    const std::int64_t d = x.type().d[x.type().rank - 1].size;
    table.d[last] = dim(d / 2);
    const value exponent = thunder::iota_like(x.g, table, last) * thunder::full_like(x.g, d ? -2.0 / static_cast<double>(d) : 0, table);
    const value angle = thunder::expand(position, std::int64_t{1} << last, table) * thunder::pow(thunder::full_like(x.g, c.real(1), table), exponent);
    const value cosine = thunder::cos(angle), sine = c.word(2) ? -thunder::sin(angle) : thunder::sin(angle);
    const value swapped = joined(part(x, 1, halves), part(x, 0, halves), halves);
    const value y = x * thunder::spread_to(joined(cosine, cosine, halves), x.type()) + swapped * thunder::spread_to(joined(-sine, sine, halves), x.type());
    c.give(thunder::cast_to(y, c.result_type().type));
  }
  static constexpr void vjp(auto& c) {
    const std::int64_t w[]{c.word(0), c.word(1), !c.word(2)};
    if (c.wanted[0]) c.contribute(0, emit_words<rope>(w, 3, nullptr, c.cotangent(), c.operand(1)));
  }

 private:
  static constexpr meta with_last(meta m, std::int64_t a) { return m.d[m.rank - 1] = dim(a), m; }
  static constexpr meta with_last(meta m, std::int64_t a, std::int64_t b) { return m.d[m.rank - 1] = dim(a), m.d[m.rank++] = dim(b), m; }
  /// The first or second elements of all pairs: [.., d] -> [.., d / 2]
  static constexpr value part(auto x, int which, bool halves) {
    const meta m = x.type();
    const std::int64_t n = m.d[m.rank - 1].size / 2;
    const value y = halves ? x : thunder::reshape_to(x, with_last(m, n, 2));
    const int rank = y.type().rank;
    std::int64_t w[3 * max_rank]{};
    for (int i = 0; i < rank; ++i) w[rank + i] = -1, w[2 * rank + i] = 1;
    w[rank - 1] = halves ? which * n : which, w[2 * rank - 1] = halves ? (which + 1) * n : which + 1;
    return thunder::reshape_to(emit_words<slice>(w, 3 * rank, nullptr, y), with_last(m, n));
  }
  /// The pairs of two such: [.., d / 2], [.., d / 2] -> [.., d]
  static constexpr value joined(auto a, auto b, bool halves) {
    const meta m = a.type();
    const std::int64_t n = m.d[m.rank - 1].size, axis = halves ? m.rank - 1 : m.rank;
    const meta part = halves ? m : with_last(m, n, 1);
    return thunder::reshape_to(emit_words<concatenate>(&axis, 1, nullptr, thunder::reshape_to(a, part), thunder::reshape_to(b, part)), with_last(m, 2 * n));
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
  if constexpr (std::same_as<X, invalid>) return x;
  else if constexpr (X::rank < 2) return make<refused<mistake::rank_mismatch, X::rank, 2>>();
  else return rope<O>(x, make<ops::iota, words<0>, target_from<dtype::i32, row_indices<X>>>());
}

}  // namespace thunder
