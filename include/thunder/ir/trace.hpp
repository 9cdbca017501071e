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
/// Expressions without their types: what is named by these spells numbers out, and no types.
template <class Statements, class Results> struct value_list;
template <class Leaves> struct values_of;
template <dtype... T, class... S, digest... D, int... R> struct values_of<pack<expr<T, S, D, R>...>> {
  using type = value_list<std::integer_sequence<digest, D...>, std::integer_sequence<int, R...>>;
};
template <int Level, digest... D, int... R, digest... In, int... Zero>
struct trace_maker<Level, value_list<std::integer_sequence<digest, D...>, std::integer_sequence<int, R...>>,
                   value_list<std::integer_sequence<digest, In...>, std::integer_sequence<int, Zero...>>> {
  static constexpr int root_count = sizeof...(D);
  static constexpr digest make_key() {  // no lambda: that would be three more names as long as this one
    digest h = mix(51, Level);
    const digest ids[]{D..., digest{52}, In...};  // named: nvcc loses a loop over a braced list
    const int results[]{R..., 0};
    for (std::size_t k = 0; k < sizeof...(D) + 1 + sizeof...(In); ++k) h = mix(h, k < sizeof...(D) && results[k] ? mix(ids[k], static_cast<digest>(results[k])) : ids[k]);
    return h;
  }
  static constexpr digest key = make_key();
  static constexpr statement::operand roots[root_count + 1]{{&statement_of<D>::get, R}..., {nullptr, 0}};
  static constexpr const statement* in[sizeof...(In) + 1]{statement_of<In>::get()..., nullptr};
  static constexpr flattened make() { return flatten(roots, root_count, in, sizeof...(In), Level); }
  static constexpr graph_size guess() {
    const reach r = reach_of(roots, root_count);
    const int n = r.depth * 5 / 2 + 32 + static_cast<int>(sizeof...(In)), names = n + 64 + r.names;
    return {n, n * 2, n * 2 + 64, n * 3 / 2 + root_count, 64, names, names, root_count, 8};
  }
};

// ---- calls
/// Type number T of a body: the results of a call share few types.
template <class Body, int T> struct type_of_body {
  static constexpr const meta& value = Body::view.types[T];
  using layout_type = decltype(layout_of_meta<type_of_body>());
};
/// The types of a body's results, by number: the same for all its calls.
template <class Body> struct result_types {
  static constexpr int count = Body::view.output_count;
  struct type_list { int of[at_least_one(count)]; };
  static constexpr type_list make() {
    type_list r{};
    for (int k = 0; k < count; ++k) r.of[k] = Body::view.values[Body::view.outputs[k]].type;
    return r;
  }
  static constexpr type_list types = make();
};
template <class Body, fixed_string Prefix, class... X> struct call_record : result_types<Body> {
  using result_types<Body>::count;
  static constexpr int lifted = Body::data.size.lifted;
  static constexpr int operand_count = sizeof...(X) + lifted;
  static constexpr auto prefix = Prefix;
  struct operand_list { statement::operand data[operand_count + 1]; };
  static constexpr operand_list make_operands() {  // no lambdas: each would be three more names
    operand_list r{};
    int n = 0;
    ((r.data[n++] = {&statement_of<X::id>::get, X::result}), ...);
    for (int i = 0; i < lifted; ++i) r.data[n++] = Body::data.lifted[i];
    return r;
  }
  static constexpr operand_list operands = make_operands();
  static constexpr digest make_id() {
    digest h = digest_of(Prefix.text, mix(67, Body::key));
    for (int i = 0; i < operand_count; ++i) h = mix(mix(h, operands.data[i].from()->id), static_cast<digest>(operands.data[i].result));
    return h;
  }
  static constexpr digest id = make_id();
  static constexpr statement value{id, table_of<ops::call>(), nullptr, 0, nullptr, count, operands.data, operand_count,
                                   reach_of(operands.data, operand_count, Body::view.parameter_count),
                                   prefix.text, &Body::view};
};

/// A call of a body, as a source of leaves: leaf<K>() is its result number K.
template <class Body, fixed_string Prefix, class... X> struct call_of {
  using record = call_record<Body, Prefix, X...>;
  static_assert(record::value.result_count >= 0 && sizeof(defines<record::id, record>) > 0);
  template <int K> using result = typename type_of_body<Body, record::types.of[K]>::layout_type::template result_of<record::id, K>;
  template <int K> static constexpr result<K> leaf() { return {}; }
};

// ---- tracing
/// Whether a callable captures no expression. Wrappers specialise it for what they wrap.
template <class F> inline constexpr bool is_closed = std::is_empty_v<F>;
template <class F> inline constexpr bool is_closed<const F> = is_closed<F>;

