// What goes wrong leaves everything usable, and says what it was; ranges for profilers.
#include <thunder/executors/cuda/nvtx.hpp>
#include <thunder/thunder.hpp>

#include <doctest/doctest.h>

#include <functional>
#include <vector>

using namespace thunder;

namespace {

inline constexpr auto M = dim("m");
inline constexpr auto N = dim("n");
bool have_device() {
  int n = 0;
  return cudaGetDeviceCount(&n) == cudaSuccess && n > 0;
}
std::string message(const std::function<void()>& f) {
  try {
    f();
  } catch (const error& e) {
    return e.what();
  }
  return "";
}
std::vector<std::string> ranges;

}  // namespace

TEST_CASE("memory that is not there") {
  if (!have_device()) return;
  auto outer = jit<device::cuda>([](auto a, auto b) { return exp(unsqueeze(a, axis<1>) * b); });
  const auto long_a = tensor<float, M>::full(0, 1 << 20);
  const auto long_b = tensor<float, N>::full(0, 1 << 20);
  const std::string what = message([&] { outer(long_a, long_b); });  // 4 TiB
  INFO(what);
  CHECK(what.find("out of memory: cannot allocate 4398046511104 bytes on the cuda device, which has ") == 0);
  CHECK(what.find("; the program needs 0 bytes between its steps and 4398046511104 for its results") != std::string::npos);
  for (int k = 0; k < 3; ++k) {
    const auto r = outer(long_a.slice(0, 3), long_b.slice(0, 5)).to(device::cpu);
    CHECK(r.size() == 15);
    CHECK(r(2, 4) == 1);
  }
}
TEST_CASE("a parameter at an odd address") {
  if (!have_device()) return;
  auto program = jit<device::cuda>([](auto x) { return x + param<"w", float, 2>(); });
  storage memory = cuda::allocate(64);
  const float numbers[4]{1, 2, 3, 4};
  cuda::copy(memory.data(), numbers, sizeof numbers);
  const std::int64_t extents[]{2};
  const auto x = tensor<float, 2>::full(10);
  state odd, even;
  odd.insert("w", any_tensor(dtype::f32, extents, storage(static_cast<char*>(memory.data()) + 4, 8, device::cuda, nullptr)));
  CHECK(message([&] { program(odd, x); }).find("the parameter 'w' starts at an address that is not a multiple of 16") == 0);
  even.insert("w", any_tensor(dtype::f32, extents, storage(static_cast<char*>(memory.data()), 8, device::cuda, nullptr)));
  CHECK(program(even, x).to(device::cpu)(1) == 12);
}
TEST_CASE("ranges around steps") {
  if (!have_device()) return;
  auto program = jit<device::cuda>([](auto x) { return tanh(nn::linear<"out", 3>(x)); });
  const auto x = tensor<float, 4, 2>::full(1);
  const state s = init(program, 1, x);
  cuda::begin_range = [](const char* text) { ranges.push_back(text); };
  cuda::end_range = [] { ranges.push_back("end"); };
  const bool recorded = cuda::record_programs;
  cuda::record_programs = false;
  program(s, x);
  CHECK(ranges == std::vector<std::string>{"step 0 (thunder.matmul, out)", "end", "step 1 (2 fused statements that end with thunder.tanh, out)", "end"});
  cuda::nvtx_ranges(true);
  const auto y = program(s, x).to(device::cpu);
  cuda::nvtx_ranges(false);
  CHECK(program(s, x).to(device::cpu)(0, 0) == y(0, 0));
  CHECK(ranges.size() == 4);
  cuda::record_programs = recorded;
}
