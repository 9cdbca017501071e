// Random numbers through jit: dropout's statistics and gradient, keys.
#include "compare.hpp"

#include <doctest/doctest.h>

using namespace thunder;
using namespace jit_tests;

namespace {
constexpr auto drop = [](auto x, auto key) { return dropout(x, 0.25_c, key); };
}

TEST_CASE("dropout keeps three of four, scaled, and the same ones for the same key") {
  auto program = jit(drop);
  const auto ones = tensor<float, 400, 250>::full(1.0f);
  const auto y = program(ones, std::int64_t{5}), again = program(ones, std::int64_t{5}), other = program(ones, std::int64_t{6});
  std::int64_t kept = 0, different = 0, both = 0;
  double along_rows = 0;
  for (std::int64_t i = 0; i < y.size(); ++i) {
    const float v = y.data()[i];
    CHECK_MESSAGE((v == 0 || v == doctest::Approx(4.0f / 3)), v);
    kept += v != 0, different += v != again.data()[i], both += v != 0 && other.data()[i] != 0;
    along_rows += i + 250 < y.size() ? static_cast<double>((v - 1) * (y.data()[i + 250] - 1)) : 0;
  }
  const double n = static_cast<double>(y.size());
  CHECK(different == 0);
  CHECK(std::abs(static_cast<double>(kept) / n - 0.75) < 0.007);        // five deviations
  CHECK(std::abs(static_cast<double>(both) / n - 0.5625) < 0.008);      // keys are independent
  CHECK(std::abs(along_rows / n) < 0.006);                              // rows are, too
}

TEST_CASE("the gradient uses the mask of the forward pass") {
  const auto both = [](auto x, auto key) {
    auto loss = [=](auto v) { return sum(drop(tanh(v), fold_in(key, 3_c)) * v); };
    return std::pair{drop(x * 0_c + 1_c, fold_in(key, 3_c)), grad(loss)(x)};
  };
  const auto x = wave<float, 20, 30>(0.3);
  const auto [mask, gradient] = jit(both)(x, std::int64_t{11});
  for (int i = 0; i < 600; ++i) {
    const double v = static_cast<double>(x.data()[i]), t = std::tanh(v);
    const double expected = static_cast<double>(mask.data()[i]) * (t + v * (1 - t * t));
    CHECK(static_cast<double>(gradient.data()[i]) == doctest::Approx(expected).epsilon(1e-4));
  }
  CHECK(error_of(both, x, std::int64_t{11}) < 1e-5);
}

TEST_CASE("the numbers are those of the reference executor, fused or not") {
  CHECK(error_of([](auto x, auto key) { return std::tuple{uniform<float, 5, 7>(key), x + uniform<float, 5, 7>(key), sum(normal<float, 5, 7>(fold_in(key, 1_c)) * x, axis<1>), normal<double, 5>(key)}; },
                 wave<float, 5, 7>(0.2), std::int64_t{-3}) < 1e-4);
  CHECK(error_of([](auto key, auto n) { return std::tuple{fold_in(key, n), fold_in(fold_in(key, 1_c), n)}; }, std::int64_t{9}, std::int64_t{1} << 40) == 0);
}

TEST_CASE("a normal distribution") {
  const auto x = jit([](auto key) { return normal<float, 100'000>(key); })(std::int64_t{1});
  double mean = 0, square = 0, fourth = 0;
  for (float v : x.span()) {
    const auto d = static_cast<double>(v);
    mean += d, square += d * d, fourth += d * d * d * d;
  }
  CHECK(std::abs(mean / 1e5) < 0.016);
  CHECK(std::abs(square / 1e5 - 1) < 0.023);
  CHECK(std::abs(fourth / 1e5 - 3) < 0.16);
}
