#pragma once
/// How an op becomes a library step of the CUDA executor.
#include "../../runtime/cuda.hpp"
#include "../step.hpp"

namespace thunder::cuda {

struct gpu;  // machine.hpp

/// `exists`, and `static void run(const step_arguments&, cudaStream_t)`: starts the op on a stream, for operands that its `infer` accepts;
/// the arrays are device memory. Nothing may be allocated and nothing waited for after the first call for given extents, because programs
/// are recorded. A user's op becomes a step by a specialisation for it.
/// Machine: always gpu. The built-in steps leave it open, as templates: a file compiles the kernels of the ops that its programs use.
template <class Op, class Machine = gpu> struct library_step { static constexpr bool exists = false; };

}  // namespace thunder::cuda
