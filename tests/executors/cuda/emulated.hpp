#pragma once
// Regions on the emulated machine against the CPU's fused loops, on the same buffers.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // registers of threads that have nothing to do
#endif
#include <thunder/executors/cpu/region.hpp>
#include <thunder/executors/cuda/emulation.hpp>
#include <thunder/ops/all.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

namespace emulated {

using namespace thunder;
constexpr dtype b8 = dtype::b8, i32 = dtype::i32, i64 = dtype::i64, half = dtype::f16, bfloat = dtype::bf16, f32 = dtype::f32, f64 = dtype::f64;

// ---- regions, written by hand
constexpr std::int64_t bits(double x) { return std::bit_cast<std::int64_t>(x); }
template <class Op, dtype T, unsigned M, int... X> using pointwise = s<Op, words<>, T, M, X...>;
template <dtype T, unsigned M, int... X> using mul = s<ops::mul, words<>, T, M, X...>;
template <dtype T, unsigned M, int... X> using add = s<ops::add, words<>, T, M, X...>;
template <dtype T, unsigned M, int... X> using sub = s<ops::sub, words<>, T, M, X...>;
template <std::int64_t Bits, dtype T> using full = s<ops::full, words<Bits>, T, 0>;
template <unsigned Removed, dtype T, unsigned M, int X> using sum_ = s<ops::sum, words<Removed>, T, M, X>;
template <unsigned Removed, dtype T, unsigned M, int X> using max_ = s<ops::max, words<Removed>, T, M, X>;
template <dtype T, unsigned M, int X> using cast_ = s<ops::cast, words<static_cast<std::int64_t>(T)>, T, M, X>;

template <class Space, dtype T = f32>
using softmax_of = region<Space, pack<input<T, 3>>, pack<output<5, T, 3>>, max_<2, T, 1, 0>, sub<T, 3, 0, 1>, pointwise<ops::exp, T, 3, 2>, sum_<2, T, 1, 3>,
                       pointwise<ops::div, T, 3, 3, 4>>;
// outputs: y, mean, 1 / deviation
template <class Space, dtype T = f32>
using layer_norm_of = region<Space, pack<input<T, 3>, input<T, 2>, input<T, 2>>, pack<output<15, T, 3>, output<5, T, 1>, output<12, T, 1>>, sum_<2, T, 1, 0>, full<bits(1e-2), T>,
                          mul<T, 1, 3, 4>, sub<T, 3, 0, 5>, mul<T, 3, 6, 6>, sum_<2, T, 1, 7>, mul<T, 1, 8, 4>, full<bits(1e-2), T>, add<T, 1, 9, 10>,
                          pointwise<ops::rsqrt, T, 1, 11>, mul<T, 3, 6, 12>, mul<T, 3, 13, 1>, add<T, 3, 14, 2>>;
// inputs: dy, x, gamma, mean, 1 / deviation; outputs: dx, dgamma, dbeta
template <class Space, dtype T = f32>
using layer_norm_backward_of =
    region<Space, pack<input<T, 3>, input<T, 3>, input<T, 2>, input<T, 1>, input<T, 1>>, pack<output<19, T, 3>, output<8, T, 2>, output<9, T, 2>>, sub<T, 3, 1, 3>,
           mul<T, 3, 5, 4>, mul<T, 3, 0, 6>, sum_<1, T, 2, 7>, sum_<1, T, 2, 0>, mul<T, 3, 0, 2>, sum_<2, T, 1, 10>, mul<T, 3, 10, 6>, sum_<2, T, 1, 12>, full<bits(1e-3), T>,
           mul<T, 1, 11, 14>, mul<T, 1, 13, 14>, mul<T, 3, 6, 16>, sub<T, 3, 10, 17>, sub<T, 3, 18, 15>>;
template <class Space, dtype T = f32>
using gelu_chain_of = region<Space, pack<input<T, 3>, input<T, 2>, input<T, 1>, input<T, 0>>, pack<output<14, T, 3>, output<4, T, 3>>, mul<T, 3, 0, 1>, add<T, 3, 4, 2>, mul<T, 3, 5, 5>,
                          full<bits(0.044715), T>, mul<T, 3, 6, 7>, add<T, 3, 5, 8>, pointwise<ops::tanh, T, 3, 9>, full<bits(1), T>, add<T, 3, 10, 11>, mul<T, 3, 5, 12>,
                          add<T, 3, 13, 3>>;
template <class Space, dtype T = f32> using column_sum_of = region<Space, pack<input<T, 3>>, pack<output<1, T, 2>>, sum_<1, T, 2, 0>>;

// ---- running them
template <dtype T> void fill(std::vector<char>& bytes, std::size_t n, double low, std::mt19937& random) {
  bytes.resize(n * sizeof(element_t<T>) + 1);
  for (std::size_t k = 0; k < n; ++k) {
    element_t<T> x;
    if constexpr (T == dtype::b8) x = random() & 1;
    else if constexpr (is_integer(T)) x = static_cast<element_t<T>>(random() % 11) - 3;
    else x = element_t<T>(static_cast<float>(low + (2 - low) * static_cast<double>(random()) * 0x1p-32));
    std::memcpy(bytes.data() + k * sizeof x, &x, sizeof x);
  }
}
template <dtype T> double element(const std::vector<char>& bytes, std::size_t k) {
  element_t<T> x;
  std::memcpy(&x, bytes.data() + k * sizeof x, sizeof x);
  if constexpr (sizeof x == 2) return static_cast<double>(static_cast<float>(x));
  else return static_cast<double>(x);
}
/// The largest difference, relative to the largest number of b (at least 1).
template <dtype T> double difference(const std::vector<char>& a, const std::vector<char>& b, std::size_t n) {
  double most = 0, scale = 1;
  for (std::size_t k = 0; k < n; ++k)
    if (const double y = std::abs(element<T>(b, k)); y > scale && std::isfinite(y)) scale = y;
  for (std::size_t k = 0; k < n; ++k) {
    const double x = element<T>(a, k), y = element<T>(b, k);
    if (x == y || (x != x && y != y)) continue;
    const double d = std::abs(x - y) / scale;
    most = d <= most ? most : d != d ? 1e30 : d;
  }
  return most;
}

struct how {
  std::uint64_t seed;
  int resident;
};
inline constexpr how ways[]{{1, 5}, {2, 1}, {3, 40}};

template <class Region, class Device = cuda::emulated_device> struct against_cpu;
template <std::int64_t... E, dtype... IT, unsigned... IM, int... OV, dtype... OT, unsigned... OM, class... S, class Device>
struct against_cpu<region<space<E...>, pack<input<IT, IM>...>, pack<output<OV, OT, OM>...>, S...>, Device> {
  using tested = region<space<E...>, pack<input<IT, IM>...>, pack<output<OV, OT, OM>...>, S...>;
  template <int... D> static auto at_run_time(std::integer_sequence<int, D...>) {
    return region<space<(-1 - D)...>, pack<input<IT, IM>...>, pack<output<OV, OT, OM>...>, S...>{};
  }
  /// One loop nest for all static lengths.
  using oracle = decltype(at_run_time(std::make_integer_sequence<int, sizeof...(E)>{}));

