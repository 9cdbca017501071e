#pragma once
/// Times of kernels on a GPU: CUDA events around many launches over buffers that together are larger than the second-level cache, the
/// median of several rounds; and what a plain copy of the same number of bytes takes in the same process.
///
/// A program's main is `return timing::report(argc, argv, cases)`: it prints a Markdown row for each case that `cases` measures, and with
/// `--json FILE` writes the same to a file, which bench/table.py reads (bench/report.hpp).
#include <algorithm>
#include <chrono>
#include <functional>

#include <thunder/thunder.hpp>

#include "../report.hpp"

namespace timing {
using namespace thunder;

/// Reads and writes 16 bytes a thread and step, four at a time: what a copy of `vectors` * 16 bytes costs.
__global__ void copy_kernel(const uint4* from, uint4* to, std::int64_t vectors) {
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * blockDim.x * 4 + threadIdx.x;
  uint4 v[4];
#pragma unroll
  for (int u = 0; u < 4; ++u)
    if (first + u * blockDim.x < vectors) v[u] = __ldcs(from + first + u * blockDim.x);
#pragma unroll
  for (int u = 0; u < 4; ++u)
    if (first + u * blockDim.x < vectors) to[first + u * blockDim.x] = v[u];
}

/// Median microseconds of one call of `run(i)`, where i counts up so that buffers can rotate. warm: calls before.
inline double microseconds(const std::function<void(int)>& run, int warm = 3, int calls = 20, int rounds = 7) {
  const cudaStream_t stream = cuda::streams::current();
  cuda::event begin(true), end(true);
  int i = 0;
  for (int k = 0; k < warm; ++k) run(i++);
  std::vector<double> times;
  for (int r = 0; r < rounds; ++r) {
    cuda::synchronize();
    begin.record(stream);
    for (int k = 0; k < calls; ++k) run(i++);
    end.record(stream);
    end.wait();
    times.push_back(1e6 * end.seconds_since(begin) / calls);
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

/// Microseconds of a copy kernel that reads bytes / 2 and writes bytes / 2.
inline double copy_microseconds(std::int64_t bytes) {
  const std::int64_t vectors = bytes / 32;
  const int sets = static_cast<int>(std::max<std::int64_t>(2, (std::int64_t{256} << 20) / std::max<std::int64_t>(bytes, 1) + 1));
  std::vector<storage> memory;
  for (int k = 0; k < 2 * sets; ++k) memory.push_back(cuda::allocate(static_cast<std::size_t>(vectors * 16)));
  return microseconds([&](int i) {
    copy_kernel<<<static_cast<unsigned>((vectors + 1023) / 1024), 256, 0, cuda::streams::current()>>>(
        static_cast<const uint4*>(memory[static_cast<std::size_t>(2 * (i % sets))].data()), static_cast<uint4*>(memory[static_cast<std::size_t>(2 * (i % sets) + 1)].data()), vectors);
  });
}

/// Random numbers on the device.
template <class T, auto... D> tensor<T, D...> random(std::int64_t seed) {
  static auto draw = jit<device::cuda>([](auto key) { return normal<T, D...>(key); });
  return draw(seed);
}

inline std::string machine() {
  cudaDeviceProp p{};
  cuda::check(cudaGetDeviceProperties(&p, 0), "device");
  return std::string(p.name) + ", CUDA " + std::to_string(CUDART_VERSION / 1000) + "." + std::to_string(CUDART_VERSION % 1000 / 10);
}
/// Runs the cases; a program's exit status.
inline int report(int argc, char** argv, void (*cases)()) { return report(argc, argv, machine, cases); }

/// How many sets of buffers of `bytes` bytes rotate.
inline int sets_of(std::int64_t bytes) { return static_cast<int>(std::max<std::int64_t>(2, (std::int64_t{200} << 20) / std::max<std::int64_t>(bytes, 1 << 20) + 1)); }
/// Microseconds of program f on arguments made by `make(set)`, whose buffers have `bytes` bytes in all.
template <class Executor = cuda::executor, class F, class Make> double time_program(std::int64_t bytes, F f, Make make, int warm = 3) {
  cuda::record_programs = false;
  auto program = jitted<F, Executor, non_finite::keep>(f);
  using arguments = decltype(make(0));
  const int sets = sets_of(bytes);
  std::vector<arguments> inputs;
  for (int k = 0; k < sets; ++k) inputs.push_back(make(k));
  using result = decltype(std::apply([&](auto&... a) { return program(a...); }, inputs[0]));
  std::vector<result> kept(static_cast<std::size_t>(sets));  // so that results rotate, too
  const double us = microseconds([&](int i) {
    const auto k = static_cast<std::size_t>(i % sets);
    kept[k] = std::apply([&](auto&... a) { return program(a...); }, inputs[k]);
  }, warm);
  kept.clear(), inputs.clear();
  cuda::stream_memory::clear();
  return us;
}
/// Times program f on arguments made by `make(set)`, which read and write `bytes` bytes in all, against a copy.
template <class F, class Make> void measure(const std::string& name, std::int64_t bytes, F f, Make make) {
  if (!wanted(name)) return;
  const double us = time_program(bytes, f, make);
  add_row({name, us, copy_microseconds(bytes), "copy"});
  cuda::stream_memory::clear();
}
/// Median microseconds of one call by the host's clock, when many calls follow one another and the device ends the last.
inline double wall_microseconds(const std::function<void()>& run, int calls, int rounds = 7) {
  for (int k = 0; k < 5; ++k) run();
  std::vector<double> times;
  for (int r = 0; r < rounds; ++r) {
    cuda::synchronize();
    const auto begin = std::chrono::steady_clock::now();
    for (int k = 0; k < calls; ++k) run();
    cuda::synchronize();
    times.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count() / calls);
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

}  // namespace timing
