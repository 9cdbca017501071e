#pragma once
/// How the text of the kernels is marked. nvcc compiles it for the GPU; a plain C++ compiler compiles the same text for the emulated
/// machine of emulation.hpp. What differs is the machine that every kernel takes as a template argument, never a function's body.

#ifdef __CUDACC__
#define THUNDER_DEVICE __device__ __forceinline__
#define THUNDER_ANYWHERE __host__ __device__ __forceinline__
#define THUNDER_UNROLL _Pragma("unroll")
#else
#define THUNDER_DEVICE inline
#define THUNDER_ANYWHERE inline
#define THUNDER_UNROLL
#endif
