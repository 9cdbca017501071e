#pragma once
/// Runs a function as a program of CUDA three times (at once, recorded, and replayed), and compares the results with what the function
/// means: the interpreter's, in float64.
#include <doctest/doctest.h>

#include "../../jit/compare.hpp"

namespace both {
using namespace thunder;
using namespace jit_tests;

/// Numbers that differ from element to element, in [-1, 1).
template <class T, auto... D, class... I> tensor<T, D...> numbers(std::int64_t seed, I... extents) {
  auto x = tensor<T, D...>::full(0, extents...);
  for (std::int64_t i = 0; i < x.size(); ++i) {
    const std::uint32_t w = random_word(seed, i);
    if constexpr (std::is_integral_v<T>) x.data()[i] = static_cast<T>(w % 100);
    else x.data()[i] = T(static_cast<float>(w >> 8) * 0x1p-23f - 1);
  }
  return x;
}

/// Results on the CPU, one after another.
template <class T, class S> std::vector<reference_array> on_cpu(const basic_tensor<T, S>& x) { return leaves(x.to(device::cpu)); }
template <class... A> std::vector<reference_array> on_cpu(const std::tuple<A...>& x) {
  return std::apply([](const auto&... a) { return leaves(a.to(device::cpu)...); }, x);
}

inline bool have_device() {
  int n = 0;
  return cudaGetDeviceCount(&n) == cudaSuccess && n > 0;
}

template <class F, class... A> void check(const std::string& what, double tolerance, F f, const A&... x) {
  INFO(what);
  auto there = jit<device::cuda>(f);
  const auto expected = meaning(f, x...);
  const auto device_arguments = std::tuple{x.to(device::cuda)...};
  for (int run = 0; run < 3; ++run) {
    const auto got = on_cpu(std::apply([&](const auto&... d) { return there(d...); }, device_arguments));
    INFO("run " << run);
    CHECK(difference(got, expected) <= tolerance);
  }
}

}  // namespace both
