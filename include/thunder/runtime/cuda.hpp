#pragma once
/// CUDA devices as the runtime sees them: errors as exceptions, memory, streams. The only file that includes the CUDA runtime.
#include <cuda_runtime.h>

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "../core/error.hpp"
#include "storage.hpp"

namespace thunder::cuda {

/// Throws thunder::device_error with CUDA's own words; `what` says what was being done.
inline void check(cudaError_t status, const std::string& what) {
  if (status != cudaSuccess) throw device_error(what + ": " + cudaGetErrorString(status));
}
inline void check(cudaError_t status, const char* what) {
  if (status != cudaSuccess) check(status, std::string(what));
}

/// What a kernel launcher asks of the current device, once.
struct device_properties {
  int processors = 0;      // streaming multiprocessors
  int shared_bytes = 0;    // the most shared memory that a block may ask for
  int capability = 0;      // 90 for 9.0
};
inline const device_properties& properties() {
  static thread_local device_properties known[16];
  int d = 0;
  check(cudaGetDevice(&d), "cuda: which device is current");
  device_properties& p = known[d & 15];
  if (p.processors == 0) {
    int major = 0, minor = 0;
    check(cudaDeviceGetAttribute(&p.processors, cudaDevAttrMultiProcessorCount, d), "cuda: device attributes");
    check(cudaDeviceGetAttribute(&p.shared_bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, d), "cuda: device attributes");
    check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, d), "cuda: device attributes");
    check(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, d), "cuda: device attributes");
    p.capability = 10 * major + minor;
  }
  return p;
}

// ---- streams
/// The stream that this thread's programs run on: its own, unless a stream_scope names another.
class streams {
 public:
  static cudaStream_t current() {
    streams& s = mine();
    if (!s.chosen_) {
      if (!s.own_) check(cudaStreamCreate(&s.own_), "cuda: making a stream");  // ordered with the legacy default stream
      s.chosen_ = s.own_;
    }
    return s.chosen_;
  }
  static cudaStream_t exchange(cudaStream_t s) {
    const cudaStream_t before = mine().chosen_;
    mine().chosen_ = s;
    return before;
  }

 private:
  static streams& mine() {
    static thread_local streams s;
    return s;
  }
  cudaStream_t own_ = nullptr, chosen_ = nullptr;
};
/// Programs called in this scope run on the given stream.
class stream_scope {
 public:
  explicit stream_scope(cudaStream_t s) : before_(streams::exchange(s)) {}
  stream_scope(const stream_scope&) = delete;
  ~stream_scope() { streams::exchange(before_); }

 private:
  cudaStream_t before_;
};
/// Waits until everything that this thread has started is done. Throws device_error if something in it failed.
inline void synchronize() { check(cudaStreamSynchronize(streams::current()), "cuda: waiting for a stream"); }

// ---- memory
/// Freed blocks, by size: programs allocate their results at every call, and cudaMalloc waits for the device. A block is used again by what
/// comes later on the same stream. Sizes are rounded up to an eighth of a power of two.
class block_cache {
 public:
  static constexpr std::size_t rounded(std::size_t n) {
    std::size_t step = 256;
    while (step * 16 <= n) step *= 2;
    return (n + step - 1) / step * step;
  }
  static block_cache& of_device(int d) {
    static auto* caches = new block_cache[16];  // stays: tensors of other static objects are freed into it after main
    return caches[d & 15];
  }
  void* take(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    const auto found = free_.find(bytes);
    if (found == free_.end() || found->second.empty()) return nullptr;
    void* p = found->second.back();
    found->second.pop_back();
    return p;
  }
  void give(void* p, std::size_t bytes) noexcept {
    try {
      const std::lock_guard lock(mutex_);
      free_[bytes].push_back(p);
    } catch (...) {
      cudaFree(p);
    }
  }
  /// Gives all free blocks back to the device.
  void clear() {
    const std::lock_guard lock(mutex_);
    for (auto& [bytes, blocks] : free_)
      for (void* p : blocks) cudaFree(p);
    free_.clear();
  }

 private:
  std::mutex mutex_;
  std::map<std::size_t, std::vector<void*>> free_;
};

/// Uninitialised memory on the current device. Throws thunder::error when there is no such memory; everything stays usable then.
inline storage allocate(std::size_t bytes) {
  if (bytes == 0) return {nullptr, 0, device::cuda, nullptr};
  int d = 0;
  check(cudaGetDevice(&d), "cuda: which device is current");
  block_cache& cache = block_cache::of_device(d);
  const std::size_t rounded = block_cache::rounded(bytes);
  void* p = cache.take(rounded);
  for (int attempt = 0; !p && cudaMalloc(&p, rounded) != cudaSuccess; ++attempt) {
    (void)cudaGetLastError();  // the failure is not sticky
    p = nullptr;
    if (attempt == 0) {
      cache.clear();
      continue;
    }
    std::size_t free = 0, total = 0;
    cudaMemGetInfo(&free, &total);
    throw error("out of memory: cannot allocate " + std::to_string(bytes) + " bytes on the cuda device, which has " + std::to_string(free) + " of " +
                std::to_string(total) + " free");
  }
  return {p, bytes, device::cuda, [](void* q, std::size_t n, void* where) noexcept { static_cast<block_cache*>(where)->give(q, block_cache::rounded(n)); }, &cache};
}
/// Copies between host and device or within the device, after what was started on this thread's stream; returns when it is done.
inline void copy(void* to, const void* from, std::size_t bytes) {
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, streams::current()), "cuda: copying");
  synchronize();
}
inline constexpr device_runtime runtime{&allocate, &copy};
inline const bool registered = (cuda_runtime = &runtime, true);

/// Memory between the kernels of one step, one for each thread and device. When it grows, the old one stays: recorded programs name it. It
/// grows to twice its size at least, so all of them together are at most as large as the last.
inline void* workspace(std::size_t bytes) {
  static thread_local std::vector<storage> kept[16];
  int d = 0;
  check(cudaGetDevice(&d), "cuda: which device is current");
  std::vector<storage>& s = kept[d & 15];
  if (s.empty() || s.back().bytes() < bytes) {
    s.reserve(s.size() + 1);
    s.push_back(allocate(s.empty() || bytes > 2 * s.back().bytes() ? bytes : 2 * s.back().bytes()));
  }
  return s.back().data();
}

}  // namespace thunder::cuda
