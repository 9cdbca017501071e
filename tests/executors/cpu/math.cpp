// The error bounds that executors/cpu/math.hpp states, over a sweep of all floats (every 1009th; THUNDER_SWEEP=1 takes all).
#include <thunder/executors/cpu/math.hpp>
#include <thunder/executors/cpu/target.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace cpu = thunder::cpu;
namespace {

constexpr int N = cpu::default_target::bytes / 4, D = N / 2;
using F = cpu::vec<float, N>;

std::uint32_t stride() {
  const char* s = std::getenv("THUNDER_SWEEP");
  return s ? static_cast<std::uint32_t>(std::strtoul(s, nullptr, 10)) : 1009;
}

/// The distance of y from the exact value in units of the last place of the exact value's float (double).
template <class T, class Exact>
double error_in_ulp(T y, Exact exact) {
  const T nearest = static_cast<T>(exact);
  if (exact != exact) return y != y ? 0 : 1e30;
  if (!(std::abs(nearest) < cpu::infinity<T>) || y != y || !(std::abs(y) < cpu::infinity<T>)) return y == nearest ? 0 : 1e30;
  int e = 0;
  std::frexp(nearest, &e);
  if (nearest == 0 || e < std::numeric_limits<T>::min_exponent) e = std::numeric_limits<T>::min_exponent;
  return static_cast<double>(std::abs(static_cast<Exact>(y) - exact) / std::ldexp(Exact(1), e - std::numeric_limits<T>::digits));
}

struct worst {
  double ulp = 0;
  float at = 0;
};
template <class V, class Exact>
worst sweep(V f, Exact exact, float lowest = -cpu::infinity<float>) {
  worst w;
  const std::uint32_t step = stride();
  for (std::uint64_t i = 0; i < (std::uint64_t{1} << 32); i += std::uint64_t{step} * N) {
    F x;
    for (int k = 0; k < N; ++k)
      x.v[k] = std::bit_cast<float>(static_cast<std::uint32_t>(i + static_cast<std::uint64_t>(k) * step));
    const F y = f(x);
    for (int k = 0; k < N; ++k) {
      if (x[k] < lowest) continue;
      const double u = error_in_ulp(y[k], exact(static_cast<double>(x[k])));
      if (u > w.ulp) w = {u, x[k]};
    }
  }
  return w;
}
#define BOUND(name, bound)                                                                     \
  {                                                                                            \
    const worst w = sweep([](F x) { return name(x); }, [](double x) { return std::name(x); }); \
    MESSAGE(#name, ": ", w.ulp, " ulp at ", w.at);                                             \
    CHECK_MESSAGE(w.ulp <= bound, #name, " is ", w.ulp, " ulp off at ", w.at);                 \
  }

TEST_CASE("floats stay within the stated error") {
  BOUND(exp, 1.5)
  BOUND(expm1, 1.8)
  BOUND(tanh, 2.5)
  BOUND(erf, 1.2)
  BOUND(log, 1.0)
  BOUND(log1p, 1.5)
  BOUND(sin, 1.6)
  BOUND(cos, 1.6)
  BOUND(sqrt, 0.5)
  const worst w = sweep([](F x) { return rsqrt(x); }, [](double x) { return 1 / std::sqrt(x); });
  MESSAGE("rsqrt: ", w.ulp, " ulp at ", w.at);
  CHECK(w.ulp <= 1.5);
}

TEST_CASE("sigmoid and gelu") {
  const auto exact_sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  const auto exact_gelu = [&](double x) {
    return std::abs(x) > 1e12 ? (x < 0 ? -0.0 : x) : x * exact_sigmoid(x * (1.5957691216057308 + 0.07135481627260025 * x * x));
  };
  const auto check = [](const std::string& name, worst w, double bound) {
    MESSAGE(name, ": ", w.ulp, " ulp at ", w.at);
    CHECK_MESSAGE(w.ulp <= bound, name, " is ", w.ulp, " ulp off at ", w.at);
  };
  check("sigmoid", sweep([](F x) { return sigmoid(x); }, exact_sigmoid, -87), 3.4);
  for (auto [lowest, bound] : {std::pair{-1.0f, 3.3}, {-4.0f, 15.0}, {-9.5f, 150.0}})
    check("gelu", sweep([](F x) { return select(x < F(1e30f), gelu(x), x); }, exact_gelu, lowest), bound);
  for (float x : {-87.0f, -88.0f, -88.5f, -90.0f, -3e38f, -cpu::infinity<float>}) CHECK(sigmoid(F(x))[0] <= 0x1p-125f);
  CHECK(sigmoid(F(-cpu::infinity<float>))[0] == 0);
  for (float x : {-10.0f, -11.0f, -1e10f, -1e19f, -3e38f}) CHECK((gelu(F(x))[0] <= 0 && gelu(F(x))[0] > -1e-35f));
  for (float x : {10.0f, 1e10f, 1e19f, 3e38f, cpu::infinity<float>}) CHECK(gelu(F(x))[0] == x);
  const float nan = cpu::not_a_number<float>;
  CHECK((gelu(F(nan))[0] != gelu(F(nan))[0] && sigmoid(F(nan))[0] != sigmoid(F(nan))[0]));
}

TEST_CASE("tanh and erf never leave [-1, 1]") {
  const auto outside = [](double x) { return std::abs(x) > 1 ? 1e30 : 0.0; };
  std::uint64_t bad = 0;
  for (std::uint64_t i = 0; i < 0x41400000u; i += stride()) {
    const F x(std::bit_cast<float>(static_cast<std::uint32_t>(i)));
    bad += outside(tanh(x)[0]) > 0 || outside(erf(x)[0]) > 0;
  }
  CHECK(bad == 0);
}

TEST_CASE("rounding is exact, signs of zero included") {
  const auto same = [](auto f, auto g) {
    std::uint64_t bad = 0;
    for (std::uint64_t i = 0; i < (std::uint64_t{1} << 32); i += stride() * 4) {
      const float x = std::bit_cast<float>(static_cast<std::uint32_t>(i)), y = f(F(x))[0], z = g(x);
      bad += !(y != y && z != z) && std::bit_cast<std::uint32_t>(y) != std::bit_cast<std::uint32_t>(z);
    }
    for (float x : {0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 0.25f, -0.25f, -0.0f, 8388607.5f, -8388607.5f, 3.0f, -3.0f}) {
      const float y = f(F(x))[0], z = g(x);
      CHECK_MESSAGE(std::bit_cast<std::uint32_t>(y) == std::bit_cast<std::uint32_t>(z), x, " gives ", y, ", not ", z);
    }
    return bad;
  };
  CHECK(same([](F x) { return round(x); }, [](float x) { return std::nearbyint(x); }) == 0);
  CHECK(same([](F x) { return floor(x); }, [](float x) { return std::floor(x); }) == 0);
  CHECK(same([](F x) { return ceil(x); }, [](float x) { return std::ceil(x); }) == 0);
  CHECK(same([](F x) { return trunc(x); }, [](float x) { return std::trunc(x); }) == 0);
}

TEST_CASE("special values") {
  const float inf = cpu::infinity<float>, nan = cpu::not_a_number<float>;
  CHECK(exp(F(inf))[0] == inf);
  CHECK(exp(F(-inf))[0] == 0);
  CHECK(log(F(0.0f))[0] == -inf);
  CHECK(log(F(-1.0f))[0] != log(F(-1.0f))[0]);
  CHECK(log(F(inf))[0] == inf);
  CHECK(std::signbit(tanh(F(-0.0f))[0]));
  CHECK(std::signbit(expm1(F(-0.0f))[0]));
  CHECK(std::signbit(sin(F(-0.0f))[0]));
  CHECK(maximum(F(nan), F(1.0f))[0] != maximum(F(nan), F(1.0f))[0]);
  CHECK(maximum(F(1.0f), F(nan))[0] != maximum(F(1.0f), F(nan))[0]);
  CHECK(minimum(F(nan), F(1.0f))[0] != minimum(F(nan), F(1.0f))[0]);
  CHECK(minimum(F(2.0f), F(1.0f))[0] == 1);
  CHECK(maximum(F(2.0f), F(1.0f))[0] == 2);
  CHECK(sin(F(3e38f))[0] == doctest::Approx(std::sin(3e38f)));
}

TEST_CASE("pow, against the C library in double precision") {
  std::vector<float> xs{0.0f,
                        -0.0f,
                        1,
                        -1,
                        2,
                        -2,
                        0.5f,
                        -0.5f,
                        3,
                        -3,
                        1e-40f,
                        3e38f,
                        cpu::infinity<float>,
                        -cpu::infinity<float>,
                        cpu::not_a_number<float>,
                        4194305.5f,
                        1e9f,
                        -1e9f,
                        1.0001f,
                        0.9999f};
  std::mt19937 random(1);
  for (int i = 0; i < 500; ++i) xs.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(random())));
  for (int i = 0; i < 500; ++i) xs.push_back(std::uniform_real_distribution<float>(-20, 20)(random));
  double most = 0;
  for (float x : xs)
    for (float y : xs) {
      const double u = error_in_ulp(pow(F(x), F(y))[0], std::pow(static_cast<double>(x), static_cast<double>(y)));
      if (u > 1) FAIL_CHECK("pow(", x, ", ", y, ") gives ", pow(F(x), F(y))[0], ", not ", std::pow(x, y));
      most = most < u ? u : most;
    }
  MESSAGE("pow: ", most, " ulp");
}

TEST_CASE("doubles") {
  std::mt19937_64 random(2);
  double e = 0, l = 0;
  for (int i = 0; i < 200000; ++i) {
    const double x = std::uniform_real_distribution<double>(-750, 712)(random), p = std::bit_cast<double>(random());
    e = std::max(e, error_in_ulp(exp(cpu::vec<double, D>(x))[0], std::exp(static_cast<long double>(x))));
    e = std::max(e, error_in_ulp(exp(cpu::vec<double, D>(p))[0], std::exp(static_cast<long double>(p))));
    l = std::max(l, error_in_ulp(log(cpu::vec<double, D>(p))[0], std::log(static_cast<long double>(p))));
    l = std::max(l, error_in_ulp(log(cpu::vec<double, D>(1 + x / 1000))[0], std::log(static_cast<long double>(1 + x / 1000))));
  }
  MESSAGE("double exp: ", e, " ulp, log: ", l, " ulp");
  CHECK(e <= 1.0);
  CHECK(l <= 1.0);
  for (double x : {0.0, -0.0, cpu::infinity<double>, -cpu::infinity<double>, cpu::not_a_number<double>, 5e-324, -1.0}) {
    CHECK(error_in_ulp(exp(cpu::vec<double, D>(x))[0], std::exp(x)) <= 1);
    CHECK(error_in_ulp(log(cpu::vec<double, D>(x))[0], std::log(x)) <= 1);
  }
}

}  // namespace
