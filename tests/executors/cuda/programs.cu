// Whole programs on the GPU: the same random numbers as on the CPU, training with a state, named dimensions, donation, errors.
#include <atomic>
#include <thread>

#include <thunder/runtime/cuda_batch_loader.hpp>

#include "both.hpp"

using namespace both;

namespace {

inline constexpr auto B = dim("batch");

struct model {
  constexpr auto operator()(auto x) const { return nn::linear<"out", 3>(tanh(nn::linear<"hidden", 16>(x))); }
};
inline constexpr auto train_step = [](auto x, auto y, auto rate) {
  auto loss = [](auto inputs, auto labels) { return cross_entropy(model{}(inputs), labels); };
  auto [value, gradients] = value_and_grad(loss, wrt_parameters)(x, y);
  auto [clipped, norm] = optim::clip_by_global_norm(gradients, 1_c);
  return std::tuple{value, update(optim::adamw(clipped, rate))};
};

}  // namespace

TEST_CASE("random numbers are those of the CPU") {
  if (!have_device()) return;
  const tensor<std::int64_t> key = std::int64_t{7};
  check("uniform", 0, [](auto k) { return uniform<float, 1001>(k); }, key);
  check("normal", 1e-6, [](auto k) { return normal<float, 1001>(k); }, key);
  check("dropout", 1e-7, [](auto x, auto k) { return dropout(x, 0.25_c, k); }, numbers<float, 33, 100>(1), key);
  check("derived keys", 0, [](auto k) { return uniform<float, 17>(fold_in(k, 3_c)); }, key);
}

