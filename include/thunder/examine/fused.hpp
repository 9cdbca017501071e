#pragma once
/// What printed steps (examine/print_fused.hpp) are made of: an executor's regions and library calls on plain buffers.
#include <initializer_list>

#include "../core/pack.hpp"
#include "../core/shape.hpp"
#include "../executors/step.hpp"
#include "../fusion/region.hpp"

namespace thunder::examine {

/// A buffer with the type of a step's operand: on<float, B, 784>(data, b).
template <class T, auto... D> array on(void* data, const bindings& b) {
  constexpr meta m = make_meta<dtype_of<T>>(shape_t<D...>{});
  array r{data, m.type, m.rank, {}};
  for (int i = 0; i < m.rank; ++i) r.extents[i] = b.extent(m.d[i]);
  return r;
}

/// Runs a region. extents: those of its space that are known at run time.
template <class Region, class Executor> void fused(Executor& e, std::initializer_list<const void*> inputs,
                                                   std::initializer_list<void*> outputs,
                                                   std::initializer_list<std::int64_t> extents = {}) {
  const region_call calls[]{{inputs.begin(), outputs.begin(), extents.begin()}};
  e.run(Region{}, calls);
}

template <std::int64_t... W> struct word_list {
  static constexpr std::int64_t data[sizeof...(W) + 1]{W..., 0};
  static constexpr int count = sizeof...(W);
};
template <std::int64_t... W> constexpr word_list<W...> list_of(words<W...>) { return {}; }
/// Runs one statement by a routine of the executor.
template <class Op, class Words = words<>, class Executor>
void call(Executor& e, std::initializer_list<array> inputs, std::initializer_list<array> outputs) {
  using list = decltype(list_of(Words{}));
  e.run(type_c<Op>{}, step_arguments{inputs.begin(), static_cast<int>(inputs.size()), outputs.begin(),
                                     static_cast<int>(outputs.size()), list::data, list::count});
}

}  // namespace thunder::examine
