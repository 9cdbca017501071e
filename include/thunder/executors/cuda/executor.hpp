#pragma once
/// The CUDA executor: fused regions as kernels, everything else through library steps; a program that is called again is replayed as a
/// CUDA graph.
#include <cstring>
#include <iterator>

#include "finite.hpp"
#include "range.hpp"
#include "stream.hpp"
#include "library.hpp"
#include "recording.hpp"
#include "product_library.hpp"
#include "../../core/pack.hpp"
#include "../../transforms/product_epilogues.hpp"

namespace thunder::ops {
struct sort;
}

namespace thunder::cuda {

/// A template, so that every file may define it.
template <class T> __global__ void write_number(T* to, T x) { *to = x; }

struct few_words { std::uint32_t of[16]; };
template <class T> __global__ void write_words(std::uint32_t* to, const __grid_constant__ T x) { to[threadIdx.x] = x.of[threadIdx.x]; }

class executor {
 public:
  static constexpr device where = device::cuda;
  static constexpr std::uintptr_t alignment = 16;  // of arguments

  using range = cuda::range;
  using rewrite = product_epilogues<product_library>;

  static auto turn() { return stream_memory::current().turn(); }
  static storage allocate(std::size_t bytes) { return cuda::allocate(bytes); }
  template <class Region, int Count> void run(Region, const region_call (&calls)[Count]) { run_fused<Region>(gpu_stream{streams::current()}, calls); }
  template <class Op> void run(type_c<Op>, const step_arguments& x) {
    constexpr bool sorts = std::is_same_v<Op, ops::sort>;
    static_assert(!sorts || library_step<Op>::exists, "sort on a GPU is CUB's: write #include <thunder/executors/cuda/sort.hpp> above this file's programs");
    static_assert(sorts || library_step<Op>::exists, "no CUDA executor runs this op: give it a decompose, or a cuda::library_step of its own");
    if constexpr (library_step<Op>::exists) library_step<Op>::run(x, streams::current());
  }
  /// By a kernel, whose argument becomes part of a record; a copy would read the host's memory again at every replay.
  void write(void* to, std::int64_t x) {
    write_number<<<1, 1, 0, streams::current()>>>(static_cast<std::int64_t*>(to), x);
    check(cudaGetLastError(), "cuda: writing an extent");
  }
  static bool finite(const void* data, dtype t, std::int64_t bytes) { return device_finite(data, t, bytes); }
  /// A copy of an argument that is on the host, or at an odd address. A few bytes, such as a learning rate, go with a kernel's arguments,
  /// which costs less than a copy.
  void* bring(int index, const void* data, std::int64_t bytes, device from) {
    const auto n = static_cast<std::size_t>(bytes);
    few_words x{};
    if (from != device::cpu || n == 0 || n > sizeof x) return staging_.bring(index, data, n);
    auto* const to = static_cast<std::uint32_t*>(staging_.place(index, sizeof x));
    std::memcpy(&x, data, n);
    write_words<<<1, static_cast<unsigned>(std::size(x.of)), 0, streams::current()>>>(to, x);
    check(cudaGetLastError(), "cuda: copying an argument");
    return to;
  }
  template <class Steps> void play(void* const* buffers, int count, const bindings& b, Steps&& steps) { recordings_.play(buffers, count, b, steps); }

 private:
  staging staging_;
  recordings recordings_;
};

}  // namespace thunder::cuda
