#pragma once
/// Tracing a callable, and calling what was traced. Traces are keyed on content (levels, result and formal digests), never on
/// a closure.
#include <bit>
#include <type_traits>

#include "flatten.hpp"
#include "tree.hpp"

namespace thunder {

/// The graph of one trace: from formals In to results Out, at a level.
template <int Level, class Out, class In> struct trace_maker;
template <int Level, class... Out, class... In> struct trace_maker<Level, pack<Out...>, pack<In...>> {
  static constexpr digest key = [] {
    digest h = mix(51, Level);
    ((h = mix(mix(h, Out::id), static_cast<digest>(Out::result))), ...);
    h = mix(h, 52);
    ((h = mix(h, In::id)), ...);
    return h;
  }();
  static constexpr statement::operand roots[sizeof...(Out) + 1]{operand_of<Out>()..., statement::operand{nullptr, 0}};
  static constexpr const statement* in[sizeof...(In) + 1]{definition(site<In::id>{})..., nullptr};
  static constexpr flattened make() { return flatten(roots, sizeof...(Out), in, sizeof...(In), Level); }
  static constexpr graph_size guess() { return {160, 320, 480, 200, 48, 64, 64, static_cast<int>(sizeof...(Out)), 8}; }
};

// ---- calls
template <class Body, fixed_string Prefix, class X> struct call_record;
template <class Body, fixed_string Prefix, class... X> struct call_record<Body, Prefix, pack<X...>> {
  static constexpr int lifted = Body::data.size.lifted;
  static constexpr int operand_count = sizeof...(X) + lifted;
  static constexpr auto prefix = Prefix;
  struct operand_list { statement::operand data[operand_count + 1]; };
  static constexpr operand_list operands = [] {
    operand_list r{{operand_of<X>()...}};
    for (int i = 0; i < lifted; ++i) r.data[static_cast<int>(sizeof...(X)) + i] = Body::data.lifted[i];
    return r;
  }();
  static constexpr digest id = [] {
    digest h = digest_of(Prefix.text, mix(67, Body::key));
    for (int i = 0; i < operand_count; ++i) h = mix(mix(h, operands.data[i].from->id), static_cast<digest>(operands.data[i].result));
    return h;
  }();
  static constexpr int count = Body::view.output_count;
  struct result_list { meta data[at_least_one(count)]; };
  static constexpr result_list types = [] {
    result_list r{};
    for (int i = 0; i < count; ++i) r.data[i] = Body::view.type(Body::view.outputs[i]);
    return r;
  }();
  static constexpr statement value{id, table_of<ops::call>(), nullptr, 0, types.data, count, operands.data, operand_count,
                                   [] {
                                     std::uint64_t l = 0;
                                     for (int i = 0; i < operand_count; ++i) l |= operands.data[i].from->levels;
                                     return l;
                                   }(),
                                   prefix.text, &Body::view};
  template <int K> struct result_type { static constexpr meta value = types.data[K]; };
};
template <class Record> struct call_definition {
  friend constexpr const statement* definition(site<Record::id>) { return &Record::value; }
};

/// A call of a body, as a source of leaves: leaf<K>() is its result number K.
template <class Body, fixed_string Prefix, class... X> struct call_of {
  using record = call_record<Body, Prefix, pack<X...>>;
  static_assert(sizeof(body_definition<Body>) > 0 && sizeof(call_definition<record>) > 0 && record::value.result_count >= 0);
  template <int K> static constexpr auto leaf() { return expr_of_meta<typename record::template result_type<K>, record::id, K>(); }
};

// ---- tracing
/// Whether a callable captures no expression. Wrappers specialise it for what they wrap.
template <class F> inline constexpr bool is_closed = std::is_empty_v<F>;

/// Formals shaped like a tree of expressions.
template <int Level, class Leaves> struct formals;
template <int Level, class... E> struct formals<Level, pack<E...>> {
  template <int K> static constexpr auto leaf() {
    using Leaf = std::tuple_element_t<K, std::tuple<E...>>;
    return formal<Level, K, Leaf::element>(typename Leaf::shape_type{});
  }
  template <int... I> static constexpr auto all(std::integer_sequence<int, I...>) { return pack<decltype(leaf<I>())...>{}; }
  using types = decltype(all(std::make_integer_sequence<int, sizeof...(E)>{}));
};

/// What f returns for formals shaped like X...; f itself never runs.
template <class F, class At, class Indices, class... X> struct call_result;
template <class F, class At, int... I, class... X> struct call_result<F, At, std::integer_sequence<int, I...>, X...> {
  using type = decltype(std::declval<const F&>()(tree<X>::template rebuild<At, branch<X...>::before(I)>()...));
};
template <class F, class At, class... X> using result_of_call = typename call_result<F, At, std::make_integer_sequence<int, sizeof...(X)>, X...>::type;

template <class R> constexpr std::uint64_t levels_used() {
  return []<class... E>(pack<E...>) { return (std::uint64_t{0} | ... | definition(site<E::id>{})->levels); }(leaves_of<R>{});
}

inline constexpr int probe_level = 63;
/// What a trace gives: the type of the results and the stored graph.
template <class R, class Body> struct traced {
  using result = R;
  using body = Body;
};

template <bool Traceable> constexpr invalid check_traceable() {
  static_assert(Traceable, "this function cannot be traced: call it with expressions, as in [](auto x, auto y) { ... }, with as many parameters as arguments");
  return {};
}
template <bool IsTree> constexpr invalid check_result() {
  static_assert(IsTree, "a traced function returns expressions: one, or a tuple, a state or a class template of them");
  return {};
}
template <mistake M> constexpr void check_program() {
  if constexpr (M != mistake::none) refuse<M, 0, 0>();
}

template <int Level, class F, class... X> constexpr auto trace_at() {
  using At = formals<Level, typename branch<X...>::types>;
  using R = result_of_call<F, At, X...>;
  if constexpr (std::same_as<R, invalid>) return invalid{};
  else if constexpr (!traced_tree<R>) return check_result<traced_tree<R>>();
  else {
    using Body = stored<trace_maker<Level, leaves_of<R>, typename At::types>>;
    check_program<Body::data.problem>();
    if constexpr (Body::data.problem != mistake::none) return invalid{};
    else return traced<R, Body>{};
  }
}
/// The level to trace at: the lowest that nothing reachable from the results uses. A capturing callable is traced once with a probe
/// level to see which ones its captures use.
template <class F, class... X> constexpr auto free_level() {
  if constexpr (is_closed<F>) return std::integral_constant<int, 0>{};
  else {
    using R = result_of_call<F, formals<probe_level, typename branch<X...>::types>, X...>;
    if constexpr (!traced_tree<R> || std::same_as<R, invalid>) return std::integral_constant<int, 0>{};
    else return std::integral_constant<int, std::countr_one(levels_used<R>() & ~(std::uint64_t{1} << probe_level))>{};
  }
}
/// traced<R, Body> of f at arguments of types X (expressions or trees of them), or invalid.
template <class F, class... X> constexpr auto trace() {
  if constexpr (((tree<X>::leaves == 0) || ...)) return invalid{};
  else if constexpr (!requires { typename result_of_call<F, formals<probe_level, typename branch<X...>::types>, X...>; }) return check_traceable<(sizeof...(X) > 1000)>();
  else return trace_at<decltype(free_level<F, X...>())::value, F, X...>();
}
template <class F, class... X> using trace_t = decltype(trace<F, X...>());

// ---- modules
template <class Body, fixed_string Prefix, class R, class... E> constexpr auto call_body(pack<E...>) {
  return tree<R>::template rebuild<call_of<Body, Prefix, E...>, 0>();
}
template <fixed_string Prefix, class F> struct scoped {
  F f;
  template <class... X> constexpr auto operator()(X...) const {
    using T = trace_t<F, X...>;
    if constexpr (std::same_as<T, invalid>) return invalid{};
    else return call_body<typename T::body, Prefix, typename T::result>(typename branch<X...>::types{});
  }
};
template <fixed_string Prefix, class F> inline constexpr bool is_closed<scoped<Prefix, F>> = is_closed<F>;

/// f as a module: one call statement whose body is traced once. Names of its parameters are relative to the prefix:
/// scope<"attn">(f)(x) reads "attn.weight" where f reads "weight".
template <fixed_string Prefix, class F> constexpr auto scope(F f) { return scoped<Prefix, F>{f}; }

template <fixed_string S, int I> constexpr auto numbered() {  // "h" -> "h.11"
  constexpr int digits = I > 99 ? 3 : I > 9 ? 2 : 1;
  fixed_string<sizeof(S.text) + 1 + digits> r;
  std::size_t n = 0;
  for (; S.text[n]; ++n) r.text[n] = S.text[n];
  r.text[n++] = '.';
  for (int p = I > 99 ? 100 : I > 9 ? 10 : 1; p; p /= 10) r.text[n++] = static_cast<char>('0' + I / p % 10);
  return r;
}
/// A fold, so that layers are siblings and not nested instantiations: an error in layer 7 is as deep as one in layer 0.
template <fixed_string S, int I, class F> struct repetition {
  F f;
  template <class X> friend constexpr auto operator>>(X x, repetition l) { return scoped<numbered<S, I>(), F>{l.f}(x); }
};
/// f applied N times, each with its own parameters: repeat<12, "h">(block, x) reads "h.0.weight" to "h.11.weight".
template <int N, fixed_string S, class F, class X> constexpr auto repeat(F f, X x) {
  return [&]<int... I>(std::integer_sequence<int, I...>) { return (x >> ... >> repetition<S, I, F>{f}); }(std::make_integer_sequence<int, N>{});
}

}  // namespace thunder
