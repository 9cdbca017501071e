/// Rotary position embedding of queries and keys, bf16 [batch, time, heads, head size], beside a copy of as many bytes.
#include "timing.hpp"

using namespace timing;

constexpr int N = 4, T = 4096, H = 32, E = 128;

constexpr auto turned = [](auto q, auto k) {
  const auto position = unsqueeze(iota<std::int32_t, T>(axis<0>), axis<1>);
  return std::tuple{rope(q, position), rope(k, position)};
};

void cases() {
  constexpr std::int64_t one = std::int64_t{N} * T * H * E * 2;
  auto make = [](int k) { return std::tuple{random<bf16, N, T, H, E>(k), random<bf16, N, T, H, E>(100 + k)}; };
  measure("rope q,k forward 4x4096x32x128", 4 * one, turned, make);
  measure("rope q,k backward 4x4096x32x128", 4 * one, [](auto dq, auto dk) {
    // The function is linear: its gradients depend on dq and dk alone.
    return grad([](auto q, auto k, auto d1, auto d2) {
      const auto [a, b] = turned(q, k);
      return sum(cast<float>(a) * cast<float>(d1)) + sum(cast<float>(b) * cast<float>(d2));
    }, wrt<0, 1>)(dq, dk, dq, dk);
  }, make);
}

int main(int argc, char** argv) { return report(argc, argv, cases); }
