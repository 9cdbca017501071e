#pragma once
/// Content-addressed expression templates: the type of an expression carries its element type, its shape and the digest of the
/// statement that made it. Equal programs have equal types, names stay short, and each operation costs one small instantiation.
#include <concepts>

#include "graph.hpp"

namespace thunder {

/// What an expression is after a mistake was reported. It takes part in everything that an expression or a result does, silently.
struct invalid {
  template <std::size_t> constexpr invalid get() const { return {}; }
  template <class... K> constexpr invalid operator()(K...) const { return {}; }
  template <class K> constexpr invalid operator[](K) const { return {}; }
  template <class K> constexpr invalid& operator=(K) { return *this; }
  constexpr int item() const { return 0; }
  template <class Stream> friend Stream& operator<<(Stream& s, invalid) { return s; }
};

/// No declared result type.
struct no_target { static constexpr const meta* type = nullptr; static constexpr digest key = 0; };
/// Makes a statement, or says what is wrong with it (refuse.hpp).
template <class Op, class Words = words<>, class Target = no_target, class... X> constexpr auto make(X...);
template <mistake M, auto Left = 0, auto Right = 0> struct refused;

template <dtype T, class Shape, digest D, int Result = 0> struct expr;
/// The type of a value as a type. Its meta exists once for all values of that type.
template <dtype T, class Shape> struct layout {
  template <digest D, int Result> using result_of = expr<T, Shape, D, Result>;
  static constexpr keyed_meta keyed{make_meta<T>(Shape{}), mix(0, make_meta<T>(Shape{}))};
  static constexpr const meta& value = keyed.value;
};

/// From a statement's digest to its record: a friend function, declared by this class and defined by the one class template that is
/// instantiated for the statement. Functions of one name are one overload set, which compilers search from end to end at every call; so
/// they go by sixteen names, and the digest says which. Statements have one, expressions do not: a call has a result for each parameter.
inline constexpr int definition_buckets = 16;
template <digest D, int Bucket = static_cast<int>(D % definition_buckets)> struct statement_of;
#pragma GCC diagnostic push
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wnon-template-friend"
#endif
#define THUNDER_DEFINITIONS(bucket, name)                                                                                            \
  template <digest D> struct statement_of<D, bucket> {                                                                               \
    friend constexpr const statement* name(statement_of);                                                                            \
    static constexpr const statement* get() { return name(statement_of{}); }                                                         \
    template <class Record> struct defined { friend constexpr const statement* name(statement_of) { return &Record::value; } };       \
  };
THUNDER_DEFINITIONS(0, definition_0)
THUNDER_DEFINITIONS(1, definition_1)
THUNDER_DEFINITIONS(2, definition_2)
THUNDER_DEFINITIONS(3, definition_3)
THUNDER_DEFINITIONS(4, definition_4)
THUNDER_DEFINITIONS(5, definition_5)
THUNDER_DEFINITIONS(6, definition_6)
THUNDER_DEFINITIONS(7, definition_7)
THUNDER_DEFINITIONS(8, definition_8)
THUNDER_DEFINITIONS(9, definition_9)
THUNDER_DEFINITIONS(10, definition_10)
THUNDER_DEFINITIONS(11, definition_11)
THUNDER_DEFINITIONS(12, definition_12)
THUNDER_DEFINITIONS(13, definition_13)
THUNDER_DEFINITIONS(14, definition_14)
THUNDER_DEFINITIONS(15, definition_15)
#undef THUNDER_DEFINITIONS
#pragma GCC diagnostic pop
/// Instantiated once for a statement: Record::value is its record.
template <digest D, class Record> using defines = typename statement_of<D>::template defined<Record>;

/// A value of a trace: result number `Result` of the statement with digest D. Empty; copy it freely.
template <dtype T, class Shape, digest D, int Result>
struct expr {
  using shape_type = Shape;
  using layout_type = layout<T, Shape>;
  static constexpr dtype element = T;
  static constexpr int rank = Shape::rank;
  static constexpr const meta& type = layout_type::value;
  static constexpr digest id = D;
  static constexpr int result = Result;
  static constexpr digest key = Result == 0 ? D : mix(D, static_cast<digest>(Result));

