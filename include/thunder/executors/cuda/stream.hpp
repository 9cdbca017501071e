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

  template <class Kernel> int resident() {
    static const int blocks = [] {
      if (Kernel::shared > 48 * 1024)
        check(cudaFuncSetAttribute(&gpu_kernel<Kernel>, cudaFuncAttributeMaxDynamicSharedMemorySize, Kernel::shared), "cuda: shared memory of a fused kernel");
      int each = 0;
      check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&each, &gpu_kernel<Kernel>, Kernel::threads, Kernel::shared), "cuda: occupancy of a fused kernel");
      return (each > 0 ? each : 1) * properties().processors;
    }();
    return blocks;
  }
  void* workspace(std::size_t bytes) { return cuda::workspace(bytes); }
  /// The kernel may begin while the one before it ends.
  template <class Kernel> void start(unsigned blocks, const typename Kernel::arguments& a) {
    cudaLaunchConfig_t c{};
    c.gridDim = blocks, c.blockDim = Kernel::threads, c.dynamicSmemBytes = Kernel::shared, c.stream = stream;
    cudaLaunchAttribute early{};
    early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    early.val.programmaticStreamSerializationAllowed = 1;
    if (properties().capability >= 90) c.attrs = &early, c.numAttrs = 1;
    check(cudaLaunchKernelEx(&c, &gpu_kernel<Kernel>, a), "cuda: launching a fused kernel");
  }
};

}  // namespace thunder::cuda
#endif
