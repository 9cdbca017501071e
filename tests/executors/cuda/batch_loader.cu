// Batches that are filled in pinned memory and copied while programs run: every step sees its own batch.
#include <thunder/runtime/cuda_batch_loader.hpp>
#include <thunder/thunder.hpp>

#include <doctest/doctest.h>

using namespace thunder;

namespace {

inline constexpr auto B = dim("batch");
bool have_device() {
  int n = 0;
  return cudaGetDeviceCount(&n) == cudaSuccess && n > 0;
}

}  // namespace

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