/// The levels of what a type names: an expression's own, those of a class template's arguments together.
template <class X> inline constexpr std::uint64_t levels_named = 0;
template <class X> inline constexpr std::uint64_t levels_named<const X> = levels_named<X>;
template <dtype T, class S, digest D, int R> inline constexpr std::uint64_t levels_named<expr<T, S, D, R>> = definition(expr<T, S, D, R>{})->below.levels;
template <dtype T, class S, int R> inline constexpr std::uint64_t levels_named<expr<T, S, 0, R>> = 0;  // an argument of a program has no record
template <template <class...> class C, class... E> inline constexpr std::uint64_t levels_named<C<E...>> = all_bits({levels_named<E>...});

/// Who traces a callable. Each takes levels from a range of its own: then a second look at what captures something (at another level)
/// leaves the traces inside as they were, and a module has the same trace in a program that trains and in one that tests.
enum class tracer : std::uint8_t { capture, module, derivative, program };
inline constexpr int probe_level = 63;
/// The lowest level of a range that is not used.
constexpr int free_level(tracer who, std::uint64_t used) {
  const int first = 16 * static_cast<int>(who);
  const int level = first + std::countr_one((used | std::uint64_t{1} << probe_level) >> first);
  if (level >= first + 16 || level == probe_level) throw "traces that use each other's expressions are nested at most 15 deep";
  return level;
}

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

/// The parameters of f, traced at a level with arguments of types X...: trees of formals.
template <int Level, class Indices, class... X> struct parameter_pack;
template <int Level, int... I, class... X> struct parameter_pack<Level, std::integer_sequence<int, I...>, X...> {
  using leaves = formals<Level, typename branch<X...>::types>;
  using type = pack<decltype(tree<X>::template rebuild<leaves, branch<X...>::before(I)>())...>;
};
template <int Level, class... X> using parameters_at = typename parameter_pack<Level, std::make_integer_sequence<int, sizeof...(X)>, X...>::type;
/// The level of the first look. What captures nothing needs no second: one that neither its arguments nor its type depend on will do. (The
/// type of a function object without members may name expressions: template <class X> struct scaled { ... return X{} * y; }.)
template <tracer Who, class F, class... X>
inline constexpr int first_level = is_closed<F> ? free_level(Who, levels_named<F> | levels_named<typename branch<X...>::types>) : probe_level;
template <tracer Who, class F, class... X> using parameters = parameters_at<first_level<Who, F, X...>, X...>;

/// What a function returns that does not take such arguments.
struct no_match {};
template <class F> struct callee : F {
  using F::operator();
  no_match operator()(...) const;
};
/// T itself. nvcc writes a type that it got from `decltype` as that expression wherever host code names the type, and f may be a lambda
/// whose type has no name there; a type that a pattern has matched is written out.
template <class T> struct plain { using type = T; };
template <template <class...> class C, class... E> struct plain<C<E...>> { using type = C<E...>; };
template <dtype T, class S, digest D, int K> struct plain<expr<T, S, D, K>> { using type = expr<T, S, D, K>; };
/// What f returns; f itself never runs. Front-end functions ask for it in their own bodies, not through others: each level is a line
/// of an error inside f.
template <class F, class Parameters> struct outcome { using type = no_match; };
template <class F, class... P> requires(std::is_class_v<F> && !(is_broken<P> || ...)) struct outcome<F, pack<P...>> {
  using type = typename plain<decltype(std::declval<const callee<F>&>()(std::declval<P>()...))>::type;
};

template <class R> constexpr std::uint64_t levels_used() {
  return []<class... E>(pack<E...>) {
    std::uint64_t levels = 0;
    const statement::getter used[]{&statement_of<E::id>::get..., nullptr};
    for (std::size_t k = 0; k < sizeof...(E); ++k)
      if (k == 0 || used[k] != used[k - 1]) levels |= used[k]()->below.levels;
    return levels;
  }(leaves_of<R>{});
}

/// What a trace gives: the type of the results and the stored graph.
template <class R, class Body> struct traced {
  using result = R;
  using body = Body;
  static constexpr graph_view view() { return Body::view; }
};
template <int Level, class R, class... X> constexpr auto store_trace() {
  using In = typename formals<Level, typename branch<X...>::types>::types;
  using Body = stored_body<trace_maker<Level, typename values_of<leaves_of<R>>::type, typename values_of<In>::type>>;
  if constexpr (Body::data.problem != mistake::none) return make<refused<Body::data.problem, 0>>();
  else return traced<R, Body>{};
}
/// traced<R, Body> from R = outcome<F, parameters<Who, F, X...>>, or invalid. What captures something is traced again, at the lowest level
/// that nothing reachable from the results uses.
template <tracer Who, class R, class F, class... X> constexpr auto trace_of() {
  if constexpr ((is_broken<R> || ... || is_broken<X>)) return invalid{};
  else if constexpr (std::is_same<R, no_match>::value) return make<refused<mistake::not_traceable, sizeof...(X)>>();
  else if constexpr (!traced_tree<R>) return make<refused<mistake::no_expression, sizeof...(X)>>();
  else if constexpr (is_closed<F>) return store_trace<first_level<Who, F, X...>, R, X...>();
  else {
    constexpr int level = free_level(tracer::capture, levels_used<R>());
    return store_trace<level, typename outcome<F, parameters_at<level, X...>>::type, X...>();
  }
}
/// traced<R, Body> of f at arguments of types X (expressions or trees of them), or invalid.
template <class F, class... X> constexpr auto trace() {
  using R = typename outcome<F, parameters<tracer::program, F, X...>>::type;
  return trace_of<tracer::program, R, F, X...>();
}
template <class F, class... X> using trace_t = decltype(trace<F, X...>());
/// The trace of f, to look at or to print (ir/print.hpp): trace(f, param<"x", float, 4, 8>()). No program is made.
template <class F, class... X> requires(traced_tree<X> && ...) constexpr auto trace(F, X...) { return trace<F, X...>(); }

