#pragma once
/// Programs on CUDA devices: jit<device::cuda>(f). For files that nvcc compiles; thunder.hpp includes it there.
#include "executors/cuda/executor.hpp"
#include "jit/jit.hpp"

namespace thunder {
template <> struct executor_on<device::cuda> { using type = cuda::executor; };
}  // namespace thunder
