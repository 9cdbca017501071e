// The loss of a large vocabulary and its gradient on the GPU, against the interpreter: rows in registers and shared memory, or read again in
// part; rows that begin anywhere.
#include "both.hpp"

using namespace both;

// The gradient is scaled so that it is about 1, however long the row is.
constexpr auto loss_and_gradient = [](auto x, auto t) {
  auto [loss, gradient] = value_and_grad([](auto y, auto u) { return sum(cross_entropy_rows(y, u)); })(x, t);
  return std::tuple{cross_entropy_rows(x, t), loss, gradient * 65536_c};
};
template <int R, int C> tensor<std::int32_t, R> labels() {
  auto t = tensor<std::int32_t, R>::full(0);
  for (std::int64_t i = 0; i < R; ++i) t.data()[i] = i == 0 ? 0 : i == 1 ? C - 1 : static_cast<std::int32_t>(random_word(std::int64_t{5}, i) % C);
  return t;
}
template <class T, int R, int C> void losses(double tolerance) { check("cross-entropy", tolerance, loss_and_gradient, numbers<T, R, C>(1), labels<R, C>()); }

TEST_CASE("cross-entropy") {
  if (!have_device()) return;
  losses<bf16, 9, 50257>(1e-2);
  losses<bf16, 8, 50304>(1e-2);
  losses<bf16, 5, 128256>(1e-2);
  losses<bf16, 3, 1000003>(1e-2);
  losses<float, 5, 50257>(1e-5);
  losses<float, 3, 128256>(1e-5);
}
