#pragma once
/// Programs as CUDA graphs: the first call with given buffers runs the steps, the second records them, later ones replay the record.
#include <algorithm>
#include <cstring>

#include "../../core/dim.hpp"
#include "../../runtime/cuda.hpp"

namespace thunder::cuda {

/// Whether programs are replayed as graphs; off, every call launches its kernels. For debuggers, profilers, and streams that the caller
/// records: run a program once before, so that nothing is allocated.
inline bool record_programs = true;

/// Copies of arguments that are on the host, or at an address that is not a multiple of 16: each has a place of its own that stays, so that
/// records can name it.
class staging {
 public:
  /// Memory for argument number `index`.
  void* place(int index, std::size_t bytes) {
    const auto i = static_cast<std::size_t>(index);
    if (places_.size() <= i) places_.resize(i + 1);
    storage& place = places_[i];
    if (place.bytes() < bytes) {
      if (place.bytes()) synchronize();
      place = storage();
      place = allocate(bytes);
    }
    return place.data();
  }
  void* bring(int index, const void* data, std::size_t bytes) {
    void* const to = place(index, bytes);
    if (bytes == 0) return to;
    check(cudaMemcpyAsync(to, data, bytes, cudaMemcpyDefault, streams::current()), "cuda: copying an argument");
    // From pageable memory CUDA has taken the bytes now; pinned memory may be written again only when the copy is done.
    cudaPointerAttributes where{};
    if (cudaPointerGetAttributes(&where, data) == cudaSuccess && where.type == cudaMemoryTypeHost) synchronize();
    return to;
  }

 private:
  std::vector<storage> places_;
};

class recordings {
 public:
  recordings() = default;
  recordings(const recordings&) = delete;
  ~recordings() {
    for (auto& r : known_)
      if (r.graph) cudaGraphExecDestroy(r.graph);
  }

  template <class Steps> void play(void* const* buffers, int count, const bindings& b, Steps&& steps) {
    if (!record_programs) return steps();
    recording* r = find(buffers, count, b);
    if (!r) {  // not seen before: run, and remember
      steps();
      remember(buffers, count, b);
      return;
    }
    r->used = ++clock_;
    const cudaStream_t stream = streams::current();
    if (!r->graph) record(*r, stream, steps);
    check(cudaGraphLaunch(r->graph, stream), "cuda: replaying a program");
  }

 private:
  static constexpr std::size_t most = 16;
  struct recording {
    cudaStream_t stream = nullptr;  // its working memory is part of the record
    std::vector<void*> buffers;
    bindings sizes;
    cudaGraphExec_t graph = nullptr;
    std::uint64_t used = 0;
  };

  recording* find(void* const* buffers, int count, const bindings& b) {
    for (auto& r : known_)
      if (r.stream == streams::current() && std::equal(r.buffers.begin(), r.buffers.end(), buffers, buffers + count) && same(r.sizes, b)) return &r;
    return nullptr;
  }
  static bool same(const bindings& a, const bindings& b) {
    if (a.count != b.count) return false;
    for (int i = 0; i < a.count; ++i)
      if (a.names[i] != b.names[i] || a.sizes[i] != b.sizes[i]) return false;
    return true;
  }
  void remember(void* const* buffers, int count, const bindings& b) {
    if (known_.size() == most) {
      auto oldest = std::min_element(known_.begin(), known_.end(), [](const recording& x, const recording& y) { return x.used < y.used; });
      if (oldest->graph) cudaGraphExecDestroy(oldest->graph);
      known_.erase(oldest);
    }
    known_.push_back({streams::current(), {buffers, buffers + count}, b, nullptr, ++clock_});
  }
  template <class Steps> static void record(recording& r, cudaStream_t stream, Steps&& steps) {
    cudaGraph_t graph = nullptr;
    check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "cuda: recording a program");
    try {
      steps();
    } catch (...) {
      cudaStreamEndCapture(stream, &graph);
      if (graph) cudaGraphDestroy(graph);
      (void)cudaGetLastError();
      throw;
    }
    check(cudaStreamEndCapture(stream, &graph), "cuda: recording a program");
    const cudaError_t made = cudaGraphInstantiate(&r.graph, graph, 0);
    cudaGraphDestroy(graph);
    check(made, "cuda: making a graph of a program");
  }

  std::vector<recording> known_;
  std::uint64_t clock_ = 0;
};

}  // namespace thunder::cuda
