/// What small programs cost, by the host's clock: a whole training step of a small MLP (forward, backward, SGD with momentum), replayed as a CUDA graph and
/// launched; and a call that adds two short vectors, without a graph.
#include "timing.hpp"

using namespace timing;

constexpr int N = 64;

constexpr auto loss = [](auto x, auto y) {
  return cross_entropy(nn::linear<"c", 10>(relu(nn::linear<"b", 128>(relu(nn::linear<"a", 128>(x))))), y);
};

__global__ void nothing() {}

void cases() {
  auto step = jit<device::cuda>([](auto x, auto y, auto rate) {
    auto [value, gradients] = value_and_grad(loss, wrt_parameters)(x, y);
    return std::tuple{value, update(optim::sgd(gradients, rate))};
  });
  const auto x = random<float, N, 64>(1);
  tensor<std::int32_t, N> labels;
  for (int i = 0; i < N; ++i) labels(i) = i % 10;
  const auto y = labels.to(device::cuda);
  const auto rate = tensor<float>::full(0.1f).to(device::cuda);
  state parameters = init(step, 1, x, y, rate);
  std::printf("%d steps\n", step.lower(x, y, rate).step_count);
  for (const bool recorded : {true, false}) {
    cuda::record_programs = recorded;
    const double us = wall_microseconds([&] { auto [value, done] = step(parameters, x, y, rate); }, 1000);
    add_row({std::string("MLP 64x128x128x10 step, batch 64, ") + (recorded ? "replayed" : "launched"), us, 0, ""});
  }
  add_row({"launch of an empty kernel, host's time", wall_microseconds([] { nothing<<<1, 32, 0, cuda::streams::current()>>>(); }, 5000), 0, ""});
  const auto a = random<float, 16>(1), b = random<float, 16>(2);
  auto add = jit<device::cuda>([](auto p, auto q) { return p + q; });
  add_row({"add of 16 floats, host's time of a call", wall_microseconds([&] { auto c = add(a, b); }, 5000), 0, ""});
}

int main(int argc, char** argv) { return report(argc, argv, cases); }
