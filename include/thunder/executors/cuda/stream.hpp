#pragma once
/// Starting kernels on a stream of the GPU: the Device of launch.hpp. Only nvcc sees this file's contents.
#include "launch.hpp"
#include "machine.hpp"

#ifdef __CUDACC__
#include "../../runtime/cuda.hpp"

namespace thunder::cuda {

template <class Kernel> __global__ void __launch_bounds__(Kernel::threads, Kernel::min_blocks)
gpu_kernel(const __grid_constant__ typename Kernel::arguments a) { Kernel::run(a); }

struct gpu_stream {
  using machine = gpu;
  cudaStream_t stream;

  /// (The last answer is kept: it is asked for again and again with the same number of bytes.)
  template <class Kernel> int resident(int shared) {
    static thread_local int known = -1, blocks = 0;
    if (known == shared) return blocks;
    if (shared > 48 * 1024)  // allows up to all there is; each launch says how much it takes
      check(cudaFuncSetAttribute(&gpu_kernel<Kernel>, cudaFuncAttributeMaxDynamicSharedMemorySize, properties().shared_bytes), "cuda: shared memory of a fused kernel");
    int each = 0;
    check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&each, &gpu_kernel<Kernel>, Kernel::threads, static_cast<std::size_t>(shared)), "cuda: occupancy of a fused kernel");
    known = shared;
    return blocks = (each > 0 ? each : 1) * properties().processors;
  }
  int shared_room(int blocks) { return cuda::shared_room(properties().shared_bytes, blocks); }
  void* workspace(std::size_t bytes) { return cuda::workspace(bytes); }
  /// The kernel may begin while the one before it ends.
  template <class Kernel> void start(unsigned blocks, const typename Kernel::arguments& a, int shared = Kernel::shared) {
    cudaLaunchConfig_t c{};
    c.gridDim = blocks, c.blockDim = Kernel::threads, c.dynamicSmemBytes = static_cast<std::size_t>(shared), c.stream = stream;
    cudaLaunchAttribute early{};
    early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    early.val.programmaticStreamSerializationAllowed = 1;
    if (properties().capability >= 90) c.attrs = &early, c.numAttrs = 1;
    check(cudaLaunchKernelEx(&c, &gpu_kernel<Kernel>, a), "cuda: launching a fused kernel");
  }
};

}  // namespace thunder::cuda
#endif