  static void check(double tolerance, const std::vector<std::int64_t>& dims, double low) {
    std::vector<std::int64_t> extents;
    for (std::int64_t e : {E...}) extents.push_back(e < 0 ? dims[static_cast<std::size_t>(-1 - e)] : e);
    std::string shape;
    for (std::int64_t e : extents) shape += std::to_string(e) + " ";
    CAPTURE(shape);
    auto size = [&](unsigned mask) {
      std::size_t n = 1;
      for (std::size_t d = 0; d < extents.size(); ++d) n *= mask >> d & 1 ? static_cast<std::size_t>(extents[d]) : 1;
      return n;
    };
    std::mt19937 random(7);
    std::vector<std::vector<char>> in, expected, out;
    ((in.emplace_back(), fill<IT>(in.back(), size(IM), low, random)), ...);
    (expected.emplace_back(size(OM) * static_cast<std::size_t>(size_of(OT)) + 1), ...);
    std::vector<const void*> from;
    std::vector<void*> to;
    for (auto& b : in) from.push_back(b.data());
    for (auto& b : expected) to.push_back(b.data());
    cpu::fused_loop<oracle>::run(from.data(), to.data(), extents.data());
    for (const how& way : ways) {
      if (way.seed > 1 && extents.back() > 2000) break;  // once is enough time spent
      out.clear(), to.clear();
      for (auto& b : expected) to.push_back(out.emplace_back(b.size(), '\xA5').data());
      std::string fault;
      try {
        cuda::emulate<tested, Device>(from.data(), to.data(), dims.data(), way.seed, way.resident);
      } catch (const cuda::kernel_fault& f) {
        fault = f.what();
      }
      CAPTURE(way.seed);
      CHECK(fault == "");
      std::size_t o = 0;
      auto one = [&]<dtype T>(std::integral_constant<dtype, T>, unsigned mask) {
        CAPTURE(o);
        CHECK(difference<T>(out[o], expected[o], size(mask)) <= tolerance);
        ++o;
      };
      (one(std::integral_constant<dtype, OT>{}, OM), ...);
    }
  }
};
/// dims: the run-time extents. Inputs are between low and 2.
template <class Region, class Device = cuda::emulated_device> void check(double tolerance, std::vector<std::int64_t> dims = {}, double low = -2) {
  against_cpu<Region, Device>::check(tolerance, dims, low);
}

/// A program of rows of C elements, for all C; of rows of more than 2000 elements there are a tenth as many.
template <template <class, dtype> class Program, dtype T, int... C> void lengths(double tolerance, std::vector<std::int64_t> rows, std::integer_sequence<int, C...>) {
  for (std::int64_t r : rows) (check<Program<space<-1, C>, T>>(tolerance, {C > 2000 ? (r + 9) / 10 : r}), ...);
}
using every = std::integer_sequence<int, 1, 7, 10, 31, 32, 33, 100, 768, 1000, 1024, 1030, 2048, 3000, 8192>;
using some = std::integer_sequence<int, 10, 33, 768, 1030, 3000, 8192>;
using few = std::integer_sequence<int, 7, 33, 1000>;
using too_long = std::integer_sequence<int, 40000>;

}  // namespace emulated
