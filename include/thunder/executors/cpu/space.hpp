#pragma once
/// Where a loop is: the extents of the plan's dimensions, the current row, and the offsets of buffers there.
#include <cstdint>
#include <utility>

#include "plan.hpp"

namespace thunder::cpu {

/// The iteration space of one call. Static extents are constants in all that is computed from them.
template <class Traits, class Target>
struct loop_space {
  static constexpr auto& plan = Traits::plan;
  static constexpr int dims = plan.dims;
  std::int64_t run_time[dims];

  explicit loop_space(const std::int64_t* given) {
    for (int d = 0; d < dims; ++d) run_time[d] = 1;
    for (int d = 0; d < Traits::dims; ++d) {
      const std::int64_t e = Traits::extent[d];
      run_time[plan.group[d]] *= e < 0 ? given[-1 - e] : e;
    }
  }

  /// The extent of dimension D if it is static, otherwise -1.
  template <int D>
  static constexpr std::int64_t static_extent = thunder::static_extent(plan, Traits::extent, Traits::dims, D);
  template <int D>
  std::int64_t extent() const {
    if constexpr (static_extent<D> >= 0)
      return static_extent<D>;
    else
      return run_time[D];
  }
  std::int64_t row_length() const { return extent<dims - 1>(); }
  std::int64_t rows() const {
    std::int64_t n = 1;
    for (int d = 0; d + 1 < dims; ++d) n *= run_time[d];
    return n;
  }
  /// Elements of a buffer that varies along Mask.
  std::int64_t size(unsigned mask) const {
    std::int64_t n = 1;
    for (int d = 0; d < dims; ++d) n *= mask >> d & 1 ? run_time[d] : 1;
    return n;
  }
};

/// One row, by its index in each outer dimension.
template <class Traits, class Target>
struct row_index {
  using space = loop_space<Traits, Target>;
  static constexpr int outer = space::dims - 1;
  std::int64_t at[outer + 1]{};

  row_index(const space& s, std::int64_t row) {
    for (int d = outer; d-- > 0;) at[d] = row % s.run_time[d], row /= s.run_time[d];
  }
  void advance(const space& s) {
    for (int d = outer; d-- > 0; at[d] = 0)
      if (++at[d] < s.run_time[d]) return;
  }
  /// Of the row's first element in a buffer that varies along Mask.
  template <unsigned Mask>
  std::int64_t offset(const space& s) const {
    return [&]<int... D>(std::integer_sequence<int, D...>) {
      std::int64_t o = 0;
      ((Mask >> D & 1 ? void(o = o * s.template extent<D>() + (D < outer ? at[D] : 0)) : void()), ...);
      return o;
    }
    (std::make_integer_sequence<int, outer + 1>{});
  }
  /// Whether this is the first of the rows that differ only in dimensions outside of Mask: it does what is done once for them.
  template <unsigned Mask>
  bool is_first() const {
    bool first = true;
    for (int d = 0; d < outer; ++d)
      if (!(Mask >> d & 1)) first = first && at[d] == 0;
    return first;
  }
};

}  // namespace thunder::cpu
