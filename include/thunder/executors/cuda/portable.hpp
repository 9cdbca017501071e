#pragma once
/// How the text of the kernels is marked. nvcc compiles it for the GPU; a plain C++ compiler compiles the same text for the emulated
/// machine of emulation.hpp. What differs is the machine that every kernel takes as a template argument, never a function's body.

#include <cstdint>

#ifdef __CUDACC__
#define THUNDER_DEVICE __device__ __forceinline__
#define THUNDER_ANYWHERE __host__ __device__ __forceinline__
#define THUNDER_UNROLL _Pragma("unroll")
#else
#define THUNDER_DEVICE inline
#define THUNDER_ANYWHERE inline
#define THUNDER_UNROLL
#endif

namespace thunder::cuda {

/// What the choice of a kernel's shape depends on: a Machine's `limits`.
struct machine_limits {
  int shared = 227 * 1024;              // bytes of shared memory of a multiprocessor
  int threads = 1024;                   // of a block
  std::int64_t wide_bytes = 64 * 1024;  // longer rows are wide (shape.hpp) ...
  int row_words = 16;                   // ... of which a thread has so many words in registers
};
/// Bytes of shared memory that each of so many blocks of a multiprocessor can have, where one block can have `most`: each block has one KiB
/// more for itself, as has the multiprocessor.
constexpr int shared_room(int most, int blocks) { return (most + 1024) / blocks / 1024 * 1024 - 1024; }

}  // namespace thunder::cuda
