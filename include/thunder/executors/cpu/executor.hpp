#pragma once
/// The CPU executor: fused regions as loops, everything else through library steps.
#include "library.hpp"
#include "region.hpp"
#include "../../core/pack.hpp"
#include "../../runtime/device.hpp"

namespace thunder::cpu {

/// Target keeps programs of translation units with different processor or OpenMP flags apart.
template <class Target = default_target> struct executor {
  static constexpr device where = device::cpu;

  /// Runs a region on buffers; `dims` are the run-time extents of its space.
  template <class Region> static void run(Region, const void* const* inputs, void* const* outputs, const std::int64_t* dims) {
    fused_loop<Region, Target>::run(inputs, outputs, dims);
  }
  /// Runs one statement that is not part of a region.
  template <class Op> static void run(type_c<Op>, const step_arguments& x) {
    static_assert(library_step<Op, Target>::exists, "no executor runs this op: give it a decompose, or a cpu::library_step of its own");
    library_step<Op, Target>::run(x);
  }
};

}  // namespace thunder::cpu
