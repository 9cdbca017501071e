#pragma once
/// Steps that move bytes: transpose, slice, broadcast, concatenate, reshape, pad.
#include "../../runtime/cuda.hpp"
#include "step.hpp"

namespace thunder::ops {
struct transpose;
struct slice;
struct broadcast;
struct concatenate;
struct reshape;
struct pad;
}  // namespace thunder::ops

namespace thunder::cuda {

/// The same elements in the same order.
template <> struct library_step<ops::reshape> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s, cudaStream_t stream) {
    if (s.outputs[0].bytes()) check(cudaMemcpyAsync(s.outputs[0].data, s.inputs[0].data, static_cast<std::size_t>(s.outputs[0].bytes()), cudaMemcpyDeviceToDevice, stream), "cuda: copying a result");
  }
};

}  // namespace thunder::cuda
