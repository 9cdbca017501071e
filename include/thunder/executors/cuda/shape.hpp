#pragma once
/// How a region becomes a kernel, decided by constexpr functions on values: how many elements an access moves, how many threads share a
/// row, and whether the row stays in their registers.
///
/// A *direct* kernel gives each row to one group of threads of a grid that covers the rows. A *persistent* one has as many blocks as the
/// device holds at once, each of which walks over many rows and adds up column reductions as it goes. A *pointwise* one has no rows:
/// every thread takes a few vectors anywhere in the iteration space. A *flat* one reduces all elements of one long row. A *wide* one
/// has as many blocks as the device holds at once, too; each keeps a row that is too long for registers alone also in shared memory.
#include "../../fusion/row_plan.hpp"
#include "portable.hpp"

namespace thunder::cuda {

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

/// A plan whose rows may be cut into tiles of `tile` elements (0: they are not): the tile is the plan's last dimension, and which of the
/// row's tiles it is, the one before.
template <int Values, int Outputs> struct part_plan : row_plan<Values, Outputs> { int tile = 0; };

/// Of the rows, only sums over them are wanted. Blocks that add up whole rows leave a row of partial sums each; a block that adds up a tile
/// of the columns leaves a tile, a sum of more rows: there is less to add up in the end. Measured on an H100 for 16,384 rows of bf16, tiles
/// of 256 bytes are best: 5 to 7 % faster than whole rows of 768 to 4096 columns, 4 % at 16,384 columns, where there are 64 wider tiles.
/// Where each element is stored, too, whole rows are 3 to 7 % faster. 0: no tiles.
template <int Values, int Outputs> constexpr int tile_of(const row_plan<Values, Outputs>& p, std::int64_t row) {
  int narrowest = 8, sums = 0;
  for (int v = 0; v < Values; ++v) {
    if (p.is_reduction(v) && p.value[v].mask != p.row) return 0;
    sums += p.is_reduction(v);
    if (v >= p.inputs || !p.is_element(v)) continue;
    if (p.value[v].mask == p.row) return 0;  // such a row is read once, and stays
    narrowest = size_of(p.value[v].type) < narrowest ? size_of(p.value[v].type) : narrowest;
  }
  for (const auto& o : p.output)
    if (o.value >= 0 && !p.is_reduction(o.value)) return 0;
  std::int64_t tile = 256 / narrowest;
  while (row > 64 * tile) tile *= 2;
  return sums > 0 && p.dims == 2 && tile <= 1 << 20 && row >= 2 * tile && row % tile == 0 ? static_cast<int>(tile) : 0;
}
template <int Values, int Outputs> constexpr void cut_rows(part_plan<Values, Outputs>& p, int tile) {
  auto cut = [&](unsigned mask) { return mask | ((mask & p.row) << 1); };
  for (auto& v : p.value) v.mask = cut(v.mask), v.removed = cut(v.removed);
  for (auto& o : p.output) o.mask = cut(o.mask);
  p.tile = tile, ++p.dims, p.row <<= 1;
}

/// The plan of one part: nothing is kept in memory between passes, because computing again is cheaper than shared memory.
template <class Region, int Part> constexpr auto plan_of_part() {
  part_plan<region_traits<Region>::values, region_traits<Region>::outputs> p{region_traits<Region>::plan};
  bool reduces = false;
  for (int v = 0; v < region_traits<Region>::values; ++v) reduces = reduces || p.is_reduction(v);
  if (p.dims == 1 && reduces) {  // one row: its reductions are those of a column of one row
    p.dims = 2, p.row = 2;
    for (int& g : p.group) g = 1;
    for (auto& v : p.value) v.mask = v.mask ? 3 : 0, v.removed = v.removed ? 3 : 0;
    for (auto& o : p.output) o.mask = o.mask ? 3 : 0;
  }
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
    if (!used) p.value[v].kind = value_role::constant, p.value[v].operands = 0, p.value[v].removed = 0;
  }
  if (const int tile = tile_of(p, region_traits<Region>::row_length); tile > 0) cut_rows(p, tile);
  find_needs(p);
  return p;
}
/// The extent of dimension d of a part's plan if it is static, otherwise -1.
template <class Region, class Plan> constexpr std::int64_t static_extent_of(const Plan& p, int d) {
  const bool cut = p.tile > 0 && d >= p.dims - 2;
  if (cut && d == p.dims - 1) return p.tile;
  const std::int64_t n = static_extent(p, region_traits<Region>::extent, region_traits<Region>::dims, d);
  return cut ? n / p.tile : n;
}

