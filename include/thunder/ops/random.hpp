#pragma once
/// Random numbers as functions of a key: Philox (core/philox.hpp), so that a statement gives the same numbers on every device, in any
/// order and however often it is recomputed.
#include "../core/philox.hpp"
#include "shape.hpp"

namespace thunder {

/// A number as another type; an executor's vectors bring their own overload.
template <class To, class From> requires std::is_arithmetic_v<From> constexpr To convert(From x) { return static_cast<To>(x); }

namespace ops {

/// (key: i64 []) -> target, f32 or f64. Element number i, in row-major order, is a function of the key and i.
template <class Self> struct random_op : op_base<Self> {
  static constexpr op_kind kind = op_kind::indexed;
  static constexpr bool has_target = true, is_indexed = true;
  static constexpr void infer(const arguments& x, inference& r) {
    if (x[0].type != dtype::i64 || x[0].rank != 0) return r.refuse(mistake::key_shape, x[0].rank);
    if (x.target->type != dtype::f32 && x.target->type != dtype::f64) return r.refuse(mistake::needs_floating);
    r.result = *x.target;
  }
};
/// Uniform in [0, 1): word i of the key, as a multiple of 2^-24.
struct random_uniform : random_op<random_uniform> {
  static constexpr const char* name = "thunder.random_uniform";
  template <class, class T> static constexpr auto evaluate(const auto& index, const auto& key) { return convert<T>(uniform01(random_word(key, index))); }
};
/// Normal with mean 0 and deviation 1 (Box and Muller 1958; at most 5.8 in size): elements 2j and 2j + 1 are made of words 2j and
/// 2j + 1, which lie in one block.
struct random_normal : random_op<random_normal> {
  static constexpr const char* name = "thunder.random_normal";
  template <class, class T> static constexpr auto evaluate(const auto& index, const auto& key) {
    using integer = std::remove_cvref_t<decltype(index)>;
    const auto even = (index & integer(1)) == integer(0);
    const auto words = random_pair(key, index);
    const auto u = convert<T>(uniform01(words.even)), v = convert<T>(uniform01(words.odd));
    using real = std::remove_const_t<decltype(u)>;
    const real radius = math::sqrt(real(-2) * math::log(real(1) - u)), angle = real(6.283185307179586) * v;
    return radius * math::select(even, math::cos(angle), math::sin(angle));
  }
};
/// (key: i64 [], data: i64 []) -> i64 []: a key for each number. Its Philox counters are never those of random words.
struct fold_in : pointwise_op<fold_in> {
  static constexpr const char* name = "thunder.fold_in";
  static constexpr typing types = typing::arithmetic;
  static constexpr void infer(const arguments& x, inference& r) {
    for (int k = 0; k < 2; ++k)
      if (x[k].type != dtype::i64 || x[k].rank != 0) return r.refuse(mistake::key_shape, x[k].rank);
    r.result = x[0];
  }
  static constexpr auto evaluate(const auto& key, const auto& data) {
    const auto low = low_word(data), zero = low ^ low, one = zero - ~zero;
    const auto r = philox<decltype(low_word(data))>({low, high_word(data), one, zero}, low_word(key), high_word(key));
    return (convert<std::int64_t>(r.y) << 32) | convert<std::int64_t>(r.x);
  }
  static constexpr bool has_vjp() { return false; }
};

}  // namespace ops

/// Whether X can be a random key.
template <class X> inline constexpr bool is_key = false;
template <expression X> inline constexpr bool is_key<X> = X::element == dtype::i64 && X::rank == 0;

// ---- on values of a graph
template <graph_value K> constexpr value uniform_like(K key, const meta& m) { return emit_words<ops::random_uniform>(nullptr, 0, &m, key); }

// ---- on expressions
template <class Op, class T, auto... D, typed K> constexpr auto draw(K key) {
  static_assert(is_element<T> && is_floating(dtype_of<T>), "random numbers are of a floating-point type: uniform<float, 3, 4>(key)");
  constexpr dtype t = dtype_of<T> == dtype::f64 ? dtype::f64 : dtype::f32;
  const auto r = make<Op, words<>, target_of<t, shape_t<D...>>>(key);
  if constexpr (std::same_as<decltype(r), const invalid>) return r;
  else return cast<T>(r);
}
/// uniform<float, B, 10>(key): uniform in [0, 1). key: i64 []. (Half types are rounded from float, possibly to 1.)
template <class T, auto... D, typed K> constexpr auto uniform(K key) { return draw<ops::random_uniform, T, D...>(key); }
/// normal<float, B, 10>(key): normal with mean 0 and deviation 1. key: i64 [].
template <class T, auto... D, typed K> constexpr auto normal(K key) { return draw<ops::random_normal, T, D...>(key); }
/// A new key from a key and a number: fold_in(key, 3_c), fold_in(key, step). Equal arguments give equal keys.
/// (key: i64 [], data: integer []) -> i64 []
template <typed K, operand N> constexpr auto fold_in(K key, N data) {
  if constexpr (is_invalid<K> || is_invalid<N>) return invalid{};
  else if constexpr (!is_key<K>) return make<refused<mistake::key_shape, K::rank>>();
  else if constexpr (is_number<N>) {
    static_assert(N::value == static_cast<double>(static_cast<std::int64_t>(N::value)), "fold_in: the number is an integer");
    return make<ops::fold_in>(key, make<ops::full, words<bits_of(N::value)>, target_of<dtype::i64, shape<>>>());
  } else if constexpr (!is_integer(N::element)) return make<refused<mistake::needs_integer, N::rank>>();
  else return make<ops::fold_in>(key, cast<std::int64_t>(data));
}

}  // namespace thunder
