#pragma once
/// grad and value_and_grad as functions of functions: callable on expressions inside a trace, and on tensors through jit.
#include "../ir/trace.hpp"
#include "../ir/verify.hpp"
#include "vjp.hpp"

namespace thunder {

// ---- a body without the composites that have no rule
template <class Body> struct decomposed_maker {
  static constexpr digest key = mix(57, Body::key);
  static constexpr flattened make(provenance* notes = nullptr) {
    flattened r{decompose(Body::view, lacks_vjp, notes), {}};
    verified(r.g);
    for (int i = 0; i < Body::data.size.lifted; ++i) r.lifted.push(Body::data.lifted[i]);
    return r;
  }
  static constexpr graph_size guess() {
    graph_size s = Body::data.size;
    s.nodes = s.nodes * 3 + 32, s.operands = s.operands * 3 + 48, s.words = s.words * 3 + 64, s.values = s.values * 3 + 32, s.types = s.types + 16;
    return s;
  }
};
constexpr bool any_lacks_vjp(const graph_view& v) {
  for (int i = 0; i < v.node_count; ++i)
    if (lacks_vjp(*v.nodes[i].op)) return true;
  return false;
}
template <class Body, bool Needed = any_lacks_vjp(Body::view)> struct differentiable { using type = Body; };
template <class Body> struct differentiable<Body, true> { using type = stored_body<decomposed_maker<Body>>; };

// ---- the rules of a body's ops
inline constexpr int max_ops = 128;
struct op_list {
  digest ids[max_ops]{};
  int count = 0;
};
constexpr op_list ops_of(const graph_view& v) {
  op_list r;
  digest_table seen;
  for (int i = 0; i < v.node_count; ++i) {
    const op_info& op = *v.nodes[i].op;
    if (!op.has_vjp || seen.find(op.id) >= 0) continue;
    if (r.count == max_ops) throw "a trace uses at most 128 different ops";
    seen.add(op.id, 0);
    r.ids[r.count++] = op.id;
  }
  return r;
}

// ---- the callees of a body, as types
inline constexpr int max_callees = 64;
struct callee_list {
  digest ids[max_callees]{};
  int count = 0;
};
constexpr callee_list callees_of(const graph_view& v) {
  callee_list r;
  for (int i = 0; i < v.node_count; ++i) {
    if (!v.nodes[i].body) continue;
    bool known = false;
    for (int k = 0; k < r.count; ++k) known = known || r.ids[k] == v.nodes[i].body->id;
    if (known) continue;
    if (r.count == max_callees) throw "a trace calls at most 64 different modules";
    r.ids[r.count++] = v.nodes[i].body->id;
  }
  return r;
}

/// The VJP of a body as a stored graph. Formals: a mask of those whose cotangents are results.
template <class Body, std::uint64_t Formals, bool Parameters, bool Seeded, bool Keep> struct vjp_maker;
constexpr std::uint64_t floating_formals(const graph_view& v) {
  std::uint64_t mask = 0;
  for (int i = 0; i < v.node_count; ++i)
    if (v.nodes[i].op->id == table_of<ops::formal>()->id && v.word(v.nodes[i], 0) < 64 && is_floating(v.type(v.nodes[i].result).type))
      mask |= std::uint64_t{1} << v.word(v.nodes[i], 0);
  return mask;
}
template <class Body> using derivative_of = stored_body<vjp_maker<Body, floating_formals(Body::view), true, true, false>>;
template <class Body> constexpr derived_body derive() {
  static_assert(Body::view.input_count <= 64, "a module that is differentiated takes at most 64 expressions: read the others as parameters");
  static_assert(derivative_of<Body>::view.node_count >= 0);  // evaluated here
  return {Body::key, &derivative_of<Body>::view};
}

template <class Body, std::uint64_t Formals, bool Parameters, bool Seeded, bool Keep> struct vjp_maker {
  static constexpr digest key = mix(mix(mix(53, Body::key), Formals), Parameters * 4 + Seeded * 2 + Keep);
  static constexpr callee_list callees = callees_of(Body::view);
  using source = typename differentiable<Body>::type;
  static constexpr op_list ops = ops_of(source::view);
  template <int... K, int... R> static constexpr flattened make_with(std::integer_sequence<int, K...>, std::integer_sequence<int, R...>, provenance* notes) {
    constexpr const vjp_rule* rules = rule_table<pack<op_struct<ops.ids[R]>...>>::data;
    constexpr derived_body derived[sizeof...(K) + 1]{derive<body<callees.ids[K]>>()..., derived_body{0, nullptr}};
    flattened r;
    r.g = vjp(source::view, {Seeded, Keep, Formals, Parameters, rules, sizeof...(R), derived, sizeof...(K), notes});
    verified(r.g);
    for (int i = 0; i < Body::data.size.lifted; ++i) r.lifted.push(Body::data.lifted[i]);
    return r;
  }
  static constexpr flattened make(provenance* notes = nullptr) {
    return make_with(std::make_integer_sequence<int, callees.count>{}, std::make_integer_sequence<int, ops.count>{}, notes);
  }
  static constexpr graph_size guess() {
    const graph_size& s = source::data.size;
    return {s.nodes * 6 + 64, s.operands * 8 + 96, s.words * 8 + 256, s.values * 6 + 64 + 2 * s.parameters, s.types * 2 + 16, s.names * 2 + s.parameters + 8, s.parameters,
            s.outputs + s.parameters + Body::view.input_count, s.lifted};
  }
};

// ---- what to differentiate by
template <int... I> struct wrt_c {};
/// grad(f, wrt<0, 2>): by these arguments.
template <int... I> inline constexpr wrt_c<I...> wrt{};
struct parameters_c {};
/// grad(f, wrt_parameters): by all trainable parameters that f reads; the result is a `named<...>`, keyed by their names.
inline constexpr parameters_c wrt_parameters{};

/// The full name of a body's parameter number K.
template <class Body, int K> struct parameter_name {
  static constexpr parameter_info info = Body::view.parameters[K];
  static constexpr digest hash = Body::view.names[info.name].hash;

 private:
  struct buffer { char text[96]{}; };
  static constexpr buffer spell() {
    list<const char*> parts;
    for (int i = info.name; i >= 0; i = Body::view.names[i].parent) parts.push(Body::view.names[i].text);
    buffer r;
    int n = 0;
    for (int p = parts.size(); p-- > 0;) {
      for (const char* s = parts[p]; *s; ++s) {
        if (n == 95) throw "a parameter's full name has at most 95 letters";
        r.text[n++] = *s;
      }
      if (p > 0) r.text[n++] = '.';
    }
    return r;
  }
  static constexpr buffer stored_text = spell();

 public:
  static constexpr const char* text = stored_text.text;
  static constexpr meta value = Body::view.types[info.type];
};
template <int N> struct trainable_list {
  int index[N]{};
  int count = 0;
};
template <class Body> inline constexpr auto trainable = [] {
  trainable_list<at_least_one(Body::view.parameter_count)> r;
  for (int k = 0; k < Body::view.parameter_count; ++k)
    if (is_trainable(Body::view.parameters[k], Body::view)) r.index[r.count++] = k;
  return r;
}();

/// What is wrong with R as the result of a loss, whose first leaf is a floating-point number.
template <class R> constexpr mistake mistake_of_loss() {
  if constexpr (tree<R>::leaves < 1) return mistake::not_scalar;
  else
    return []<class E, class... Rest>(pack<E, Rest...>) {
      return E::rank != 0 ? mistake::not_scalar : is_floating(E::element) ? mistake::none : mistake::needs_floating;
    }(leaves_of<R>{});
}

/// Leaves First + K of a call.
template <class Call, int First> struct shifted {
  template <int K> static constexpr auto leaf() { return Call::template leaf<First + K>(); }
};
template <class Body, class Call, int First, int... K> constexpr auto named_gradients(std::integer_sequence<int, K...>) {
  return named<entry<parameter_name<Body, trainable<Body>.index[K]>, typename Call::template result<First + K>>...>{};
}

template <class F, class Wrt, bool Value> struct grad_function {
  F f;

  template <class... X> requires(traced_tree<X> && ...) constexpr auto operator()(X...) const {
    using R = typename outcome<F, parameters<tracer::derivative, F, X...>>::type;
    using T = decltype(trace_of<tracer::derivative, R, F, X...>());
    if constexpr (is_invalid<T>) return nothing(Wrt{});
    else if constexpr (constexpr mistake wrong = mistake_of_loss<R>(); wrong != mistake::none) {
      make<refused<wrong, tree<R>::leaves>>();
      return nothing(Wrt{});
    } else if constexpr (constexpr mistake m = mistake_of<typename T::body, X...>(Wrt{}); m != mistake::none) {
      make<refused<m, sizeof...(X)>>();
      return nothing(Wrt{});
    } else return differentiate<typename T::body, typename T::result, X...>(Wrt{});
  }

  /// On tensors: compiled once for each list of argument types (jit/jit.hpp).
  template <class... A> requires(!(traced_tree<std::remove_cvref_t<A>> && ...)) auto operator()(A&&... arguments) const {
    return call_on_tensors(*this, static_cast<A&&>(arguments)...);
  }

 private:
  template <class Body, std::uint64_t Mask, bool Parameters, class E> struct call_maker;
  template <class Body, std::uint64_t Mask, bool Parameters, class... E> struct call_maker<Body, Mask, Parameters, pack<E...>> {
    using type = call_of<stored_body<vjp_maker<Body, Mask, Parameters, false, Value>>, "", E...>;
  };
  // By types alone: each function that took g, as std::pair's constructors do, would spell all its names.
  template <class R, class Call, class G> static constexpr auto with_value() {
    if constexpr (Value) return std::pair<decltype(tree<R>::template rebuild<Call, 0>()), G>{};
    else return G{};
  }
  template <class Body, class R, class... X> static constexpr auto differentiate(parameters_c) {
    using Call = typename call_maker<Body, 0, true, typename branch<X...>::types>::type;
    return with_value<R, Call, decltype(named_gradients<Body, Call, Value ? tree<R>::leaves : 0>(std::make_integer_sequence<int, trainable<Body>.count>{}))>();
  }
  template <class... X> static constexpr std::uint64_t mask_of(int argument) {
    std::uint64_t mask = 0;
    for (int k = branch<X...>::before(argument); k < branch<X...>::before(argument + 1); ++k) mask |= k < 64 ? std::uint64_t{1} << k : 0;
    return mask;
  }
  template <class Body, class... X> static constexpr mistake mistake_of(parameters_c) { return mistake::none; }
  template <class Body, class... X, int... I> static constexpr mistake mistake_of(wrt_c<I...>) {
    if (sizeof...(I) == 0) return mistake::wrt_empty;
    int last = -1;
    const int list[]{I..., 0};
    for (int k = 0; k < int(sizeof...(I)); ++k) {
      const int i = list[k];
      if (i < 0 || i >= int(sizeof...(X))) return mistake::wrt_missing;
      if (i <= last) return mistake::wrt_order;
      if (branch<X...>::before(i + 1) > 64) return mistake::wrt_limit;
      if ((mask_of<X...>(i) & ~floating_formals(Body::view)) != 0) return mistake::wrt_integer;
      last = i;
    }
    return mistake::none;
  }
  /// After a mistake: as many parts as the gradient would have.
  template <class W> static constexpr auto nothing(W) { return invalid{}; }
  template <int... I> requires(!Value && sizeof...(I) > 2) static constexpr auto nothing(wrt_c<I...>) { return std::tuple{(static_cast<void>(I), invalid{})...}; }
  template <class Call, int First, class X> static constexpr auto gradient_tree() { return tree<X>::template rebuild<shifted<Call, First>, 0>(); }
  template <class Body, class R, class... X, int... I> static constexpr auto differentiate(wrt_c<I...>) {
    constexpr std::uint64_t mask = (mask_of<X...>(I) | ...);
    using Call = typename call_maker<Body, mask, false, typename branch<X...>::types>::type;
    constexpr int first = Value ? tree<R>::leaves : 0;
    constexpr auto offset = [](int argument) { return first + std::popcount(mask & ((std::uint64_t{1} << branch<X...>::before(argument)) - 1)); };
    if constexpr (sizeof...(I) == 1) return with_value<R, Call, decltype(gradient_tree<Call, first, std::tuple_element_t<I, std::tuple<X...>>...>())>();
    else return with_value<R, Call, std::tuple<decltype(gradient_tree<Call, offset(I), std::tuple_element_t<I, std::tuple<X...>>>())...>>();
  }
};
template <class F, class W, bool V> inline constexpr bool is_closed<grad_function<F, W, V>> = is_closed<F>;
template <class F, class W, bool V> inline constexpr std::uint64_t levels_named<grad_function<F, W, V>> = levels_named<F>;

/// The gradient of a scalar function by its first argument, by some arguments (wrt<0, 1>), or by all trainable parameters
/// that it reads (wrt_parameters). f returns a floating-point expression of rank 0, or a tree whose first leaf is one.
template <class F, class Wrt = wrt_c<0>> constexpr auto grad(F f, Wrt = {}) { return grad_function<F, Wrt, false>{f}; }
/// A pair: what f returns, and the gradient.
template <class F, class Wrt = wrt_c<0>> constexpr auto value_and_grad(F f, Wrt = {}) { return grad_function<F, Wrt, true>{f}; }

}  // namespace thunder