struct kernel_shape {
  bool pointwise = false, persistent = false;
  bool wide = false;
  bool shifted = false;     // wide: rows begin anywhere, so that the vectors of a row do not begin with it
  bool flat = false;        // one row: blocks share it, and every reduction is of all elements
  int vector = 1;           // elements of one access
  int group = 1;            // threads that share a row
  int groups = 1;           // rows that a block works on at once
  int vectors = 1;          // of a row that a thread holds in registers; 0: the row is read again in each pass
  int unroll = 1;           // pointwise: vectors a thread has in flight
  bool hold_columns = false;  // what varies along the row alone stays in registers ...
  bool share_columns = false; // ... or in shared memory
  int blocks = 1;           // an SM should hold at least so many
  int stages = 0;           // persistent: rows of a ring in shared memory that the next rows arrive in; 0: no ring
  int stage_bytes = 0;
  bool read_again = false;  // each pass reads the row from the ring, instead of registers
  constexpr int threads() const { return group * groups; }
};

constexpr const char* family_of(const kernel_shape& s) {
  return s.pointwise ? "pointwise kernel" : s.flat ? "flat kernel" : s.wide ? "wide kernel" : s.persistent ? "persistent kernel" : "direct kernel";
}

constexpr int power_of_two_at_least(std::int64_t n) {
  int p = 1;
  while (p < n) p *= 2;
  return p;
}

/// The row of a region: its length (-1 if it is known at run time only), bytes of an element, and how many outputs have one in each row.
struct row_needs {
  std::int64_t length = 0;
  int input_bytes = 0, column_bytes = 0, accumulator_bytes = 0;  // inputs of the row; those that all rows share; sums over the rows
  int outputs = 0;
};

/// Long rows with column sums, one on a multiprocessor at a time: while its threads meet to add up, nothing is computed. If the row stays
/// in the ring, its registers are free for twice as many threads: a second row, or a row in half the time.
constexpr kernel_shape keep_rows_in_ring(const kernel_shape& s, const row_needs& row, const machine_limits& limits) {
  kernel_shape t = s;
  const int length = static_cast<int>(row.length), vectors = length / t.vector;
  t.read_again = true, t.hold_columns = false, t.share_columns = row.column_bytes > 0;
  const auto registers = [&] { return t.vectors * t.vector * row.accumulator_bytes / 4 + 28 + 4 * row.outputs; };
  t.groups = 2;
  if (registers() * t.threads() > 65536) t.groups = 1, t.group *= 2, t.vectors = (vectors + t.group - 1) / t.group;
  const int wanted = t.groups == 2 ? 2 : 3, sums = t.groups == 2 ? length * 8 : 0;  // sums of two rows may need a place of their own
  t.stages = (limits.shared - 2 * 1024 - length * row.column_bytes) / (t.groups * t.stage_bytes);
  if (t.stages > 4) t.stages = 4;
  const bool fits = t.threads() <= 1024 && t.stages >= wanted && t.stages * t.stage_bytes >= sums && registers() * t.threads() <= 65536;
  return fits && row.input_bytes > 0 ? t : s;
}

