#pragma once
/// Content-addressed expression templates: the type of an expression carries its element type, its shape and the digest of the
/// statement that made it. Equal programs have equal types, names stay short, and each operation costs one small instantiation.
#include <concepts>

#include "graph.hpp"
#include "refuse.hpp"

namespace thunder {

/// Where the record of a statement is found: declared here, defined by the one class template instantiated for that statement.
template <digest D> struct site {
#pragma GCC diagnostic push
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wnon-template-friend"
#endif
  friend constexpr const statement* definition(site);
#pragma GCC diagnostic pop
};

/// A value of a trace: result number `Result` of the statement with digest D. Empty; copy it freely.
template <dtype T, class Shape, digest D, int Result = 0>
struct expr {
  using shape_type = Shape;
  static constexpr dtype element = T;
  static constexpr int rank = Shape::rank;
  static constexpr meta type = make_meta<T>(Shape{});
  static constexpr digest id = D;
  static constexpr int result = Result;
};

template <class X> inline constexpr bool is_expression = false;
template <dtype T, class S, digest D, int R> inline constexpr bool is_expression<expr<T, S, D, R>> = true;
template <class X> concept expression = is_expression<X>;
/// An expression, or what is left of one after a reported mistake.
template <class X> concept typed = is_expression<X> || std::same_as<X, invalid>;

template <expression X> constexpr statement::operand operand_of() { return {definition(site<X::id>{}), X::result}; }

/// No declared result type.
struct no_target {};
/// A declared result type.
template <dtype T, class Shape> struct target_of { static constexpr meta type = make_meta<T>(Shape{}); };

template <class Words> struct word_data;
template <std::int64_t... W> struct word_data<words<W...>> {
  static constexpr int count = sizeof...(W);
  static constexpr std::int64_t data[sizeof...(W) + 1]{W..., 0};
};
template <class Target> constexpr const meta* target_type() {
  if constexpr (std::same_as<Target, no_target>) return nullptr;
  else return &Target::type;
}

/// One statement of typed operands: what it gives, checked once.
template <class Op, class Words, class Target, class... X>
struct typed_statement {
  static constexpr const meta* in[sizeof...(X) + 1]{&X::type..., nullptr};
  static constexpr inference infer() {
    inference r;
    Op::infer({in, sizeof...(X), word_data<Words>::data, word_data<Words>::count, target_type<Target>()}, r);
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
  static constexpr int count = head.count;
  template <int K> static constexpr meta result() {
    if constexpr (K == 0) return head.result;
    else return infer()[K];
  }
  static constexpr digest id = [] {
    digest h = mix(table_of<Op>()->id, sizeof...(X));
    for (int k = 0; k < word_data<Words>::count; ++k) h = mix(h, static_cast<digest>(word_data<Words>::data[k]));
    if constexpr (!std::same_as<Target, no_target>) h = mix(h, Target::type);
    ((h = mix(mix(h, X::id), static_cast<digest>(X::result))), ...);
    return h;
  }();
};

template <class I, int... K> struct result_types {
  static constexpr meta data[sizeof...(K)]{I::template result<K>()...};
};
template <class Op, class Words, class I, class Results, class... X>
struct record {
  static constexpr statement::operand operands[sizeof...(X) + 1]{operand_of<X>()..., statement::operand{nullptr, 0}};
  static constexpr statement value{I::id, table_of<Op>(), word_data<Words>::data, word_data<Words>::count, Results::data, I::count, operands, sizeof...(X),
                                   (std::uint64_t{0} | ... | definition(site<X::id>{})->levels), nullptr, nullptr};
  friend constexpr const statement* definition(site<I::id>) { return &value; }
};

/// The expression for a type: shapes as packs of integers and named dims.
template <class Meta, std::size_t... K> constexpr auto shape_from(std::index_sequence<K...>) { return shape<simplest<Meta::value.d[K]>()...>{}; }
template <class Meta> using shape_of_meta = decltype(shape_from<Meta>(std::make_index_sequence<static_cast<std::size_t>(Meta::value.rank)>{}));
template <class I, int K> struct result_meta { static constexpr meta value = I::template result<K>(); };
template <dtype T, digest D, int R, class S> constexpr auto expr_with(S) { return expr<T, S, D, R>{}; }
template <class Meta, digest D, int R> constexpr auto expr_of_meta() { return expr_with<Meta::value.type, D, R>(shape_of_meta<Meta>{}); }

/// The results of a statement with several of them.
template <class... E> struct results {};
template <int K, class... E> constexpr auto get(results<E...>);

template <class I, class Op, class Words, class... X, int... K>
constexpr auto make_results(std::integer_sequence<int, K...>) {
  static_assert(record<Op, Words, I, result_types<I, K...>, X...>::value.operand_count >= 0);  // evaluated here: the depth stays O(1)
  if constexpr (sizeof...(K) == 1) return expr_of_meta<result_meta<I, 0>, I::id, 0>();
  else return results<decltype(expr_of_meta<result_meta<I, K>, I::id, K>())...>{};
}

/// Makes a statement of typed operands. A mistake is reported once, and the result is `invalid`.
template <class Op, class Words = words<>, class Target = no_target, typed... X>
constexpr auto make(X...) {
  if constexpr ((std::same_as<X, invalid> || ...)) return invalid{};
  else {
    using I = typed_statement<Op, Words, Target, X...>;
    if constexpr (I::head.error != mistake::none) return refuse<I::head.error, shown<I::head.left>(), shown<I::head.right>()>();
    else return make_results<I, Op, Words, X...>(std::make_integer_sequence<int, I::count>{});
  }
}

}  // namespace thunder