  /// Only to say what is wrong with `if (x > 0_c)`.
  template <int N = 0> constexpr explicit operator bool() const {
    make<refused<mistake::condition, N>>();
    return false;
  }
  /// Only to say what is wrong with `s = s + x`.
  template <class X> constexpr expr& operator=(X) {
    if constexpr (!std::is_same<X, invalid>::value) make<refused<mistake::assignment, sizeof(X)>>();
    return *this;
  }
};

/// What a type is to an op. The answer is inherited: a variable's name would spell the type out, for each expression.
namespace role { inline constexpr int other = 0, graph_value = 1, plain_number = 2, number = 3, expression = 4, invalid = 5; }
template <class X> struct role_of : std::integral_constant<int, std::is_arithmetic<X>::value ? role::plain_number : role::other> {};
template <dtype T, class S, digest D, int R> struct role_of<expr<T, S, D, R>> : std::integral_constant<int, role::expression> {};
template <> struct role_of<invalid> : std::integral_constant<int, role::invalid> {};
template <class X> concept expression = role_of<X>::value == role::expression;
template <class X> concept is_invalid = role_of<X>::value == role::invalid;
/// An expression, or what is left of one after a reported mistake.
template <class X> concept typed = role_of<X>::value >= role::expression;

/// The record of the statement that makes x.
template <dtype T, class S, digest D, int R> constexpr const statement* definition(expr<T, S, D, R>) { return statement_of<D>::get(); }

/// A declared result type.
template <dtype T, class Shape> struct target_of {
  static constexpr const meta* type = &layout<T, Shape>::value;
  static constexpr digest key = layout<T, Shape>::keyed.key;
};

template <class Words> struct word_data;
template <std::int64_t... W> struct word_data<words<W...>> {
  static constexpr int count = sizeof...(W);
  static constexpr std::int64_t data[sizeof...(W) + 1]{W..., 0};
  static constexpr digest key = [] {
    digest h = sizeof...(W);
    for (int k = 0; k < count; ++k) h = mix(h, static_cast<digest>(data[k]));
    return h;
  }();
};
template <class Op> inline constexpr digest op_id = digest_of(Op::name);

/// A shape as a type, from a meta that `Meta::value` holds.
template <class Meta, std::size_t... K> constexpr auto shape_from(std::index_sequence<K...>) { return shape<simplest<Meta::value.d[K]>()...>{}; }
template <class Meta> using shape_of_meta = decltype(shape_from<Meta>(std::make_index_sequence<static_cast<std::size_t>(Meta::value.rank)>{}));
template <dtype T, class S> constexpr auto layout_with(S) { return layout<T, S>{}; }
template <class Meta> constexpr auto layout_of_meta() { return layout_with<Meta::value.type>(shape_of_meta<Meta>{}); }

/// What a statement of operands of these types gives: inferred once, however many statements there are.
template <class Op, class Words, class Target, class... Layout>
struct signature {
  static constexpr const meta* in[sizeof...(Layout) + 1]{&Layout::value..., nullptr};
  static constexpr inference infer() {
    inference r;
    Op::infer({in, sizeof...(Layout), word_data<Words>::data, word_data<Words>::count, Target::type}, r);
    return r;
  }
  struct summary {
    mistake error;
    dim left, right;
    int count;
    meta result;
  };
  static constexpr summary head = [] {
    const inference r = infer();
    return summary{r.error, r.left, r.right, r.count(), r.result};
  }();
  struct result_list { meta of[head.count]; };
  static constexpr result_list all = [] {
    result_list l{};
    const inference r = infer();
    for (int k = 0; k < head.count; ++k) l.of[k] = r[k];
    return l;
  }();
  template <int K> struct result {
    static constexpr meta value = [] {
      if constexpr (K == 0) return head.result;
      else return all.of[K];
    }();
  };
  template <int K> using result_layout = decltype(layout_of_meta<result<K>>());
};

/// The digest of a statement, from those of its parts.
constexpr digest statement_digest(digest op, digest words, digest target, const digest* x, int count) {
  digest h = mix(mix(mix(op, words), target), static_cast<digest>(count));
  for (int k = 0; k < count; ++k) h = mix(h, x[k]);
  return h;
}

/// The results of a statement with several of them.
template <class... E> struct results {};

/// What a record points to, in one object: two evaluations a statement.
template <int Operands, int Results> struct record_parts {
  statement::operand operands[Operands + 1];
  const keyed_meta* types[Results];
};
/// The record of the statement that makes E.
template <class E, class Op, class Words, class Results, class... X> struct record;
template <class E, class Op, class Words, class... R, class... X>
struct record<E, Op, Words, results<R...>, X...> : defines<E::id, record<E, Op, Words, results<R...>, X...>> {
  static constexpr record_parts<sizeof...(X), sizeof...(R)> parts{{{&statement_of<X::id>::get, X::result}..., {nullptr, 0}}, {&R::layout_type::keyed...}};
  static constexpr statement value{E::id, &op_table<Op>::value, word_data<Words>::data, word_data<Words>::count, parts.types, sizeof...(R), parts.operands, sizeof...(X),
                                   reach_of(parts.operands, sizeof...(X)), nullptr, nullptr};
};

/// All results of a statement with several.
template <class Op, class Words, class First, class... Rest, class... X> constexpr auto make_all(pack<First, Rest...>, pack<X...>) {
  static_assert(record<First, Op, Words, results<First, Rest...>, X...>::value.result_count > 0);
  return results<First, Rest...>{};
}
template <class Op, class Words, digest Id, class Signature, class... X, int... K>
constexpr auto make_several(std::integer_sequence<int, K...>) {
  return make_all<Op, Words>(pack<typename Signature::template result_layout<K>::template result_of<Id, K>...>{}, pack<X...>{});
}

/// A statement of which the result's type is known.
template <class Op, class Words, dtype T, class S, digest Target, class... X> constexpr auto make_known() {
  constexpr digest keys[]{X::key..., 0};
  using E = expr<T, S, statement_digest(op_id<Op>, word_data<Words>::key, Target, keys, sizeof...(X))>;
  static_assert(record<E, Op, Words, results<E>, X...>::value.result_count == 1);
  return E{};
}

}  // namespace thunder
