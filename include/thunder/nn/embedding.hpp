#pragma once
/// Embeddings: rows of a trained table.
#include "../ir/trace.hpp"
#include "../ops/index.hpp"
#include "../ops/initial.hpp"

namespace thunder::nn {

/// Deviation 0.02, as in GPT-2.
using small_normal = decltype(initial::normal(0_c, 0.02_c));

template <int Count, int Width, class T, class Table> struct embedding_table {
  // (index: integer [..]) -> T [.., Width]
  template <typed I> constexpr auto operator()(I index) const { return take(param<"weight", T, Count, Width>(Table{}), index); }
};

/// (index: integer [..]) -> [.., Width]: row index[..] of the parameter "Name.weight" [Count, Width], which starts normal with deviation 0.02
/// or as is said: embedding<"wte", 50257, 768>(tokens, initial::normal()). An index outside of the table is clamped into it. The
/// gradient adds up rows in a fixed order, so it is the same in every run.
template <fixed_string Name, int Count, int Width, class T = float, typed I> constexpr auto embedding(I index) {
  return scope<Name>(embedding_table<Count, Width, T, small_normal>{})(index);
}
template <fixed_string Name, int Count, int Width, class T = float, typed I, int R, std::int64_t A, std::int64_t B> constexpr auto embedding(I index, initial_c<R, A, B>) {
  return scope<Name>(embedding_table<Count, Width, T, initial_c<R, A, B>>{})(index);
}

}  // namespace thunder::nn
