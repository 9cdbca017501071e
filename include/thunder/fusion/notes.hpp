#pragma once
/// What the partition tells those who ask (examine/explain.hpp): which statements joined a region of others, and what kept others
/// out.
#include <cstdint>

#include "../core/list.hpp"

namespace thunder {

/// How many fusions happen: statements that join a region of others, and regions that become one. To find the one that makes a
/// difference: jit<fuel{12}>(f).
enum class fuel : int { unlimited = -1 };

/// What keeps a statement out of a region, or two regions apart.
enum class obstacle : std::uint8_t {
  none,
  library,     // the statement is a step of its own
  later,       // it also depends on a step that comes later
  unfinished,  // it needs the value of a reduction that is complete only when all rows are done
  reshaped,    // it sees the value with other dimensions, in memory
  space,       // it walks over other dimensions
  spread,      // it needs a value of the region along other dimensions than the region has it
  row,         // it treats part of the region's row alike, or reduces other dimensions than its row
  passes,      // too many reductions that wait for each other
  statements,  // too many statements
  inputs,      // too many buffers
  scalar,      // all that both share is one number
  user,        // it waited for its first user, and went where that went
  between,     // of two regions: a step between them needs the earlier one
  stored,      // of two regions: the earlier one stores a broadcast, constant or cast, which others compute again
  fuel         // no fusion is left
};

/// Statement `statement` (a node of the graph) did not join region `region`, or did not bring it into its own.
struct refusal {
  int region, statement;
  obstacle why;
};
/// A statement that joined a region of others; with `merged`, the region `from` came along as a whole.
struct fused_statement {
  int statement, region, from;
};

struct partition_notes {
  list<refusal> refused;
  list<fused_statement> fused;    // in order: what fuel is spent on
  list<int> step_of_region;       // of the regions above: the step that it has become
  list<list<int>> nodes_of_step;  // the graph's statements that a step stands for; then those that it computes again
};

}  // namespace thunder
