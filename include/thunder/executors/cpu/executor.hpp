#pragma once
/// The CPU executor: fused regions as loops, everything else through library steps.
#include "../finite.hpp"
#include "library.hpp"
#include "region.hpp"
#include "../../core/pack.hpp"
#include "../../runtime/storage.hpp"

namespace thunder::cpu {

/// Target keeps programs of translation units with different processor or OpenMP flags apart. What an executor is made of is what
/// `compiled` (jit/program.hpp) asks of it; every program has one of its own.
template <class Target = default_target> struct executor {
  static constexpr device where = device::cpu;
  static constexpr std::uintptr_t alignment = 1;  // of arguments

  /// What an executor does around a step, whose text is text(step): nothing.
  struct range { constexpr range(std::string (*)(int), int) {} };

  static storage allocate(std::size_t bytes) { return storage::allocate(bytes); }
  /// Runs a region on the buffers of each call. The calls do not depend on one another.
  template <class Region, int Count> static void run(Region, const region_call (&calls)[Count]) {
    for (const region_call& c : calls) fused_loop<Region, Target>::run(c.inputs, c.outputs, c.dims);
  }
  /// Runs one statement that is not part of a region.
  template <class Op> static void run(type_c<Op>, const step_arguments& x) {
    static_assert(library_step<Op, Target>::exists, "no executor runs this op: give it a decompose, or a cpu::library_step of its own");
    library_step<Op, Target>::run(x);
  }
  /// Writes one number into a buffer.
  static void write(void* to, std::int64_t x) { *static_cast<std::int64_t*>(to) = x; }
  /// Whether all elements are finite.
  static bool finite(const void* data, dtype t, std::int64_t bytes) { return all_finite(data, t, bytes); }
  /// A buffer where this executor can read an argument that is elsewhere. (There is no other place.)
  static void* bring(int, void* data, std::int64_t, device) { return data; }
  /// Runs the steps of one call. An executor may record them: it sees the buffers that they work on.
  template <class Steps> static void play(void* const*, int, const bindings&, Steps&& steps) { steps(); }
};

}  // namespace thunder::cpu
