#pragma once
/// What the program of one step (examine/repro.hpp) runs.
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "../executors/reference.hpp"
#include "../jit/jit.hpp"
#include "distance.hpp"

namespace thunder::examine {

/// Numbers for the inputs of a step: between -1 and 1, small integers.
inline reference_array step_input(dtype t, std::vector<std::int64_t> extents, std::size_t which) {
  reference_array x(t, std::move(extents));
  for (std::size_t i = 0; i < x.reals.size(); ++i)
    x.reals[i] = rounded_to(t, std::sin(0.7 + 1.3 * static_cast<double>(which) + 1.7 * static_cast<double>(i)));
  for (std::size_t i = 0; i < x.integers.size(); ++i)
    x.integers[i] = static_cast<std::int64_t>((i + which) % (t == dtype::b8 ? 2 : 7));
  return x;
}

/// Runs a step on buffers of its own, and compares what it writes with what `traced` means for the same inputs. inputs, outputs:
/// their slots, as `run(executor, slots, sizes)` has them. Prints a line for each output; 0 if all agree.
template <device Where, class R, class Body, class Run>
int compare_step(traced<R, Body>, std::vector<int> inputs, std::vector<int> outputs, const bindings& sizes, Run run) {
  using executor_type = typename executor_on<Where>::type;
  const graph_view g = Body::view;
  auto extents_of = [&](const meta& m) {
    std::vector<std::int64_t> e;
    for (int d = 0; d < m.rank; ++d) e.push_back(sizes.extent(m.d[d]));
    return e;
  };
  std::vector<meta> formals(inputs.size());
  for (int i = 0; i < g.node_count; ++i)
    if (g.nodes[i].op->id == table_of<ops::formal>()->id)
      formals[static_cast<std::size_t>(g.word(g.nodes[i], 0))] = g.type(g.nodes[i].result);
  std::map<int, std::size_t> bytes;
  std::map<int, std::size_t> first;  // the first input of a slot
  std::vector<reference_array> given;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    const std::size_t which = first.emplace(inputs[k], k).first->second;
    given.push_back(step_input(formals[k].type, extents_of(formals[k]), which));
    bytes[inputs[k]] = static_cast<std::size_t>(given[k].size() * size_of(formals[k].type));
  }
  const std::vector<reference_array> expected = interpret(g, given, {}, {.sizes = sizes});
  for (std::size_t k = 0; k < outputs.size(); ++k)
    bytes[outputs[k]] = std::max(bytes[outputs[k]], static_cast<std::size_t>(expected[k].size() * size_of(expected[k].type)));

  std::vector<storage> memory;
  std::vector<void*> slots;
  std::vector<char> host;
  for (const auto& [slot, n] : bytes) {
    slots.resize(static_cast<std::size_t>(slot) + 1);
    memory.push_back(executor_type::allocate(n));
    slots.back() = memory.back().data();
    host.assign(n, '\x7f');
    if (const auto found = first.find(slot); found != first.end()) from_reference(given[found->second], host.data());
    copy_bytes(slots.back(), Where, host.data(), device::cpu, n);
  }
  executor_type executor;
  run(executor, slots.data(), sizes);
  int wrong = 0;
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    const reference_array& e = expected[k];
    host.resize(static_cast<std::size_t>(e.size() * size_of(e.type)));
    copy_bytes(host.data(), device::cpu, slots[static_cast<std::size_t>(outputs[k])], Where, host.size());
    const reference_array got = to_reference(host.data(), e.type, e.extents.data(), e.rank());
    const array_distance d = distance_of(got, e);
    wrong += !(d.error <= rounding_of(e.type));
    std::printf("output %zu: relative difference %.2g", k, d.error);
    if (d.error > 0)
      std::printf(", element %zu is %.9g and should be %.9g", d.element,
                  e.floating() ? got.reals[d.element] : static_cast<double>(got.integers[d.element]),
                  e.floating() ? e.reals[d.element] : static_cast<double>(e.integers[d.element]));
    std::printf("\n");
  }
  return wrong ? 1 : 0;
}

}  // namespace thunder::examine
