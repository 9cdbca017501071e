#pragma once
/// What the lanes of a warp compute together by shuffles.
#include "portable.hpp"

#ifdef __CUDACC__
namespace thunder::cuda {

/// Replaces x by the combination of those of the lanes up to this one.
template <class Op, class N> THUNDER_DEVICE N scan_of_lanes(N x, int lane) {
#pragma unroll
  for (int d = 1; d < 32; d *= 2) {
    const N below = __shfl_up_sync(0xffffffffu, x, d);
    if (lane >= d) x = Op::combine(below, x);
  }
  return x;
}

}  // namespace thunder::cuda
#endif
