#pragma once
/// How a region runs as a loop nest: the passes of fusion/row_plan.hpp, and what the CPU keeps between them.
///
/// Element values are computed a vector at a time. One that a later pass needs is either computed again, if that is cheap, or
/// *kept* in a row of scratch memory.
#include "../../fusion/row_plan.hpp"

namespace thunder::cpu {

/// Scratch rows that fit here stay in the second-level cache.
inline constexpr std::int64_t scratch_limit = 128 * 1024;

/// Chooses what is kept. `row_length`: the number of elements of a row, or -1 if it is known at run time only.
template <int V, int O>
constexpr void keep_in_scratch(row_plan<V, O>& p, std::int64_t row_length) {
  int again[V]{};  // what computing the value once more costs
  for (int v = 0; v < V; ++v) {
    again[v] = p.value[v].cost;
    for (int k = 0; k < p.value[v].operands; ++k) {
      const int x = p.value[v].operand[k];
      if (p.is_element(x)) again[v] += p.keep[x] ? 1 : again[x];
    }
    p.keep[v] = v >= p.inputs && p.is_element(v) && again[v] > 6;
  }
  find_needs(p);
  for (int v = 0; v < V; ++v) {
    bool later = false;
    for (int q = p.ready[v] + 1; q < p.passes; ++q) later = later || p.need[q][v];
    p.keep[v] = p.keep[v] && later;
    p.scratch_slot[v] = p.scratch_bytes;
    if (p.keep[v]) p.scratch_bytes += size_of(p.value[v].type) == 8 ? 8 : 4;
  }
  if (row_length * p.scratch_bytes > scratch_limit) {
    for (bool& k : p.keep) k = false;
    p.scratch_bytes = 0;
  }
  find_needs(p);
}

/// The region's traits, with the plan of the CPU's loops.
template <class Region>
struct region_traits : thunder::region_traits<Region> {
  using base = thunder::region_traits<Region>;
  static constexpr row_plan<base::values, base::outputs> plan = [] {
    auto p = base::plan;
    keep_in_scratch(p, base::row_length);
    return p;
  }();
};

}  // namespace thunder::cpu