/// The shape of a wide kernel. Rows whose length is known at run time only may be short: many blocks of few threads.
constexpr kernel_shape wide_shape(int vector, const row_needs& row, const machine_limits& limits) {
  kernel_shape s;
  s.wide = true, s.vector = vector, s.shifted = row.length < 0 || row.length % vector != 0;
  const int room = limits.row_words * 4 * limits.threads + limits.shared;
  auto fits = [&](int blocks) { return row.length < 0 || blocks * row.length * row.input_bytes <= room; };
  while (s.blocks < (row.length < 0 ? 8 : 4) && fits(2 * s.blocks) && limits.threads / s.blocks >= 128) s.blocks *= 2;  // rows hide each other's waits
  s.group = limits.threads / s.blocks;
  const int words = row.input_bytes * vector / 4, held = limits.row_words - row.column_bytes * vector / 8;
  s.vectors = words > 0 && held > 0 ? held / words : 0;
  return s;
}

/// row: the row's length, or -1 if it is known at run time only. flat: there is one row.
template <class Plan> constexpr kernel_shape choose_shape(const Plan& p, std::int64_t row, bool flat, const machine_limits& limits = {}) {
  const int values = static_cast<int>(sizeof(p.value) / sizeof(p.value[0]));
  kernel_shape s;
  bool reduces = false, meets = false;  // meets: adds up along the row, too
  int narrowest = 8;
  row_needs needs{row};
  int inputs_of[9]{};  // how many have elements of so many bytes, and others in each row
  for (int v = 0; v < values; ++v) reduces = reduces || p.is_reduction(v), s.persistent = s.persistent || p.is_column(v), meets = meets || (p.is_reduction(v) && !p.is_column(v));
  auto used = [&](int v) {
    for (int q = 0; q < p.passes; ++q)
      if (p.need[q][v]) return true;
    return false;
  };
  for (int v = 0; v < p.inputs; ++v)
    if (p.is_element(v) && used(v)) {
      const int n = size_of(p.value[v].type);
      narrowest = n < narrowest ? n : narrowest;
      const bool column = p.value[v].mask == p.row && p.dims > 1;
      (column ? needs.column_bytes : needs.input_bytes) += n, inputs_of[n] += !column;
    }
  for (const auto& o : p.output)
    if (o.value >= 0 && (o.mask & p.row) && !p.is_column(o.value)) {
      narrowest = size_of(o.type) < narrowest ? size_of(o.type) : narrowest;
      ++needs.outputs;
    }
  for (int v = 0; v < values; ++v)
    if (p.is_column(v) && (p.value[v].mask & p.row)) needs.accumulator_bytes += size_of(p.value[v].type) == 8 ? 8 : 4;
  s.pointwise = !reduces, s.flat = flat && reduces;
  s.vector = 16 / narrowest > 8 ? 8 : 16 / narrowest;
  // Long rows of an odd length are wide, too, if elements are narrow: alone, each of them would take a register and an access.
  const bool alone = row >= limits.wide_bytes / 16 && row % 2 != 0 && narrowest <= 2;
  if (reduces && !flat && !s.persistent && (row < 0 || row * needs.input_bytes > limits.wide_bytes || alone)) return wide_shape(s.vector, needs, limits);
  if (!flat)  // otherwise the last vector may be partial
    while (s.vector > 1 && (row < 0 || row % s.vector != 0)) s.vector /= 2;
  if (s.pointwise || s.flat) {
    const int bytes = (needs.input_bytes > 0 ? needs.input_bytes : 4) * s.vector;
    s.group = 256, s.vectors = 0;
    s.unroll = needs.input_bytes == 0 || bytes >= 64 ? 1 : bytes >= 32 ? 2 : 4;  // (what reads nothing has no loads to wait for)
    s.blocks = s.flat ? 4 : 1;
    return s;
  }
  const std::int64_t n = row < 0 ? -1 : row / s.vector;  // vectors of a row
  if (n >= 0 && row <= 1024) {
    s.group = n >= 32 ? 32 : power_of_two_at_least(n);
    s.groups = (p.tile > 0 ? 512 : 128) / s.group;
  } else {
    const std::int64_t each = n < 0 ? 1 : row <= 4096 ? 16 : 32;  // elements of a thread
    s.group = n < 0 ? 256 : static_cast<int>(((row + each - 1) / each + 31) / 32 * 32);
    if (s.group > 1024) s.group = 1024;
    if (s.group < 64) s.group = 64;
  }
  // registers: what is held, the accumulators, and a working set
  for (;; s.group *= 2) {
    const std::int64_t most = n < 0 ? 1 << 20 : (n + s.group - 1) / s.group;
    const auto threads = s.threads() < 128 ? 128 : s.threads();
    const std::int64_t budget = 65536 / threads > 240 ? 240 : 65536 / threads;
    int packets = 0;  // words of a vector of each input: less than a word takes one
    for (int size : {1, 2, 4, 8}) packets += inputs_of[size] * (size * s.vector < 4 ? 1 : size * s.vector / 4);
    const std::int64_t words = most * s.vector, held = most * packets + words * needs.accumulator_bytes / 4, columns = words * needs.column_bytes / 4;
    const bool fits = held + 32 <= budget;
    if (!fits && n >= 0 && s.groups == 1 && s.group < 1024 && s.persistent) continue;  // more threads hold more
    s.vectors = fits ? static_cast<int>(most) : 0;
    s.hold_columns = fits && s.persistent && columns > 0 && columns <= 24 && held + columns + 40 <= budget;
    const std::int64_t registers = (fits ? held : 4 * packets) + (s.hold_columns ? columns : 0) + (s.persistent || s.group > 32 ? 34 : 24) + 4 * needs.outputs;
    s.blocks = static_cast<int>(65536 / ((registers + 7) / 8 * 8 * ((s.threads() + 31) / 32 * 32)));
    if (s.blocks > 2048 / s.threads()) s.blocks = 2048 / s.threads();
    if (s.blocks > 32) s.blocks = 32;
    if (s.blocks < 1) s.blocks = 1;
    break;
  }
  if (s.vectors == 0 && needs.accumulator_bytes > 0) s.group = s.threads() < 32 ? 32 : s.threads(), s.groups = 1;  // a block has one row of sums in memory
  if (s.persistent && s.vectors > 0 && s.group >= 32) {  // one block an SM, as large as its registers allow: fewer partial results
    s.groups *= s.blocks;
    while (s.groups > (s.group > 32 ? 15 : 12)) --s.groups;  // barriers have names; and more warps of their own rows gain nothing
    while (s.threads() > 1024) --s.groups;
    s.blocks = 1;
  }
  if (s.persistent && s.vectors > 0 && s.vector * narrowest >= 4) {  // asynchronous copies move 4, 8 or 16 bytes
    s.stage_bytes = static_cast<int>((row * needs.input_bytes + 15) / 16 * 16);
    s.share_columns = needs.column_bytes > 0 && !s.hold_columns && row * needs.column_bytes <= 64 * 1024;
    // Measured on an H100: three rows ahead are enough, and rings of more than 130 KiB slow the multiprocessor down.
    const int sums = s.groups > 1 && needs.accumulator_bytes > 0 && 4 * needs.input_bytes < 8 ? static_cast<int>(row) * 8 : 0;
    const int ring = limits.shared - 2 * 1024 < 130 * 1024 ? limits.shared - 2 * 1024 : 130 * 1024;
    const auto stages = [&] { return (ring - sums - (s.share_columns ? static_cast<int>(row) * needs.column_bytes : 0)) / (s.groups * s.stage_bytes); };
    if (s.stage_bytes > 0) {
      while (s.groups > 1 && s.group >= 32 && stages() < 3) --s.groups;
      s.stages = stages() < 2 && 2 * s.stage_bytes <= limits.shared - 27 * 1024 - static_cast<int>(row) * needs.column_bytes ? 2 : stages();
    }
    const int most = p.tile > 0 ? 3 : 4;
    if (s.stages > most) s.stages = most;
    if (s.stages < 2) s.stages = 0;
    if (meets && s.groups == 1 && s.group > 32 && needs.accumulator_bytes > 0 && s.threads() < 1024) s = keep_rows_in_ring(s, needs, limits);
  }
  return s;
}

}  // namespace thunder::cuda
