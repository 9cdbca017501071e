#pragma once
/// What machine a loop is compiled for, as a type: every loop takes it as a template argument, so that translation units with
/// different -m flags, or with and without OpenMP, instantiate different functions and may be linked together.
#include "parallel.hpp"
#include "vec.hpp"

namespace thunder::cpu {

/// Bytes of a vector register; Features tells instruction sets with equal registers apart.
template <int Bytes, unsigned Features, class Threads>
struct target {
  static constexpr int bytes = Bytes;
  using threads = Threads;
};

#if defined(__FMA__)
#define THUNDER_FMA 1u
#else
#define THUNDER_FMA 0u
#endif
#if defined(__AVX__)
#define THUNDER_AVX 2u
#else
#define THUNDER_AVX 0u
#endif
#if defined(__SSE4_1__)
#define THUNDER_SSE4 4u
#else
#define THUNDER_SSE4 0u
#endif
/// The machine that this translation unit is compiled for.
using default_target = target<THUNDER_REGISTER_BYTES, THUNDER_FMA | THUNDER_AVX | THUNDER_SSE4, default_threads>;
#undef THUNDER_FMA
#undef THUNDER_AVX
#undef THUNDER_SSE4

}  // namespace thunder::cpu
