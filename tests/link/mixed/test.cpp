// A .cpp and a .cu file, compiled with the same headers, in one program.
#include "programs.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

TEST_CASE("both compilers make the same program") {
  const auto a = from_cpp(), b = from_cu();
  REQUIRE(a.size() == 2 * 41 + 40);
  REQUIRE(b.size() == a.size());
  float largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(a[i] == doctest::Approx(b[i]).epsilon(1e-5));
    largest = std::max(largest, std::abs(a[i]));
  }
  CHECK(largest > 0);
}
TEST_CASE("a program that another file makes") {
  thunder::tensor<float, B, 4> x(3);
  for (int i = 0; i < 12; ++i) x.data()[i] = static_cast<float>(i % 5) - 2;
  auto here = thunder::jit(mixed_model{});
  const thunder::state s = thunder::init(here, 1, x);
  const auto expected = here(s, x);
  const auto cpu = predict_from_cu(thunder::device::cpu)(s, x);
  for (std::size_t i = 0; i < 24; ++i) CHECK(cpu.span()[i] == doctest::Approx(expected.span()[i]).epsilon(1e-5));
  if (!have_device()) return;
  const auto cuda = predict_from_cu(thunder::device::cuda)(s.to(thunder::device::cuda), x).to(thunder::device::cpu);
  for (std::size_t i = 0; i < 24; ++i) CHECK(cuda.span()[i] == doctest::Approx(expected.span()[i]).epsilon(1e-5));
}
