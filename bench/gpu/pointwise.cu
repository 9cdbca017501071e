/// Bias + GELU and bias + dropout + residual in bf16, each pass beside a copy of as many bytes. Backward: from dy and what the forward pass
/// had to the gradients of x and of the bias. The drawing of dropout's random numbers alone, without memory, is a case of its own.
#include "timing.hpp"

using namespace timing;

constexpr int R = 16384, G = 3072, D = 4096;

void cases() {
  using T = bf16;
  constexpr std::int64_t g = std::int64_t{R} * G * 2, d = std::int64_t{R} * D * 2;
  auto two = [](int k) { return std::tuple{random<T, R, G>(k), random<T, G>(100 + k), random<T, R, G>(200 + k)}; };
  measure("bias + gelu forward 16384x3072", 2 * g, [](auto x, auto b, auto) { return gelu(x + b); }, two);
  measure("bias + gelu backward 16384x3072", 3 * g, [](auto x, auto b, auto dy) {
    return grad([](auto x1, auto b1, auto d1) { return sum(cast<float>(gelu(x1 + b1)) * cast<float>(d1)); }, wrt<0, 1>)(x, b, dy);
  }, two);

  auto with_key = [](int k) {
    return std::tuple{random<T, R, D>(k), random<T, D>(100 + k), random<T, R, D>(200 + k), tensor<std::int64_t>::full(300 + k).to(device::cuda)};
  };
  measure("bias + dropout + residual forward 16384x4096", 3 * d, [](auto x, auto b, auto r, auto key) { return dropout(x + b, 0.1_c, key) + r; }, with_key);
  // (the residual's gradient is dy itself)
  measure("bias + dropout + residual backward 16384x4096", 2 * d, [](auto x, auto b, auto dy, auto key) {
    return grad([](auto x1, auto b1, auto d1, auto k1) { return sum(cast<float>(dropout(x1 + b1, 0.1_c, k1)) * cast<float>(d1)); }, wrt<0, 1>)(x, b, dy, key);
  }, with_key);
  const double philox = time_program(1, [](auto key) { return sum(uniform<float, R, D>(key)); }, [](int k) { return std::tuple{tensor<std::int64_t>::full(k).to(device::cuda)}; });
  add_row({"Philox alone 16384x4096", philox, 0, ""});
}

int main(int argc, char** argv) { return report(argc, argv, cases); }
