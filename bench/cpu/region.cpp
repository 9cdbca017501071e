// Fused regions on the CPU, in GB/s and as a share of what a copy of as many bytes reaches in the same run.
//   g++ -std=c++20 -O3 -march=native -fopenmp -Iinclude bench/cpu/region.cpp && ./a.out
#include <thunder/executors/cpu/region.hpp>
#include <thunder/ops/reduce.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

using namespace thunder;
using dtype::f32;
namespace {

constexpr std::int64_t bits(double x) { return std::bit_cast<std::int64_t>(x); }

// gelu(x * w + b) + r, gelu in its tanh form; W is the mask of w and b
template <std::int64_t R, std::int64_t C, unsigned W>
using gelu_chain =
    region<space<R, C>, pack<input<f32, 3>, input<f32, W>, input<f32, W>, input<f32, 3>>, pack<output<19, f32, 3>>,
           s<ops::mul, words<>, f32, 3, 0, 1>, s<ops::add, words<>, f32, 3, 4, 2>, s<ops::mul, words<>, f32, 3, 5, 5>,
           s<ops::mul, words<>, f32, 3, 6, 5>, s<ops::full, words<bits(0.044715)>, f32, 0>, s<ops::mul, words<>, f32, 3, 7, 8>,
           s<ops::add, words<>, f32, 3, 5, 9>, s<ops::full, words<bits(0.7978845608028654)>, f32, 0>,
           s<ops::mul, words<>, f32, 3, 10, 11>, s<ops::tanh, words<>, f32, 3, 12>, s<ops::full, words<bits(1)>, f32, 0>,
           s<ops::add, words<>, f32, 3, 13, 14>, s<ops::full, words<bits(0.5)>, f32, 0>, s<ops::mul, words<>, f32, 3, 5, 16>,
           s<ops::mul, words<>, f32, 3, 17, 15>, s<ops::add, words<>, f32, 3, 18, 3>>;
template <std::int64_t R, std::int64_t C>
using softmax = region<space<R, C>, pack<input<f32, 3>>, pack<output<5, f32, 3>>, s<ops::max, words<2>, f32, 1, 0>,
                       s<ops::sub, words<>, f32, 3, 0, 1>, s<ops::exp, words<>, f32, 3, 2>, s<ops::sum, words<2>, f32, 1, 3>,
                       s<ops::div, words<>, f32, 3, 3, 4>>;
// (x - mean) / sqrt(variance + 1e-5) * gamma + beta
template <std::int64_t R, std::int64_t C>
using layer_norm =
    region<space<R, C>, pack<input<f32, 3>, input<f32, 2>, input<f32, 2>>, pack<output<15, f32, 3>>,
           s<ops::sum, words<2>, f32, 1, 0>, s<ops::full, words<bits(1.0 / static_cast<double>(C))>, f32, 0>,
           s<ops::mul, words<>, f32, 1, 3, 4>, s<ops::sub, words<>, f32, 3, 0, 5>, s<ops::mul, words<>, f32, 3, 6, 6>,
           s<ops::sum, words<2>, f32, 1, 7>, s<ops::mul, words<>, f32, 1, 8, 4>, s<ops::full, words<bits(1e-5)>, f32, 0>,
           s<ops::add, words<>, f32, 1, 9, 10>, s<ops::rsqrt, words<>, f32, 1, 11>, s<ops::mul, words<>, f32, 3, 6, 12>,
           s<ops::mul, words<>, f32, 3, 13, 1>, s<ops::add, words<>, f32, 3, 14, 2>>;
template <std::int64_t N>
using total = region<space<N>, pack<input<f32, 1>>, pack<output<1, f32, 0>>, s<ops::sum, words<1>, f32, 0, 0>>;
template <std::int64_t R, std::int64_t C>
using columns = region<space<R, C>, pack<input<f32, 3>>, pack<output<1, f32, 2>>, s<ops::sum, words<1>, f32, 2, 0>>;

struct buffer {
  float* p;
  explicit buffer(std::int64_t n) : p(static_cast<float*>(std::aligned_alloc(64, static_cast<std::size_t>(n) * 4))) {
    cpu::parallel_for(n, n * 4, [&](std::int64_t i, std::int64_t end, int) {
      for (; i < end; ++i) p[i] = static_cast<float>(i % 4001) * 1e-3f - 2;
    });
  }
};

/// Seconds of a call: the median, and the best (what counts where others use the machine too).
struct seconds {
  double median, best;
};
template <class F>
seconds measured(F&& f) {
  constexpr int runs = 31;
  std::vector<double> t;
  for (int i = 0; i < runs; ++i) {
    const auto start = std::chrono::steady_clock::now();
    f();
    t.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(t.begin(), t.end());
  return {t[runs / 2], t[0]};
}

/// The fastest copy that we know: memcpy on each thread, or vectors stored past the caches.
seconds copy(float* to, const float* from, std::int64_t n) {
  const seconds a = measured([&] {
    cpu::parallel_for(n, n * 8, [&](std::int64_t i, std::int64_t end, int) {
      std::memcpy(to + i, from + i, static_cast<std::size_t>(end - i) * 4);
    });
  });
  const seconds b = measured([&] {
    constexpr int lanes = cpu::default_target::bytes / 4;
    cpu::parallel_for(n / lanes, n * 8, [&](std::int64_t i, std::int64_t end, int) {
      for (; i < end; ++i) cpu::stream<f32, lanes>(to, i * lanes, cpu::load<f32, lanes>(from, i * lanes));
      cpu::finish_streaming();
    });
  });
  const double gigabytes = 8e-9 * static_cast<double>(n);
  std::printf("copy of %lld MB: memcpy %.1f GB/s (best %.1f), streaming %.1f (%.1f)\n", static_cast<long long>(n >> 18),
              gigabytes / a.median, gigabytes / a.best, gigabytes / b.median, gigabytes / b.best);
  return {std::min(a.median, b.median) / gigabytes, std::min(a.best, b.best) / gigabytes};
}

template <class Region>
void report(const char* name, double bytes, seconds copied, std::vector<const void*> in, void* out,
            const std::int64_t* dims = nullptr) {
  const seconds t = measured([&] { cpu::fused_loop<Region>::run(in.data(), &out, dims); });
  const double gigabytes = bytes * 1e-9;
  std::printf("%-36s %7.2f ms %6.1f GB/s %4.0f %% of copy; best %7.2f ms %6.1f GB/s %4.0f %%\n", name, t.median * 1e3,
              gigabytes / t.median, 100 * gigabytes * copied.median / t.median, t.best * 1e3, gigabytes / t.best,
              100 * gigabytes * copied.best / t.best);
}

}  // namespace

int main() {
  constexpr std::int64_t n = 16 << 20, R = 4096, C = 4096;
  buffer x(n), r(n), y(n), w(n), b(n);
  std::printf("%d threads, %d-byte vectors\n", cpu::default_threads::available(), cpu::default_target::bytes);
  const std::int64_t dims[]{R, C};
  seconds copied = copy(y.p, x.p, n);
  report<gelu_chain<R, C, 2>>("gelu(x*w+b)+r, w and b per column", 12.0 * n, copied, {x.p, w.p, b.p, r.p}, y.p);
  report<gelu_chain<-1, -2, 2>>("  run-time extents", 12.0 * n, copied, {x.p, w.p, b.p, r.p}, y.p, dims);
  report<gelu_chain<R, C, 3>>("gelu(x*w+b)+r, w and b full", 20.0 * n, copied, {x.p, w.p, b.p, r.p}, y.p);
  copied = copy(y.p, x.p, n);
  report<total<n>>("sum of 16M", 4.0 * n, copied, {x.p}, y.p);
  report<columns<R, C>>("sum over rows, 4096x4096", 4.0 * n, copied, {x.p}, y.p);
  constexpr std::int64_t m = 4096 * 1024;
  copied = copy(y.p, x.p, m);
  report<softmax<4096, 1024>>("softmax 4096x1024", 8.0 * m, copied, {x.p}, y.p);
  report<layer_norm<4096, 1024>>("layer_norm 4096x1024", 8.0 * m, copied, {x.p, w.p, b.p}, y.p);
  copied = copy(y.p, x.p, n);
  report<softmax<16384, 1024>>("softmax 16384x1024", 8.0 * n, copied, {x.p}, y.p);
  report<layer_norm<16384, 1024>>("layer_norm 16384x1024", 8.0 * n, copied, {x.p, w.p, b.p}, y.p);
}
