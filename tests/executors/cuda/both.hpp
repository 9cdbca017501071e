#pragma once
/// Runs a function as a program of the CPU and as one of CUDA, and compares the results. CUDA runs three times: at once, recorded, and
/// replayed.
#include <doctest/doctest.h>

#include <thunder/thunder.hpp>

namespace both {
using namespace thunder;

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

/// The largest difference, relative where numbers are larger than 1.
template <class T, class S> double difference(const basic_tensor<T, S>& a, const basic_tensor<T, S>& b) {
  if (!a.same_extents(b)) return 1e30;
  double most = 0;
  for (std::int64_t i = 0; i < a.size(); ++i) {
    const double x = static_cast<double>(a.data()[i]), y = static_cast<double>(b.data()[i]);
    if (x == y || (x != x && y != y)) continue;
    const double size = y < 0 ? -y : y, gap = x < y ? y - x : x - y, d = gap / (size > 1 ? size : 1);
    if (!(d <= most)) most = d;
  }
  return most;
}
template <class... A, class... B> double difference(const std::tuple<A...>& a, const std::tuple<B...>& b) {
  return [&]<std::size_t... K>(std::index_sequence<K...>) {
    double most = 0;
    ((most = std::max(most, difference(std::get<K>(a), std::get<K>(b)))), ...);
    return most;
  }(std::index_sequence_for<A...>{});
}
template <class T, class S> basic_tensor<T, S> on_cpu(const basic_tensor<T, S>& x) { return x.to(device::cpu); }
template <class... A> std::tuple<A...> on_cpu(const std::tuple<A...>& x) {
  return std::apply([](const auto&... a) { return std::tuple<A...>{on_cpu(a)...}; }, x);
}

inline bool have_device() {
  int n = 0;
  return cudaGetDeviceCount(&n) == cudaSuccess && n > 0;
}

template <class F, class... A> void check(const std::string& what, double tolerance, F f, const A&... x) {
  INFO(what);
  auto here = jit(f);
  auto there = jit<device::cuda>(f);
  const auto expected = here(x...);
  const auto device_arguments = std::tuple{x.to(device::cuda)...};
  for (int run = 0; run < 3; ++run) {
    const auto got = on_cpu(std::apply([&](const auto&... d) { return there(d...); }, device_arguments));
    INFO("run " << run);
    CHECK(difference(got, expected) <= tolerance);
  }
}

}  // namespace both
