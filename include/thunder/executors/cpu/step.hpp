#pragma once
/// How an op becomes a library step of the CPU.
#include "../step.hpp"
#include "target.hpp"
#include "vec.hpp"

namespace thunder::cpu {

/// How an op runs as a step: `exists`, and `static void run(const step_arguments&)`, for operands that the op's `infer`
/// accepts. A user's op becomes a step by a specialisation for it.
template <class Op, class Target = default_target> struct library_step { static constexpr bool exists = false; };

}  // namespace thunder::cpu
