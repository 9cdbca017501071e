#pragma once
/// Programs on CUDA devices: jit<device::cuda>(f). For files that nvcc compiles; thunder.hpp includes it there.
#ifndef __CUDACC__
#error "thunder/cuda.hpp is for files that nvcc compiles; tensors alone need thunder/runtime/cuda.hpp"
#endif
#include "executors/cuda/executor.hpp"
#include "jit/jit.hpp"

namespace thunder {
template <> struct executor_on<device::cuda> { using type = cuda::executor; };
}  // namespace thunder
