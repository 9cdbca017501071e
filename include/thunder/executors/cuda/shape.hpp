#pragma once
/// How a region becomes a kernel, decided by constexpr functions on values: how many elements an access moves, how many threads share a
/// row, and whether the row stays in their registers.
///
/// A *direct* kernel gives each row to one group of threads of a grid that covers the rows. A *persistent* one has as many blocks as the
/// device holds at once, each of which walks over many rows and adds up column reductions as it goes. A *pointwise* one has no rows:
/// every thread takes a few vectors anywhere in the iteration space.
#include "../cpu/plan.hpp"
#include "portable.hpp"

namespace thunder::cuda {

using cpu::output_facts;
using cpu::region_traits;
using cpu::role;
using cpu::row_plan;
using cpu::value_facts;

/// The kept outer dimensions of a column reduction: blocks that work for the same result.
template <class Plan> constexpr unsigned kept_mask(const Plan& p, int v) { return p.value[v].mask & ~p.row; }

/// Column reductions that keep different outer dimensions are launches of their own; part 0 has everything else, and those of the first kind.
template <class Region> struct parts_of {
  static constexpr auto& plan = region_traits<Region>::plan;
  static constexpr int most = region_traits<Region>::outputs;
  struct list {
    unsigned kept[most]{};
    int count = 0;
  };
  static constexpr list all = [] {
    list l;
    for (int o = 0; o < region_traits<Region>::outputs; ++o) {
      if (!plan.is_column(plan.output[o].value)) continue;
      const unsigned k = kept_mask(plan, plan.output[o].value);
      bool known = false;
      for (int i = 0; i < l.count; ++i) known = known || l.kept[i] == k;
      if (!known) l.kept[l.count++] = k;
    }
    return l;
  }();
  static constexpr int count = all.count > 1 ? all.count : 1;
};

/// The plan of one part: nothing is kept in memory between passes, because computing again is cheaper than shared memory.
template <class Region, int Part> constexpr auto plan_of_part() {
  auto p = region_traits<Region>::plan;
  for (bool& k : p.keep) k = false;
  p.scratch_bytes = 0;
  for (int o = 0; o < region_traits<Region>::outputs; ++o) {
    const int v = p.output[o].value;
    const bool column = region_traits<Region>::plan.is_column(v);
    const bool here = column ? kept_mask(p, v) == parts_of<Region>::all.kept[Part] : Part == 0;
    if (here) continue;
    p.output[o].value = -1, p.output[o].mask = 0;
  }
  for (int v = 0; v < region_traits<Region>::values; ++v) {  // column reductions of other parts are not computed
    if (!p.is_column(v)) continue;
    bool used = false;
    for (const auto& o : p.output) used = used || o.value == v;
    if (!used) p.value[v].kind = role::constant, p.value[v].operands = 0, p.value[v].removed = 0;
  }
  return p;
}

/// What `find_needs` asks of outputs, for those that this part has.
template <class Plan> constexpr void find_needs_of_part(Plan& p) {
  for (auto& row : p.need)
    for (bool& n : row) n = false;
  const int values = static_cast<int>(sizeof(p.value) / sizeof(p.value[0]));
  for (int q = 0; q < p.passes; ++q) {
    bool* need = p.need[q];
    for (int v = 0; v < values; ++v)
      if (p.accumulates(q, v) && p.is_element(p.value[v].operand[0])) need[p.value[v].operand[0]] = true;
    for (const auto& o : p.output)
      if (o.value >= 0 && (o.mask & p.row) && !p.is_column(o.value) && p.ready[o.value] == q && p.is_element(o.value)) need[o.value] = true;
    for (int v = values; v-- > 0;)
      if (need[v] && v >= p.inputs)
        for (int k = 0; k < p.value[v].operands; ++k)
          if (p.is_element(p.value[v].operand[k])) need[p.value[v].operand[k]] = true;
  }
}

struct kernel_shape {
  bool pointwise = false, persistent = false;
  int vector = 1;           // elements of one access
  int group = 1;            // threads that share a row
  int groups = 1;           // rows that a block works on at once
  int vectors = 1;          // of a row that a thread holds; 0: the row is read again in each pass
  int unroll = 1;           // pointwise: vectors a thread has in flight
  bool hold_columns = false;  // what varies along the row alone stays in registers
  int blocks = 1;           // an SM should hold at least so many
  constexpr int threads() const { return group * groups; }
};

constexpr int power_of_two_at_least(std::int64_t n) {
  int p = 1;
  while (p < n) p *= 2;
  return p;
}

/// row: the row's length, or -1 if it is known at run time only.
template <class Plan> constexpr kernel_shape choose_shape(const Plan& p, std::int64_t row) {
  const int values = static_cast<int>(sizeof(p.value) / sizeof(p.value[0]));
  kernel_shape s;
  bool reduces = false;
  int narrowest = 8, inputs = 0, input_bytes = 0, column_bytes = 0, accumulators = 0, accumulator_bytes = 0, outputs = 0;
  for (int v = 0; v < values; ++v) reduces = reduces || p.is_reduction(v);
  auto used = [&](int v) {
    for (int q = 0; q < p.passes; ++q)
      if (p.need[q][v]) return true;
    return false;
  };
  for (int v = 0; v < p.inputs; ++v)
    if (p.is_element(v) && used(v)) {
      const int n = size_of(p.value[v].type);
      narrowest = n < narrowest ? n : narrowest;
      if (p.value[v].mask == p.row && p.dims > 1) column_bytes += n;
      else ++inputs, input_bytes += n;
    }
  for (const auto& o : p.output)
    if (o.value >= 0 && (o.mask & p.row) && !p.is_column(o.value)) {
      const int n = size_of(o.type);
      narrowest = n < narrowest ? n : narrowest;
      ++outputs;
    }
  for (int v = 0; v < values; ++v)
    if (p.is_column(v) && (p.value[v].mask & p.row)) ++accumulators, accumulator_bytes += size_of(p.value[v].type) == 8 ? 8 : 4;
  for (int v = 0; v < values; ++v) s.persistent = s.persistent || p.is_column(v);
  s.pointwise = !reduces;
  s.vector = 16 / narrowest > 8 ? 8 : 16 / narrowest;
  const bool flat = s.pointwise && p.dims == 1;  // the last vector may be partial
  if (!flat)
    while (s.vector > 1 && (row < 0 || row % s.vector != 0)) s.vector /= 2;
  if (s.pointwise) {
    const int bytes = (input_bytes > 0 ? input_bytes : 4) * s.vector;
    s.group = 256, s.vectors = 0;
    s.unroll = bytes >= 64 ? 1 : bytes >= 32 ? 2 : 4;
    return s;
  }
  const std::int64_t n = row < 0 ? -1 : row / s.vector;  // vectors of a row
  if (n >= 0 && row <= 1024) {
    s.group = n >= 32 ? 32 : power_of_two_at_least(n);
    s.groups = 256 / s.group;
    if (s.persistent && s.groups > 8) s.groups = 8 > 32 / s.group ? 8 : 32 / s.group;
  } else {
    const std::int64_t each = n < 0 ? 1 : row <= 8192 && s.vector >= 4 ? 16 / s.vector : 32 / s.vector;
    s.group = n < 0 ? 256 : static_cast<int>(((n + each - 1) / each + 31) / 32 * 32);
    if (s.group > 1024) s.group = 1024;
    if (s.group < 64) s.group = 64;
  }
  // registers: what is held, the accumulators, and a working set
  const std::int64_t most = n < 0 ? 1 << 20 : (n + s.group - 1) / s.group;
  const auto budget = 65536 / (s.threads() < 128 ? 128 : s.threads()) > 224 ? 224 : 65536 / (s.threads() < 128 ? 128 : s.threads());
  const std::int64_t held = most * s.vector * (input_bytes * (s.persistent ? 2 : 1) + accumulator_bytes) / 4;
  s.vectors = held + 32 <= budget ? static_cast<int>(most) : 0;
  if (s.vectors == 0 && accumulators > 0) s.group = s.threads() < 32 ? 32 : s.threads(), s.groups = 1;  // a block has one row of sums in memory
  s.hold_columns = s.vectors > 0 && column_bytes > 0 && most * s.vector * column_bytes / 4 <= (s.persistent ? 24 : 16) && held + most * s.vector * column_bytes / 4 + 32 <= budget;
  const std::int64_t registers = (s.vectors > 0 ? held : input_bytes * s.vector) + (s.hold_columns ? most * s.vector * column_bytes / 4 : 0) + 30 + 4 * outputs;
  s.blocks = static_cast<int>(65536 / ((registers + 7) / 8 * 8 * ((s.threads() + 31) / 32 * 32)));
  if (s.blocks > 2048 / s.threads()) s.blocks = 2048 / s.threads();
  if (s.blocks > 32) s.blocks = 32;
  if (s.blocks < 1) s.blocks = 1;
  return s;
}

}  // namespace thunder::cuda
