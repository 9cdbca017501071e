// Batches that are filled in pinned memory and copied while programs run: every step sees its own batch.
#include <thunder/runtime/cuda_batch_loader.hpp>
#include <thunder/thunder.hpp>

#include <doctest/doctest.h>

#include <vector>

using namespace thunder;

namespace {

inline constexpr auto B = dim("batch");
bool have_device() {
  int n = 0;
  return cudaGetDeviceCount(&n) == cudaSuccess && n > 0;
}

/// Keeps the stream busy for so many cycles: a few milliseconds for 5 million.
__global__ void keep_busy(std::int64_t cycles) {
  const std::int64_t begin = clock64();
  while (clock64() - begin < cycles) {}
}
/// Each step's sums, from programs that run late, or while their batch is on its way: they are looked at when all have been started, so
/// that only the loader's own waits keep a batch from being read too early or overwritten too soon.
template <int Columns> void compare_sums(int rows, int count, int steps, std::int64_t cycles) {
  batch_loader<device::cuda, tensor<float, B, Columns>> batches(sizes({{B, rows}}), count);
  auto sums = jit<device::cuda>([](auto x) { return sum(x, axis<1>); });
  std::vector<tensor<float, B>> found;
  const auto other = tensor<float, B, Columns>::full(-1, rows).to(device::cuda);
  for (int k = 0; k < steps; ++k) found.push_back(sums(other));
  cuda::synchronize();
  found.clear();  // its memory is used again: allocating more would wait for the device
  for (int k = 0; k < steps; ++k) {
    batches.load([&](auto& x) {
      for (float& v : x.span()) v = static_cast<float>(k + 1);
    });
    auto [x] = batches.next();
    if (cycles > 0) keep_busy<<<1, 1, 0, cuda::streams::current()>>>(cycles);
    found.push_back(sums(x));
  }
  for (int k = 0; k < steps; ++k) {
    const auto there = found[static_cast<std::size_t>(k)].to(device::cpu);
    INFO("step " << k);
    for (int row : {0, rows / 2, rows - 1}) CHECK(there(row) == static_cast<float>(Columns * (k + 1)));
  }
}

}  // namespace

TEST_CASE("a program waits for its batch") {
  if (have_device()) compare_sums<1024>(16384, 2, 5, 0);  // 64 MiB are copied for a millisecond and more, and the device has nothing else to do
}
TEST_CASE("a batch stays until its program has read it, in both memories") {
  if (have_device())
    for (int count : {2, 3, 5}) compare_sums<64>(1000, count, 24, 5'000'000);  // the CPU is many batches ahead of the device
}
TEST_CASE("steps see their own batches, in order") {
  if (!have_device()) return;
  constexpr int rows = 5000, steps = 60;
  batch_loader<device::cuda, tensor<float, B, 64>, tensor<std::int32_t, B>> batches(sizes({{B, rows}}), 3);
  int number = 0;
  auto fill = [&](auto& x, auto& y) {
    for (float& v : x.span()) v = static_cast<float>(number);
    for (int i = 0; i < rows; ++i) y(i) = number;
    ++number;
  };
  auto total = jit<device::cuda>([](auto x, auto y) { return std::pair{sum(exp(x * 0_c) * x, axis<1>), sum(y)}; });
  batches.load(fill);
  batches.load(fill);
  for (int k = 0; k < steps; ++k) {
    auto [x, y] = batches.next();
    CHECK(x.where() == device::cuda);
    auto [s, t] = total(x, y);
    if (number < steps) batches.load(fill);
    const auto there = s.to(device::cpu);
    CHECK(there(0) == 64.0f * static_cast<float>(k));
    CHECK(there(rows - 1) == 64.0f * static_cast<float>(k));
    CHECK(t.item() == k * rows);
  }
  CHECK_THROWS_AS(batches.next(), error);
}
TEST_CASE("on a stream of the user's") {
  if (!have_device()) return;
  cudaStream_t mine;
  cuda::check(cudaStreamCreate(&mine), "making a stream");
  {
    cuda::stream_scope scope(mine);
    batch_loader<device::cuda, tensor<float, 1000>> batches({});
    auto twice = jit<device::cuda>([](auto x) { return x * 2_c; });
    for (int k = 0; k < 20; ++k) {
      batches.load([&](auto& x) { x(999) = static_cast<float>(k); });
      auto [x] = batches.next();
      CHECK(twice(x).to(device::cpu)(999) == static_cast<float>(2 * k));
    }
  }
  cudaStreamDestroy(mine);
}
