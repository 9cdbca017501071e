#pragma once
/// CUDA devices as the runtime sees them: errors as exceptions, memory, streams.
#include <cuda_runtime.h>

#include <mutex>
#include <string>
#include <utility>
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
/// An event that streams and the CPU wait for; one that was never recorded has happened.
class event {
 public:
  /// timed: for seconds_since.
  explicit event(bool timed = false) { check(cudaEventCreateWithFlags(&event_, timed ? cudaEventDefault : cudaEventDisableTiming), "cuda: making an event"); }
  event(event&& o) noexcept : event_(std::exchange(o.event_, nullptr)) {}
  event& operator=(event&&) = delete;
  ~event() {
    if (event_) cudaEventDestroy(event_);
  }
  void record(cudaStream_t s) { check(cudaEventRecord(event_, s), "cuda: recording an event"); }
  /// What is started on the stream from now on waits for the event.
  void hold(cudaStream_t s) const { check(cudaStreamWaitEvent(s, event_, 0), "cuda: waiting for an event"); }
  void wait() const { check(cudaEventSynchronize(event_), "cuda: waiting for an event"); }
  /// Of two timed events that have happened.
  double seconds_since(const event& earlier) const {
    float ms = 0;
    check(cudaEventElapsedTime(&ms, earlier.event_, event_), "cuda: the time between two events");
    return static_cast<double>(ms) * 1e-3;
  }

 private:
  cudaEvent_t event_ = nullptr;
};
/// The stream that programs run on: one of each device for all threads, unless a stream_scope of this thread names another.
class streams {
 public:
  static cudaStream_t current() {
    const choice& c = mine();
    return c.chosen ? c.stream : shared();
  }
  /// Programs of this thread run on `s` from now on, after what was started on the stream before.
  static void change(bool chosen, cudaStream_t s);

 private:
  friend class stream_scope;
  struct choice {
    bool chosen = false;
    cudaStream_t stream = nullptr;
  };
  static choice& mine() {
    static thread_local choice c;
    return c;
  }
  static cudaStream_t shared() {
    static std::mutex mutex;
    static cudaStream_t of_device[16]{};
    int d = 0;
    check(cudaGetDevice(&d), "cuda: which device is current");
    const std::lock_guard lock(mutex);
    cudaStream_t& s = of_device[d & 15];
    if (!s) check(cudaStreamCreate(&s), "cuda: making a stream");  // ordered with the legacy default stream
    return s;
  }
};
/// Programs called in this scope run on the given stream, in order with what is called before and after it.
class stream_scope {
 public:
  explicit stream_scope(cudaStream_t s) : before_(streams::mine()) { streams::change(true, s); }
  stream_scope(const stream_scope&) = delete;
  ~stream_scope() {
    try {
      streams::change(before_.chosen, before_.stream);
    } catch (...) {  // the stream is lost; what runs next will say so
    }
  }

 private:
  streams::choice before_;
};
/// Waits until everything on this thread's stream is done. Throws device_error if something in it failed.
inline void synchronize();

// ---- memory
/// Freed blocks, by size, and the working memory of one stream: programs allocate their results at every call, and cudaMalloc waits for the
/// device. A block is used again by what comes later on the stream that it was allocated for; so a tensor that another stream still reads is
/// kept until that is done. Sizes are rounded up to an eighth of a power of two.
class stream_memory {
 public:
  static constexpr std::size_t rounded(std::size_t n) {
    std::size_t step = 256;
    while (n / step >= 16) step *= 2;
    return (n + step - 1) / step * step;
  }
  /// The number of a rounded size among all of them.
  static constexpr std::size_t number_of(std::size_t rounded) {
    std::size_t step = 256, smaller = 0;
    while (rounded / step >= 16) step *= 2, smaller += 8;
    return smaller + rounded / step;
  }
  /// That of the current device and this thread's stream. It stays: tensors of static objects are freed into it after main.
  static stream_memory& current() {
    static thread_local owner last;
    owner here{0, streams::current(), nullptr};
    check(cudaGetDevice(&here.device), "cuda: which device is current");
    if (!last.memory || last.device != here.device || last.stream != here.stream) {
      const std::lock_guard lock(all_mutex());
      for (const owner& o : all())
        if (o.device == here.device && o.stream == here.stream) here.memory = o.memory;
      if (!here.memory) {
        all().reserve(all().size() + 1);
        here.memory = new stream_memory;
        all().push_back(here);
      }
      last = here;
    }
    return *last.memory;
  }
  /// Gives the free blocks of all streams back to their devices.
  static void clear() {
    const std::lock_guard lock(all_mutex());
    for (const owner& o : all()) o.memory->clear_own();
  }
  /// Held by a thread while it starts what stays together on the stream: the steps of a program, which share working memory, or their record,
  /// into which nothing of another thread may come.
  [[nodiscard]] std::unique_lock<std::recursive_mutex> turn() { return std::unique_lock(turn_); }
  /// Memory between the kernels of one step. When it grows, the old one stays: recorded programs name it. It grows to twice its size at
  /// least, so all of them together are at most as large as the last.
  void* workspace(std::size_t bytes);