TEST_CASE("training on the GPU follows training on the CPU") {
  if (!have_device()) return;
  auto here = jit(train_step);
  auto there = jit<device::cuda>(train_step);
  auto x = tensor<float, B, 5>::full(0, 12);
  auto y = tensor<std::int32_t, B>::full(0, 12);
  for (std::int64_t i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(random_word(std::int64_t{3}, i) >> 8) * 0x1p-23f - 1;
  for (int i = 0; i < 12; ++i) y(i) = i % 3;
  state a = init(here, 1, x, y, 0.01f), b = init(there, 1, x, y, 0.01f);
  CHECK(b.at("hidden.weight").value.where() == device::cuda);
  float last = 0;
  for (int i = 0; i < 100; ++i) {
    const int n = i % 7 == 6 ? 5 : 12;  // some batches are smaller
    auto [loss_a, done_a] = here(a, x.slice(0, n), y.slice(0, n), 0.01f);
    auto [loss_b, done_b] = there(b, x.slice(0, n), y.slice(0, n), 0.01f);
    CHECK(loss_b.item() == doctest::Approx(loss_a.item()).epsilon(1e-3));
    last = loss_b.item();
  }
  CHECK(last < 1.0f);
  const state back = b.to(device::cpu);
  for (const auto& [name, value] : a) {
    INFO(name);
    CHECK(value.bytes() == back.at(name).value.bytes());
  }
}

TEST_CASE("donated arguments are overwritten in place") {
  if (!have_device()) return;
  auto add = jit<device::cuda>([](auto a, auto b) { return a + b; });
  auto a = tensor<float, 4>{1, 2, 3, 4}.to(device::cuda), b = tensor<float, 4>{10, 20, 30, 40}.to(device::cuda);
  const void* memory = a.data();
  auto c = add(donate(a), b);
  CHECK(c.data() == memory);
  CHECK(c.to(device::cpu) == tensor<float, 4>{11, 22, 33, 44});
}

TEST_CASE("views at odd addresses, small results of bf16, other streams") {
  if (!have_device()) return;
  auto x = tensor<float, B>::full(0, 101);
  for (int i = 0; i < 101; ++i) x(i) = static_cast<float>(i);
  const auto there = x.to(device::cuda);
  auto twice = jit<device::cuda>([](auto a) { return a * 2_c; });
  for (int run = 0; run < 3; ++run) CHECK(twice(there.slice(1, 100)).to(device::cpu)(50) == 102.0f);
  auto squash = jit<device::cuda>([](auto a) { return std::tuple{sigmoid(a), log(sigmoid(a)), gelu(a)}; });
  const auto [s, l, g] = squash(tensor<bf16, 4>{-4, -10, -20, -30}.to(device::cuda));
  CHECK(static_cast<float>(s.to(device::cpu)(2)) == doctest::Approx(2.06e-9).epsilon(0.02));
  CHECK(static_cast<float>(l.to(device::cpu)(3)) == doctest::Approx(-30).epsilon(0.02));
  CHECK(static_cast<float>(g.to(device::cpu)(0)) == doctest::Approx(-7.0e-5).epsilon(0.1));
  cudaStream_t own = nullptr;
  cuda::check(cudaStreamCreateWithFlags(&own, cudaStreamNonBlocking), "stream");
  auto y = twice(there);
  {
    const cuda::stream_scope scope(own);
    y = twice(y);
  }
  y = twice(y);
  CHECK(y.to(device::cpu)(100) == 800.0f);
  cudaStreamDestroy(own);
}

TEST_CASE("threads with programs of their own share a stream") {
  if (!have_device()) return;
  constexpr int rows = 4096, columns = 256, threads = 4;
  std::atomic<int> wrong = 0, running = threads;
  auto guarded = [&](auto work) {
    try {
      work();
    } catch (const std::exception& e) {
      std::fputs(e.what(), stderr);
      ++wrong;
    }
  };
  auto call_program = [&](int k) {
    auto sums = jit<device::cuda>([](auto x, auto y) { return std::pair{sum(x * y, axis<0>), sum(x - y)}; });  // two kernels each, with memory between them
    const auto x = tensor<float, rows, columns>::full(static_cast<float>(k + 1)).to(device::cuda);
    std::vector<tensor<float, rows, columns>> y;  // more than a program keeps records of: it goes on recording
    for (int i = 0; i < 20; ++i) y.push_back(tensor<float, rows, columns>::full(0.5f).to(device::cuda));
    for (int call = 0; call < 100; ++call) {
      const auto [of_columns, all] = sums(x, y[static_cast<std::size_t>(call / 2 % 20)]);
      wrong += of_columns.to(device::cpu)(columns - 1) != 0.5f * static_cast<float>((k + 1) * rows) || all.to(device::cpu).item() != (static_cast<float>(k) + 0.5f) * rows * columns;
    }
  };
  std::vector<std::thread> all;
  for (int k = 0; k < threads; ++k)
    all.emplace_back([&, k] {
      guarded([&] { call_program(k); });
      --running;
    });
  all.emplace_back([&] {
    guarded([&] {
      while (running > 0) {
        cuda::synchronize();
        batch_lane<device::cuda> lane;
        lane.read();
        lane.done();
      }
    });
  });
  for (auto& t : all) t.join();
  CHECK(wrong == 0);
}

TEST_CASE("mistakes name the argument") {
  if (!have_device()) return;
  auto there = jit<device::cuda>(train_step);
  const tensor<float, B, 5> x(4);
  const tensor<std::int32_t, B> y(4);
  auto here = jit(train_step);
  state s = init(here, 1, x, y, 0.01f);  // on the CPU
  CHECK_THROWS_AS(there(s, x, y, 0.01f), device_error);
  auto add = jit([](auto a) { return a + 1_c; });
  const auto away = tensor<float, 2>{1, 2}.to(device::cuda);
  CHECK_THROWS_WITH_AS(add(away), "argument 0 is on the cuda device, and the program runs on cpu: copy it with x.to(device::cpu), or make the program for its device with jit<device::cuda>", device_error);
  auto refused = jit<device::cuda, non_finite::refuse>([](auto a) { return log(a); });
  CHECK_THROWS_AS(refused(tensor<float, 2>{1, -1}.to(device::cuda)), numeric_error);
}
