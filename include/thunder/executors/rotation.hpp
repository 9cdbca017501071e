#pragma once
/// What the steps of rotate_pairs share.
#include "step.hpp"

namespace thunder {

/// The rows of x (all but its last dimension) beside those of a table that broadcasts to them: dimensions along which the table moves, or stays
/// where it is. Neighbours of one kind are one dimension.
struct rotated_rows {
  int dims = 0;
  std::int64_t extent[max_rank]{}, step[max_rank]{};  // rows of x; rows of the table from one to the next, or 0
  rotated_rows(const array& x, const array& table) {
    const int lead = x.rank - table.rank;
    for (int d = 0; d + 1 < x.rank; ++d) {
      if (x.extents[d] == 1) continue;
      const std::int64_t moves = d >= lead && table.extents[d - lead] != 1 ? table.count(d - lead + 1, table.rank - 1) : 0;
      if (dims > 0 && step[dims - 1] == moves * x.extents[d]) extent[dims - 1] *= x.extents[d], step[dims - 1] = moves;
      else extent[dims] = x.extents[d], step[dims++] = moves;
    }
  }
};

}  // namespace thunder