  void* take(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    auto& blocks = free_[number_of(bytes)];
    if (blocks.empty()) return nullptr;
    void* p = blocks.back();
    blocks.pop_back();
    return p;
  }
  void give(void* p, std::size_t bytes) noexcept {
    try {
      const std::lock_guard lock(mutex_);
      free_[number_of(bytes)].push_back(p);
    } catch (...) {
      cudaFree(p);
    }
  }

 private:
  struct owner {
    int device = 0;
    cudaStream_t stream = nullptr;
    stream_memory* memory = nullptr;
  };
  static std::vector<owner>& all() {
    static auto* m = new std::vector<owner>;
    return *m;
  }
  static std::mutex& all_mutex() {
    static auto* m = new std::mutex;
    return *m;
  }
  void clear_own() {
    const std::lock_guard lock(mutex_);
    for (auto& blocks : free_) {
      for (void* p : blocks) cudaFree(p);
      blocks.clear();
    }
  }

  std::recursive_mutex turn_;
  std::mutex mutex_;
  std::vector<void*> free_[448];  // of each rounded size
  std::vector<storage> workspaces_;
};

inline void streams::change(bool chosen, cudaStream_t s) {
  event done;
  auto turn = stream_memory::current().turn();
  done.record(current());
  turn.unlock();
  mine() = {chosen, s};
  turn = stream_memory::current().turn();
  done.hold(current());
}

/// (For an event: a stream into whose record another thread is writing must not be waited for.)
inline void synchronize() {
  event done;
  {
    const auto turn = stream_memory::current().turn();
    done.record(streams::current());
  }
  done.wait();
}

/// Uninitialised memory on the current device. Throws thunder::error when there is no such memory; everything stays usable then.
inline storage allocate(std::size_t bytes) {
  if (bytes == 0) return {nullptr, 0, device::cuda, nullptr};
  stream_memory& memory = stream_memory::current();
  const std::size_t rounded = stream_memory::rounded(bytes);
  void* p = memory.take(rounded);
  for (int attempt = 0; !p && cudaMalloc(&p, rounded) != cudaSuccess; ++attempt) {
    (void)cudaGetLastError();  // the failure is not sticky
    p = nullptr;
    if (attempt == 0) {
      stream_memory::clear();
      continue;
    }
    std::size_t free = 0, total = 0;
    cudaMemGetInfo(&free, &total);
    throw error("out of memory: cannot allocate " + std::to_string(bytes) + " bytes on the cuda device, which has " + std::to_string(free) + " of " +
                std::to_string(total) + " free");
  }
  return {p, bytes, device::cuda, [](void* q, std::size_t n, void* where) noexcept { static_cast<stream_memory*>(where)->give(q, stream_memory::rounded(n)); }, &memory};
}
/// Copies between host and device or within the device, after what was started on this thread's stream; returns when it is done.
inline void copy(void* to, const void* from, std::size_t bytes) {
  event done;
  {
    const auto turn = stream_memory::current().turn();
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, streams::current()), "cuda: copying");
    done.record(streams::current());
  }
  done.wait();
}
/// Gives the memory of freed tensors back to the device, for other users of it.
inline void release_cached_memory() { stream_memory::clear(); }
/// Waits for this thread's stream. An error of what was running is left for the next call to report.
inline void wait() noexcept {
  try {
    synchronize();
  } catch (...) {
  }
}
inline constexpr device_runtime runtime{&allocate, &copy, &wait};
inline const bool registered = (cuda_runtime = &runtime, true);

inline void* stream_memory::workspace(std::size_t bytes) {
  auto& w = workspaces_;
  if (w.empty() || w.back().bytes() < bytes) {
    w.reserve(w.size() + 1);
    w.push_back(allocate(w.empty() || bytes > 2 * w.back().bytes() ? bytes : 2 * w.back().bytes()));
  }
  return w.back().data();
}
/// The working memory of this thread's stream.
inline void* workspace(std::size_t bytes) { return stream_memory::current().workspace(bytes); }

}  // namespace thunder::cuda
