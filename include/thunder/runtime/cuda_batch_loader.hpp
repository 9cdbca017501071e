#pragma once
/// Batches for CUDA: filled in pinned memory, copied by a stream of their own.
#include "batch_loader.hpp"
#include "cuda.hpp"

namespace thunder {

namespace cuda {

/// Memory of the CPU that the device reads by itself, so that copies from it run beside everything else.
inline storage allocate_pinned(std::size_t bytes) {
  if (bytes == 0) return {};
  void* p = nullptr;
  if (cudaHostAlloc(&p, bytes, cudaHostAllocDefault) != cudaSuccess) {
    (void)cudaGetLastError();
    throw error("out of memory: cannot allocate " + std::to_string(bytes) + " bytes of pinned memory on the cpu");
  }
  return {p, bytes, device::cpu, [](void* q, std::size_t, void*) noexcept { cudaFreeHost(q); }};
}

}  // namespace cuda

template <> class batch_lane<device::cuda> {
 public:
  static constexpr bool copies = true;
  static storage allocate(std::size_t bytes) { return cuda::allocate_pinned(bytes); }

  batch_lane() {
    done();  // the batch's memory may have been that of something that still runs
    cuda::check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cuda: making a stream");
  }
  batch_lane(const batch_lane&) = delete;
  ~batch_lane() {
    cudaStreamSynchronize(stream_);  // copies
    cuda::wait();                    // programs that read the batch
    cudaStreamDestroy(stream_);
  }
  void fill() const { copied_.wait(); }
  void filled() const { done_.hold(stream_); }
  void copy(void* to, const void* from, std::size_t bytes) const {
    if (bytes > 0) cuda::check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream_), "cuda: copying a batch");
  }
  void copied() { copied_.record(stream_); }
  void read() const {
    const auto turn = cuda::stream_memory::current().turn();
    copied_.hold(cuda::streams::current());
  }
  void done() {
    const auto turn = cuda::stream_memory::current().turn();
    done_.record(cuda::streams::current());
  }

 private:
  cudaStream_t stream_ = nullptr;
  cuda::event copied_, done_;
};

}  // namespace thunder
