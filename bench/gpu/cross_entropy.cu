/// Rows that registers cannot hold, in bf16: cross-entropy of large vocabularies, and a softmax. Microseconds, those of a copy of as many
/// bytes, and their ratio.
#include "timing.hpp"

using namespace timing;

template <int R, int C> tensor<std::int32_t, R> labels(std::int64_t seed) {
  auto t = tensor<std::int32_t, R>::full(0);
  for (std::int64_t i = 0; i < R; ++i) t.data()[i] = static_cast<std::int32_t>(random_word(seed, i) % C);
  return t.to(device::cuda);
}

template <int C> void losses() {
  constexpr int R = 8192;
  const std::string of = " 8192x" + std::to_string(C);
  const std::int64_t matrix = std::int64_t{R} * C * 2;
  auto make = [](int k) { return std::tuple{random<bf16, R, C>(k), labels<R, C>(k)}; };
  auto loss = [](auto x, auto t) { return cross_entropy(x, t); };
  measure("cross-entropy forward" + of, matrix, loss, make);
  measure("cross-entropy forward + backward" + of, 2 * matrix, [=](auto x, auto t) { return value_and_grad(loss)(x, t); }, make);
}
template <int R, int C> void softmaxes() {
  const std::string of = " " + std::to_string(R) + "x" + std::to_string(C);
  const std::int64_t matrix = std::int64_t{R} * C * 2;
  auto make = [](int k) { return std::tuple{random<bf16, R, C>(k), random<bf16, R, C>(100 + k)}; };
  measure("softmax forward" + of, 2 * matrix, [](auto x, auto) { return softmax(x); }, make);
  measure("softmax backward" + of, 3 * matrix, [](auto y, auto dy) { auto p = y * dy; return p - y * unsqueeze(sum(p, axis<-1>), axis<-1>); }, make);
}

void cases() {
  losses<50304>();
  losses<128256>();
  losses<50257>();
  softmaxes<16384, 32768>();
  softmaxes<16384, 32776>();  // forward: the shortest of the wide rows
  softmaxes<8192, 50304>();
  softmaxes<16384, 8191>();
}

int main(int argc, char** argv) { return report(argc, argv, cases); }
