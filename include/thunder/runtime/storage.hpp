#pragma once
/// Owning bytes: what a tensor lives in.
#include <cstddef>
#include <cstring>
#include <new>
#include <utility>

#include "../core/error.hpp"
#include "device.hpp"
#include "kept_blocks.hpp"

namespace thunder {

/// What the runtime of a device other than the CPU does for tensors. runtime/cuda.hpp brings the one for CUDA; a program without it has none.
struct device_runtime {
  /// Uninitialised memory. Throws thunder::error when there is none.
  class storage (*allocate)(std::size_t bytes);
  /// Copies between the device and the CPU, or within the device, after all that was started before; returns when it is done.
  void (*copy)(void* to, const void* from, std::size_t bytes);
  /// Waits until the device has done all that was started, on every stream. Throws nothing.
  void (*wait)() noexcept;
};
inline const device_runtime* cuda_runtime = nullptr;
inline const device_runtime& runtime_of(device) {
  if (!cuda_runtime) throw device_error("there is no CUDA in this program: include <thunder/runtime/cuda.hpp> in one of its files");
  return *cuda_runtime;
}

/// Move-only owner of a block of memory on a device. Whoever allocated the block says how it is released, so that blocks of
/// other allocators (CUDA, a mapped file, another library) are adopted without a copy.
class storage {
 public:
  /// Releases `bytes` bytes at `data`; `context` is what the allocator handed over with the block.
  using release_function = void (*)(void* data, std::size_t bytes, void* context) noexcept;
  /// Every CPU block that thunder allocates starts at a multiple of this.
  static constexpr std::size_t alignment = 64;

  constexpr storage() noexcept = default;
  /// Adopts a block; `release` may be null, then nothing is released.
  constexpr storage(void* data, std::size_t bytes, device where, release_function release, void* context = nullptr) noexcept
      : data_(data), bytes_(bytes), release_(release), context_(context), where_(where) {}
  storage(storage&& o) noexcept { swap(o); }
  storage& operator=(storage&& o) noexcept {
    storage gone(std::move(o));
    swap(gone);
    return *this;
  }
  ~storage() {
    if (data_ && release_) release_(data_, bytes_, context_);
  }

  /// `bytes` uninitialised bytes of CPU memory, aligned to 64. Throws thunder::error when there is no such memory.
  static storage allocate(std::size_t bytes) {
    if (bytes == 0) return {};
    const bool large = bytes >= kept_blocks::smallest;
    void* data = large ? kept_blocks::allocate(bytes) : ::operator new(bytes, std::align_val_t(alignment), std::nothrow);
    if (!data) throw_error<error>({"out of memory: cannot allocate ", bytes, " bytes for a tensor on the cpu"});
    if (large) return {data, bytes, device::cpu, [](void* p, std::size_t n, void*) noexcept { kept_blocks::release(p, n); }};
    return {data, bytes, device::cpu, [](void* p, std::size_t, void*) noexcept { ::operator delete(p, std::align_val_t(alignment)); }};
  }

  /// The same on any device.
  static storage allocate(std::size_t bytes, device where) { return where == device::cpu ? allocate(bytes) : runtime_of(where).allocate(bytes); }

  void* data() noexcept { return data_; }
  const void* data() const noexcept { return data_; }
  std::size_t bytes() const noexcept { return bytes_; }
  device where() const noexcept { return where_; }

  void swap(storage& o) noexcept {
    std::swap(data_, o.data_), std::swap(bytes_, o.bytes_), std::swap(release_, o.release_);
    std::swap(context_, o.context_), std::swap(where_, o.where_);
  }

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
  release_function release_ = nullptr;
  void* context_ = nullptr;
  device where_ = device::cpu;
};

/// Waits until nothing that runs on a device can use its memory any more.
inline void wait_for(device where) noexcept {
  if (where == device::cuda && cuda_runtime) cuda_runtime->wait();
}

/// Copies bytes between blocks of memory of any devices.
inline void copy_bytes(void* to, device to_where, const void* from, device from_where, std::size_t bytes) {
  if (bytes == 0) return;
  if (to_where == device::cpu && from_where == device::cpu) std::memcpy(to, from, bytes);
  else runtime_of(device::cuda).copy(to, from, bytes);
}
/// Throws a device_error unless the elements can be read here.
inline void require_cpu(device where, const char* what) {
  if (where != device::cpu) throw_error<device_error>({what, ": the tensor is on the ", name_of(where), " device: copy it with x.to(device::cpu) first"});
}

}  // namespace thunder
