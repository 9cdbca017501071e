/// The MLP block of a transformer in bf16, 16384 rows, 768 to 3072 to 768, beside what its products would take at the rate of one large
/// product of the same process. Large products draw all the power that the GPU may draw, and its clock falls within a tenth of a second; so
/// everything here, and in peers.py, is timed when it has run for half a second.
#include "timing.hpp"

using namespace timing;

constexpr int R = 16384, W = 768, F = 3072;

double steady(std::int64_t bytes, double expected_us, auto f, auto make) { return time_program(bytes, f, make, static_cast<int>(5e5 / expected_us)); }

constexpr auto block = [](auto x, auto w1, auto b1, auto w2, auto b2) { return matmul(gelu(matmul(x, w1) + b1), w2) + b2; };

void cases() {
  using T = bf16;
  constexpr double product = 2.0 * R * W * F;
  const double large = steady(3 * 8192 * 8192 * 2ll, 1500, [](auto a, auto b) { return matmul(a, b); }, [](int k) { return std::tuple{random<T, 8192, 8192>(k), random<T, 8192, 8192>(100 + k)}; });
  add_row({"product 8192x8192x8192", large, 0, ""});
  const double rate = 2.0 * 8192 * 8192 * 8192 / large;
  auto make = [](int k) {
    return std::tuple{random<T, R, W>(k), random<T, W, F>(100 + k), random<T, F>(200 + k), random<T, F, W>(300 + k), random<T, W>(400 + k), random<T, R, W>(500 + k)};
  };
  const std::int64_t bytes = std::int64_t{R} * (3 * W + F) * 2;
  add_row({"MLP 16384x768x3072 forward", steady(bytes, 250, [](auto x, auto w1, auto b1, auto w2, auto b2, auto) { return block(x, w1, b1, w2, b2); }, make), 2 * product / rate, "product"});
  const double both = steady(bytes, 900, [](auto x, auto w1, auto b1, auto w2, auto b2, auto dy) {
    const auto gradients = grad([](auto x1, auto v1, auto c1, auto v2, auto c2, auto d) { return sum(cast<float>(block(x1, v1, c1, v2, c2)) * cast<float>(d)); }, wrt<0, 1, 2, 3, 4>)(x, w1, b1, w2, b2, dy);
    return std::pair{block(x, w1, b1, w2, b2), gradients};
  }, make);
  add_row({"MLP 16384x768x3072 forward+backward", both, 6 * product / rate, "product"});
}

int main(int argc, char** argv) { return report(argc, argv, cases); }