// ---- modules
template <class Body, fixed_string Prefix, class R, class... E> constexpr auto call_body(pack<E...>) {
  return tree<R>::template rebuild<call_of<Body, Prefix, E...>, 0>();
}
/// The call of a module that returns R.
template <fixed_string Prefix, class R, class F, class... X> constexpr auto call_module() {
  using T = decltype(trace_of<tracer::module, R, F, X...>());
  if constexpr (is_invalid<T>) return invalid{};
  else return call_body<typename T::body, Prefix, typename T::result>(typename branch<X...>::types{});
}
template <fixed_string Prefix, class F> struct scoped {
  F f;
  template <class... X> constexpr auto operator()(X...) const {
    using R = typename outcome<F, parameters<tracer::module, F, X...>>::type;
    return call_module<Prefix, R, F, X...>();
  }
};
template <fixed_string Prefix, class F> inline constexpr bool is_closed<scoped<Prefix, F>> = is_closed<F>;
template <fixed_string Prefix, class F> inline constexpr std::uint64_t levels_named<scoped<Prefix, F>> = levels_named<F>;

/// f as a module: one call statement whose body is traced once. Names of its parameters are relative to the prefix:
/// scope<"attn">(f)(x) reads "attn.weight" where f reads "weight".
template <fixed_string Prefix, class F> constexpr auto scope(F f) { return scoped<Prefix, F>{f}; }

template <fixed_string S, int I> constexpr auto numbered() {  // "h" -> "h.11"
  constexpr int digits = [] {
    int n = 1;
    for (int i = I; i > 9; i /= 10) ++n;
    return n;
  }();
  fixed_string<sizeof(S.text) + 1 + digits> r;
  std::size_t n = 0;
  for (; S.text[n]; ++n) r.text[n] = S.text[n];
  r.text[n++] = '.';
  for (int k = digits, i = I; k-- > 0; i /= 10) r.text[n + static_cast<std::size_t>(k)] = static_cast<char>('0' + i % 10);
  return r;
}
/// A fold, so that layers are siblings and not nested instantiations: an error in layer 7 is as deep as one in layer 0.
template <fixed_string S, int I, class F> struct repetition {
  F f;
  template <class X> friend constexpr auto operator>>(X, repetition) {
    if constexpr (is_broken<X>) return invalid{};
    else {
      using R = decltype(std::declval<const callee<F>&>()(tree<X>::template rebuild<formals<first_level<tracer::module, F, X>, leaves_of<X>>, 0>()));
      return call_module<numbered<S, I>(), R, F, X>();
    }
  }
};
template <class Name, int First, class Indices> struct repeat_function;
template <class Name, int First, int... I> struct repeat_function<Name, First, std::integer_sequence<int, I...>> {
  template <class F, class X> constexpr auto operator()(F f, X x) const { return (x >> ... >> repetition<Name::stored, First + I, F>{f}); }
};
/// clang nests a fold 256 deep at most: so many repetitions at a time.
inline constexpr int repeats_at_once = 128;
template <class Name, int First, int Count, class F> struct repeat_part {
  F f;
  template <class X> friend constexpr auto operator>>(X x, repeat_part p) {
    return repeat_function<Name, First, std::make_integer_sequence<int, Count>>{}(p.f, x);
  }
};
template <class Name, int N, class Parts> struct long_repeat_function;
template <class Name, int N, int... K> struct long_repeat_function<Name, N, std::integer_sequence<int, K...>> {
  static constexpr int count(int first) { return N - first < repeats_at_once ? N - first : repeats_at_once; }
  template <class F, class X> constexpr auto operator()(F f, X x) const {
    return (x >> ... >> repeat_part<Name, repeats_at_once * K, count(repeats_at_once * K), F>{f});
  }
};
template <int N, fixed_string S> constexpr auto choose_repeat() {
  using parts = std::make_integer_sequence<int, (N + repeats_at_once - 1) / repeats_at_once>;
  if constexpr (N > repeats_at_once) return long_repeat_function<literal_name<S>, N, parts>{};
  else return repeat_function<literal_name<S>, 0, std::make_integer_sequence<int, N>>{};
}
/// f applied N times, each with its own parameters: repeat<12, "h">(block, x) reads "h.0.weight" to "h.11.weight".
template <int N, fixed_string S> inline constexpr auto repeat = choose_repeat<N, S>();

}  // namespace thunder
