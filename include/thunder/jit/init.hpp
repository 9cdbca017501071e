#pragma once
/// The state that a program starts from.
#include "../ir/print.hpp"
#include "../runtime/initialise.hpp"
#include "jit.hpp"

namespace thunder {

/// Parameters and buffers of a graph, each filled as its leaf says, from a key. A parameter's numbers depend on the key and its name
/// alone. Throws shape_error if a parameter has a named dimension that `b` does not bind.
inline state init(const graph_view& g, std::int64_t key, const bindings& b = {}) {
  state s;
  for (int k = 0; k < g.parameter_count; ++k) {
    const parameter_info& p = g.parameters[k];
    const meta& m = g.types[p.type];
    const std::string name = print_name(g, p.name);
    std::int64_t extents[max_rank]{};
    for (int i = 0; i < m.rank; ++i) {
      extents[i] = b.extent(m.d[i]);
      if (extents[i] < 0) throw_error<shape_error>({"init: the parameter '", name, "' has the dimension '", spelled(m.d[i]).text, "', whose size is not known"});
    }
    any_tensor x(m.type, {extents, static_cast<std::size_t>(m.rank)});
    const auto rule = static_cast<initialiser::rule>(p.words[1]);
    const bool fan = rule == initialiser::fan_in_uniform;
    const initialiser how{rule, static_cast<float>(std::bit_cast<double>(p.words[2])), fan ? 0.0f : static_cast<float>(std::bit_cast<double>(p.words[3]))};
    const std::int64_t rows = m.rank >= 2 ? extents[m.rank - 2] : m.rank == 1 ? extents[0] : 1, columns = m.rank >= 1 ? extents[m.rank - 1] : 1;
    fill(x, how, fan && p.words[3] ? p.words[3] : rows, columns, parameter_key(static_cast<std::uint64_t>(key), name));
    s.insert(name, std::move(x));
  }
  return s;
}
/// init(step, key, arguments...): the state of a jitted program for arguments of these types, on the program's device.
template <class F, class E, non_finite P, fuel Fuel, class... A> state init(const jitted<F, E, P, Fuel>&, std::int64_t key, const A&... arguments) {
  using program = decltype(jitted<F, E, P, Fuel>::lower(arguments...));
  if constexpr (is_invalid<program>) return {};
  else {
    bindings b;
    auto visit = [&](const auto&, const auto&, const auto& shape, device) { shape.bind(b, "an argument of init"); };
    auto bind = [&](const auto& x) {
      using X = argument_of<decltype(x)>;
      if constexpr (requires { X::each(x, visit); }) X::each(x, visit);  // a spec has no sizes, a state is no argument
    };
    (bind(arguments), ...);
    state s = init(program::graph, key, b);
    return E::where == device::cpu ? std::move(s) : s.to(E::where);
  }
}

}  // namespace thunder
