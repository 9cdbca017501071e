#pragma once
/// Mixed precision: products and attention in a half type, everything else as it was.
#include "grad.hpp"

namespace thunder {

/// A body and what stands for it.
struct replaced_body {
  digest of;
  const graph_view* by;
};

/// Gives a half type to the float operands of every op that says so (op_base::autocast), and float to its results. No other value
/// changes its type: not parameters, arguments or results, nor what calls take and give. So the body of a call is treated by itself, and
/// casts that meet when it is inlined cancel.
constexpr graph autocast(const graph_view& v, dtype half, const replaced_body* callees, int callee_count, provenance* notes = nullptr) {
  graph g;
  g.notes = notes;
  graph::import_maps map = g.begin(v);
  list<int> x, types;
  for (int i = 0; i < v.node_count; ++i) {
    if (notes) notes->at = i;
    const node& n = v.nodes[i];
    bool lowered = n.op->autocast != 0;
    for (int k = 0; k < n.operands; ++k) lowered = lowered && (!(n.op->autocast >> k & 1) || v.type(v.operand(n, k)).type == dtype::f32);
    if (!lowered && !n.body) {
      g.import(v, n, map);
      continue;
    }
    x.clear(), types.clear();
    for (int k = 0; k < n.operands; ++k) x.push(map.values[v.operand(n, k)]);
    if (n.body) {
      for (int k = 0; k < n.results; ++k) types.push(g.import_type(v, map, v.values[n.result + k].type));
      const graph_view* by = n.body;
      for (int k = 0; k < callee_count; ++k)
        if (callees[k].of == n.body->id) by = callees[k].by;
      const int name = g.import_name(v, map, n.name, name_info::root);
      const int first = g.put(n.op, v.words + n.word, n.words, x.data(), n.operands, types.data(), n.results, name, by);
      for (int k = 0; k < n.results; ++k) map.values[n.result + k] = first + k;
    } else {
      for (int k = 0; k < n.operands; ++k)
        if (n.op->autocast >> k & 1) x[k] = cast_to(value{&g, x[k]}, half).id;
      const int first = g.emit(n.op, v.words + n.word, n.words, x.data(), n.operands, n.op->has_target ? &v.type(n.result) : nullptr);
      for (int k = 0; k < n.results; ++k) map.values[n.result + k] = cast_to(value{&g, first + k}, v.type(n.result + k).type).id;
    }
  }
  g.finish(v, map);
  return g;
}

/// The autocast form of a body as a stored graph.
template <class Body, dtype Half> struct autocast_maker {
  static constexpr digest key = mix(mix(59, Body::key), static_cast<digest>(Half));
  static constexpr callee_list callees = callees_of(Body::view);
  template <int... K> static constexpr flattened make_with(std::integer_sequence<int, K...>, provenance* notes) {
    constexpr replaced_body by[sizeof...(K) + 1]{{callees.ids[K], &stored_body<autocast_maker<body<callees.ids[K]>, Half>>::view}..., {0, nullptr}};
    flattened r{autocast(Body::view, Half, by, sizeof...(K), notes), {}};
    verified(r.g);
    for (int i = 0; i < Body::data.size.lifted; ++i) r.lifted.push(Body::data.lifted[i]);
    return r;
  }
  static constexpr flattened make(provenance* notes = nullptr) { return make_with(std::make_integer_sequence<int, callees.count>{}, notes); }
  static constexpr graph_size guess() {  // a product becomes four statements
    graph_size s = Body::data.size;
    s.nodes = s.nodes * 3 + 32, s.operands = s.operands * 3 + 32, s.words = s.words * 3 + 32, s.values = s.values * 3 + 32, s.types = s.types * 2 + 8;
    return s;
  }
};

template <dtype Half, class F> struct autocast_function {
  F f;

  template <class... X> requires(traced_tree<X> && ...) constexpr auto operator()(X...) const {
    using R = typename outcome<F, parameters<tracer::derivative, F, X...>>::type;
    using T = decltype(trace_of<tracer::derivative, R, F, X...>());
    if constexpr (is_invalid<T>) return invalid{};
    else return call_body<stored_body<autocast_maker<typename T::body, Half>>, "", typename T::result>(typename branch<X...>::types{});
  }

  /// On tensors: compiled once for each list of argument types (jit/jit.hpp).
  template <class... A> requires(!(traced_tree<std::remove_cvref_t<A>> && ...)) auto operator()(A&&... arguments) const {
    return call_on_tensors(*this, static_cast<A&&>(arguments)...);
  }
};
template <dtype H, class F> inline constexpr bool is_closed<autocast_function<H, F>> = is_closed<F>;
template <dtype H, class F> inline constexpr std::uint64_t levels_named<autocast_function<H, F>> = levels_named<F>;

/// f in mixed precision: float products (matmul, and so linear layers) and attention take operands of type Half, bf16 or f16, accumulate
/// in float and give Half; all other statements compute in float. Parameters, arguments and results, gradients among them, keep their
/// types. Applies to a model, to a loss before or after `grad`, or to a whole training step; where two meet, the inner one counts.
///
///     auto [value, gradients] = value_and_grad(autocast<bf16>(loss), wrt_parameters)(x, y);
template <class Half, class F> constexpr auto autocast(F f) {
  static_assert(std::is_same_v<Half, bf16> || std::is_same_v<Half, f16>, "autocast<T>(f): T is thunder::bf16 or thunder::f16");
  return autocast_function<dtype_of<Half>, F>{f};
}

}  // namespace thunder
