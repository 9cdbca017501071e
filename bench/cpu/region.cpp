// Fused regions on the CPU, in GB/s and as a share of what a streaming copy (vectors stored past the caches) reaches. All rows
// take turns, many times, so that whatever else the machine does meets all of them alike.
#include <thunder/thunder.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

using namespace thunder;
namespace {

constexpr std::int64_t n = 16 << 20;
constexpr double millions = n * 1e-6;

std::string processor() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown processor";
}

/// 64 MB, where tensors live.
struct numbers {
  storage bytes = storage::allocate(n * 4);
  float* p = static_cast<float*>(bytes.data());
  numbers() {
    cpu::parallel_for(n, n * 4, [&](std::int64_t i, std::int64_t end, int) {
      for (; i < end; ++i) p[i] = static_cast<float>(i % 4001) * 1e-3f - 2;
    });
  }
};

/// One thing to time: how often it moves 16M floats, and the seconds of its runs.
struct row {
  std::string name;
  double passes;
  std::function<void()> run;
  std::vector<double> seconds{};

  double gigabytes(double t) const { return passes * millions * 4e-3 / t; }
  void time() {
    const auto start = std::chrono::steady_clock::now();
    run();
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
};

void stream_copy(float* to, const float* from) {
  constexpr int lanes = cpu::default_target::bytes / 4;
  cpu::parallel_for(n / lanes, n * 8, [&](std::int64_t i, std::int64_t end, int) {
    for (; i < end; ++i) cpu::stream<dtype::f32, lanes>(to, i * lanes, cpu::load<dtype::f32, lanes>(from, i * lanes));
    cpu::finish_streaming();
  });
}
void plain_copy(float* to, const float* from) {
  cpu::parallel_for(n, n * 8, [&](std::int64_t i, std::int64_t end, int) {
    std::memcpy(to + i, from + i, static_cast<std::size_t>(end - i) * 4);
  });
}

/// The only step of a program, on buffers: results are not allocated, which would be timed too.
template <class Program>
std::function<void()> step_of(const Program&, std::vector<const void*> in, void* out) {
  static_assert(Program::step_count == 1);
  return [in, out] {
    static constexpr std::int64_t joined[]{n};  // dimensions without broadcasts are one, known at run time
    cpu::fused_loop<decltype(region_of<typename Program::plan, 0>())>::run(in.data(), &out, joined);
  };
}

}  // namespace

int main() {
  std::printf("%s, %d threads, %d-byte vectors, 16M floats\n", processor().c_str(), cpu::default_threads::available(),
              cpu::default_target::bytes);
  const numbers x, r, w, b, y;
  using square = tensor<float, 4096, 4096>;
  using tall = tensor<float, 16384, 1024>;

  std::vector<row> rows{{"streaming copy", 2, [&] { stream_copy(y.p, x.p); }}, {"memcpy", 2, [&] { plain_copy(y.p, x.p); }}};

  const auto chain = jit([](auto u, auto v, auto c, auto z) { return gelu(u * v + c) + z; });
  rows.push_back(
      {"gelu(x*w+b)+r, w and b per column", 3,
       step_of(chain.lower(spec<float, 4096, 4096>(), spec<float, 4096>(), spec<float, 4096>(), spec<float, 4096, 4096>()),
               {x.p, w.p, b.p, r.p}, y.p)});
  rows.push_back({"gelu(x*w+b)+r, w and b full", 5,
                  step_of(chain.lower(spec<float, 4096, 4096>(), spec<float, 4096, 4096>(), spec<float, 4096, 4096>(),
                                      spec<float, 4096, 4096>()),
                          {x.p, w.p, b.p, r.p}, y.p)});
  const auto tanh_chain = jit([](auto u, auto v, auto c, auto z) { return tanh(u * v + c) + z; });
  rows.push_back(
      {"tanh(x*w+b)+r, w and b per column", 3,
       step_of(tanh_chain.lower(spec<float, 4096, 4096>(), spec<float, 4096>(), spec<float, 4096>(), spec<float, 4096, 4096>()),
               {x.p, w.p, b.p, r.p}, y.p)});
  const auto add = jit([](auto u, auto z) { return u + z; });
  rows.push_back({"x + r", 3, step_of(add.lower(spec<float, 4096, 4096>(), spec<float, 4096, 4096>()), {x.p, r.p}, y.p)});

  const auto probabilities = jit([](auto u) { return softmax(u); });
  rows.push_back({"softmax 16384x1024", 2, step_of(probabilities.lower(spec<float, 16384, 1024>()), {x.p}, y.p)});
  rows.push_back({"softmax 4096x4096", 2, step_of(probabilities.lower(spec<float, 4096, 4096>()), {x.p}, y.p)});
  const auto norm = jit([](auto u, auto gain, auto offset) { return layer_norm(u, gain, offset); });
  rows.push_back(
      {"layer_norm 16384x1024", 2,
       step_of(norm.lower(spec<float, 16384, 1024>(), spec<float, 1024>(), spec<float, 1024>()), {x.p, w.p, b.p}, y.p)});

  // Whole programs: the cotangent's memory takes the gradient by x, the state is updated in place.
  const auto norm_backward = jit([](auto u, auto gain, auto offset, auto ct) {
    return grad([ct](auto a, auto g, auto o) { return sum(layer_norm(a, g, o) * ct); }, wrt<0, 1, 2>)(u, gain, offset);
  });
  tall input = tall::full(0.0f), cotangent = tall::full(0.0f);
  std::copy(x.p, x.p + n, input.data()), std::copy(x.p, x.p + n, cotangent.data());
  const auto gain = tensor<float, 1024>::full(1.0f), offset = tensor<float, 1024>::full(0.5f);
  rows.push_back({"layer_norm 16384x1024, backward", 3,
                  [&] { cotangent = std::get<0>(norm_backward(input, gain, offset, donate(cotangent))); }});

  const auto optimizer = jit([](auto g, auto rate) {
    const auto loss = [](auto c) { return sum(param<"w", float, 4096, 4096>() * c); };  // whose gradient is g
    return update(optim::adamw(grad(loss, wrt_parameters)(g), rate));
  });
  square gradient = square::full(0.0f);
  std::copy(x.p, x.p + n, gradient.data());
  state parameters = init(optimizer, 1, gradient, 1e-3f);
  rows.push_back({"AdamW", 7, [&] { optimizer(parameters, gradient, 1e-3f); }});

  constexpr int rounds = 31;
  for (int k = 0; k < rounds; ++k)
    for (row& one : rows) one.time();
  for (row& one : rows) std::sort(one.seconds.begin(), one.seconds.end());
  const auto share = [&](const row& one, std::size_t k) {
    return 100 * one.gigabytes(one.seconds[k]) / rows[0].gigabytes(rows[0].seconds[k]);
  };
  std::printf("%-36s %32s %32s\n", "", "median of 31", "best");
  for (const row& one : rows) {
    std::printf("%-36s", one.name.c_str());
    for (std::size_t k : {std::size_t{rounds / 2}, std::size_t{0}})
      std::printf(" %8.2f ms %6.1f GB/s %4.0f %% copy", one.seconds[k] * 1e3, one.gigabytes(one.seconds[k]), share(one, k));
    std::printf("\n");
  }
}
