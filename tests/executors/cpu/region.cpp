// Fused loops against a loop over every point of the space, for many regions, lengths and element types.
#include "reference.hpp"

#include <thunder/ops/reduce.hpp>
#include <thunder/ops/shape.hpp>

#include <doctest/doctest.h>

using namespace thunder;
using reference::compare;

namespace {

constexpr dtype b8 = dtype::b8, i32 = dtype::i32, i64 = dtype::i64, half = dtype::f16, bfloat = dtype::bf16, f32 = dtype::f32,
                f64 = dtype::f64;

constexpr std::int64_t bits(double x) { return std::bit_cast<std::int64_t>(x); }
template <dtype T, unsigned M, int... X>
using mul = s<ops::mul, words<>, T, M, X...>;
template <dtype T, unsigned M, int... X>
using add = s<ops::add, words<>, T, M, X...>;
template <dtype T, unsigned M, int... X>
using sub = s<ops::sub, words<>, T, M, X...>;
template <dtype T, unsigned M, int... X>
using div_ = s<ops::div, words<>, T, M, X...>;
template <dtype T, unsigned M, int X>
using exp_ = s<ops::exp, words<>, T, M, X>;
template <std::int64_t Bits, dtype T>
using full = s<ops::full, words<Bits>, T, 0>;
template <unsigned Removed, dtype T, unsigned M, int X>
using sum = s<ops::sum, words<Removed>, T, M, X>;
template <unsigned Removed, dtype T, unsigned M, int X>
using max_ = s<ops::max, words<Removed>, T, M, X>;
template <dtype T, unsigned M, int X>
using cast = s<ops::cast, words<static_cast<std::int64_t>(T)>, T, M, X>;

template <class Space, dtype T = f32>
using softmax = region<Space, pack<input<T, 3>>, pack<output<5, T, 3>>, max_<2, T, 1, 0>, sub<T, 3, 0, 1>, exp_<T, 3, 2>,
                       sum<2, T, 1, 3>, div_<T, 3, 3, 4>>;
template <class Space>
using log_softmax = region<Space, pack<input<f32, 3>>, pack<output<6, f32, 3>>, max_<2, f32, 1, 0>, sub<f32, 3, 0, 1>,
                           exp_<f32, 3, 2>, sum<2, f32, 1, 3>, s<ops::log, words<>, f32, 1, 4>, sub<f32, 3, 2, 5>>;
// outputs: y, mean, 1 / deviation
template <class Space, std::int64_t C, dtype T = f32>
using layer_norm =
    region<Space, pack<input<T, 3>, input<T, 2>, input<T, 2>>, pack<output<15, T, 3>, output<5, T, 1>, output<12, T, 1>>,
           sum<2, T, 1, 0>, full<bits(1.0 / static_cast<double>(C)), T>, mul<T, 1, 3, 4>, sub<T, 3, 0, 5>, mul<T, 3, 6, 6>,
           sum<2, T, 1, 7>, mul<T, 1, 8, 4>, full<bits(1e-2), T>, add<T, 1, 9, 10>, s<ops::rsqrt, words<>, T, 1, 11>,
           mul<T, 3, 6, 12>, mul<T, 3, 13, 1>, add<T, 3, 14, 2>>;
// inputs: dy, x, gamma, mean, 1 / deviation; outputs: dx, dgamma, dbeta
template <class Space, std::int64_t C>
using layer_norm_backward =
    region<Space, pack<input<f32, 3>, input<f32, 3>, input<f32, 2>, input<f32, 1>, input<f32, 1>>,
           pack<output<19, f32, 3>, output<8, f32, 2>, output<9, f32, 2>>, sub<f32, 3, 1, 3>, mul<f32, 3, 5, 4>,
           mul<f32, 3, 0, 6>, sum<1, f32, 2, 7>, sum<1, f32, 2, 0>,  // 5: x - mean, 6: normalised, 7, dgamma 8, dbeta 9
           mul<f32, 3, 0, 2>, sum<2, f32, 1, 10>, mul<f32, 3, 10, 6>,
           sum<2, f32, 1, 12>,  // 10: dy gamma, 11: its sum, 13: with x
           full<bits(1.0 / static_cast<double>(C)), f32>, mul<f32, 1, 11, 14>, mul<f32, 1, 13, 14>,  // 15, 16: means
           mul<f32, 3, 6, 16>, sub<f32, 3, 10, 17>, sub<f32, 3, 18, 15>>;                            // 19
template <class Space, dtype T = f32>
using gelu_chain =
    region<Space, pack<input<T, 3>, input<T, 2>, input<T, 2>, input<T, 3>>, pack<output<19, T, 3>>, mul<T, 3, 0, 1>,
           add<T, 3, 4, 2>, mul<T, 3, 5, 5>, mul<T, 3, 6, 5>, full<bits(0.044715), T>, mul<T, 3, 7, 8>, add<T, 3, 5, 9>,
           full<bits(0.7978845608028654), T>, mul<T, 3, 10, 11>, s<ops::tanh, words<>, T, 3, 12>, full<bits(1), T>,
           add<T, 3, 13, 14>, full<bits(0.5), T>, mul<T, 3, 5, 16>, mul<T, 3, 17, 15>, add<T, 3, 18, 3>>;

template <template <std::int64_t> class Region>
void for_lengths() {
  CHECK(compare<Region<1>>::difference() < 1e-5);
  CHECK(compare<Region<7>>::difference() < 1e-5);
  CHECK(compare<Region<8>>::difference() < 1e-5);
  CHECK(compare<Region<9>>::difference() < 1e-5);
  CHECK(compare<Region<784>>::difference() < 1e-5);
  CHECK(compare<Region<1000>>::difference() < 1e-5);
}
const std::int64_t run_time_lengths[]{1, 2, 7, 8, 9, 15, 31, 33, 100, 784, 1000, 4099};

template <std::int64_t C>
using softmax_of = softmax<space<13, C>>;
template <std::int64_t C>
using layer_norm_of = layer_norm<space<5, C>, C>;

TEST_CASE("softmax") {
  for_lengths<softmax_of>();
  for (auto n : run_time_lengths)
    for (std::int64_t rows : {1, 3, 130}) CHECK(compare<softmax<space<-1, -2>>>::difference({rows, n}) < 1e-5);
  CHECK(compare<softmax<space<3, 40000>>>::difference() < 1e-5);          // computed again, split
  CHECK(compare<softmax<space<-1, -2>>>::difference({2, 50001}) < 1e-5);  // split rows with scratch
  CHECK(compare<softmax<space<33, 40000>>>::difference() < 1e-5);
  CHECK(compare<softmax<space<-1, 100>, f64>>::difference({200}) < 1e-12);
  CHECK(compare<softmax<space<-1, -2>, bfloat>>::difference({20, 77}) < 1.0 / 128);
  CHECK(compare<softmax<space<-1, -2>, half>>::difference({20, 77}) < 1.0 / 1024);
  for (auto n : run_time_lengths) CHECK(compare<log_softmax<space<-1, -2>>>::difference({17, n}) < 1e-5);
}

TEST_CASE("layer norm") {
  for_lengths<layer_norm_of>();
  for (auto n : run_time_lengths) CHECK(compare<layer_norm<space<-1, -2>, 100>>::difference({70, n}) < 1e-4);
  CHECK(compare<layer_norm<space<-1, 96>, 96, bfloat>>::difference({50}) < 1.0 / 100);
  for (auto n : run_time_lengths) CHECK(compare<layer_norm_backward<space<-1, -2>, 100>>::difference({301, n}) < 1e-4);
  CHECK(compare<layer_norm_backward<space<64, 768>, 768>>::difference() < 1e-4);
  CHECK(compare<layer_norm_backward<space<-1, -2>, 100>>::difference({3, 70001}) < 1e-4);
  CHECK(compare<layer_norm_backward<space<-1, -2>, 100>>::difference({0, 12}) == 0);
}

TEST_CASE("pointwise chains, with broadcasting") {
  for (auto n : run_time_lengths)
    for (std::int64_t rows : {1, 5, 400}) CHECK(compare<gelu_chain<space<-1, -2>>>::difference({rows, n}) < 1e-5);
  CHECK(compare<gelu_chain<space<4, 64>>>::difference() < 1e-5);
  CHECK(compare<gelu_chain<space<40, 100>, bfloat>>::difference() < 1.0 / 128);
  CHECK(compare<gelu_chain<space<-1, -2>, f64>>::difference({40, 100}) < 1e-12);
  CHECK(compare<gelu_chain<space<3000, 4000>>>::difference() < 1e-5);  // stored past the caches
  // [A, B, C] with operands along (A), (B), (A, C) and none
  using mixed = region<space<-1, -2, -3>, pack<input<f32, 7>, input<f32, 1>, input<f32, 2>, input<f32, 5>, input<f32, 0>>,
                       pack<output<8, f32, 7>, output<6, f32, 3>, output<9, f32, 4>>, add<f32, 7, 0, 3>, add<f32, 3, 1, 2>,
                       add<f32, 7, 5, 6>, mul<f32, 7, 7, 4>, s<ops::iota, words<4>, f32, 4>>;
  CHECK(compare<mixed>::difference({5, 6, 7}) < 1e-6);
  CHECK(compare<mixed>::difference({50, 60, 33}) < 1e-6);
  // one dimension, split between threads
  using line = region<space<-1>, pack<input<f32, 1>, input<f32, 0>>, pack<output<2, f32, 1>>, add<f32, 1, 0, 1>>;
  for (std::int64_t n : {0, 1, 5, 1000, 100000, 1000003}) CHECK(compare<line>::difference({n}) < 1e-6);
}

TEST_CASE("reductions") {
  using mean = region<space<-1, -2>, pack<input<f32, 3>>, pack<output<3, f32, 1>>, sum<2, f32, 1, 0>, full<bits(0.01), f32>,
                      mul<f32, 1, 1, 2>>;
  using total = region<space<-1>, pack<input<f32, 1>>, pack<output<1, f32, 0>>, sum<1, f32, 0, 0>>;
  using total_2d =
      region<space<-1, -2>, pack<input<f32, 3>, input<f32, 1>>, pack<output<3, f32, 0>>, mul<f32, 3, 0, 1>, sum<3, f32, 0, 2>>;
  using columns = region<space<-1, -2>, pack<input<f32, 3>>, pack<output<1, f32, 2>>, sum<1, f32, 2, 0>>;
  using integers =
      region<space<-1, -2>, pack<input<i64, 3>, input<i32, 3>>, pack<output<2, i64, 1>, output<3, i32, 1>, output<4, i64, 2>>,
             sum<2, i64, 1, 0>, max_<2, i32, 1, 1>, sum<1, i64, 2, 0>>;
  using middle = region<space<-1, -2, -3>, pack<input<f32, 7>>, pack<output<1, f32, 2>, output<2, f32, 5>, output<3, f32, 3>>,
                        sum<5, f32, 2, 0>, sum<2, f32, 5, 0>, sum<4, f32, 3, 0>>;
  using of_rows = region<space<-1, -2>, pack<input<f32, 3>>, pack<output<3, f32, 0>, output<1, f32, 1>>, max_<2, f32, 1, 0>,
                         mul<f32, 1, 1, 1>, sum<1, f32, 0, 2>>;
  using bf16_columns = region<space<-1, -2>, pack<input<bfloat, 3>>, pack<output<1, bfloat, 2>>, sum<1, bfloat, 2, 0>>;
  for (auto n : run_time_lengths) {
    CHECK(compare<mean>::difference({37, n}) < 1e-5);
    CHECK(compare<total>::difference({n}) < 1e-5);
    CHECK(compare<total_2d>::difference({37, n}) < 1e-5);
    CHECK(compare<columns>::difference({371, n}) < 1e-5);
    CHECK(compare<integers>::difference({37, n}) == 0);
    CHECK(compare<middle>::difference({6, 5, n}) < 1e-5);
    CHECK(compare<of_rows>::difference({37, n}) < 1e-5);
    CHECK(compare<bf16_columns>::difference({37, n}) < 1.0 / 128);
  }
  CHECK(compare<total>::difference({1000003}) < 1e-4);
  CHECK(compare<total_2d>::difference({3, 100003}) < 1e-4);
  CHECK(compare<columns>::difference({3, 100003}) < 1e-5);
  CHECK(compare<total>::difference({0}) == 0);
}

TEST_CASE("bools, integers, indices and casts") {
  using positive = region<space<-1, -2>, pack<input<f32, 3>, input<f32, 1>>, pack<output<2, b8, 3>, output<5, f32, 3>>,
                          s<ops::gt, words<>, b8, 3, 0, 1>, full<bits(0), f32>, s<ops::where, words<>, f32, 3, 2, 0, 3>,
                          s<ops::exp, words<>, f32, 3, 4>>;
  using logic =
      region<space<-1>, pack<input<b8, 1>, input<b8, 1>>, pack<output<4, b8, 1>>, s<ops::logical_not, words<>, b8, 1, 0>,
             s<ops::logical_or, words<>, b8, 1, 2, 1>, s<ops::logical_and, words<>, b8, 1, 3, 0>>;
  // one-hot cross entropy: labels along the rows
  using picked = region<space<-1, -2>, pack<input<f32, 3>, input<i64, 1>>, pack<output<7, f32, 1>>,
                        s<ops::iota, words<2>, i32, 2>, cast<i32, 1, 1>, s<ops::eq, words<>, b8, 3, 2, 3>, full<bits(0), f32>,
                        s<ops::where, words<>, f32, 3, 4, 0, 5>, sum<2, f32, 1, 6>>;
  using long_index =
      region<space<-1, -2>, pack<input<i64, 3>>,
             pack<output<2, i64, 3>, output<4, f32, 3>, output<5, bfloat, 3>, output<6, b8, 3>>, s<ops::iota, words<3>, i64, 3>,
             add<i64, 3, 0, 1>, s<ops::mul, words<>, i64, 3, 2, 0>, cast<f32, 3, 2>, cast<bfloat, 3, 4>, cast<b8, 3, 0>>;
  using to_integer =
      region<space<-1>, pack<input<f32, 1>, input<bfloat, 1>>, pack<output<2, i32, 1>, output<3, i64, 1>, output<4, f64, 1>>,
             cast<i32, 1, 0>, cast<i64, 1, 0>, cast<f64, 1, 1>>;
  using mixed_widths =
      region<space<-1>, pack<input<f64, 1>, input<b8, 1>, input<f32, 1>>, pack<output<5, f64, 1>, output<6, b8, 1>>,
             cast<f64, 1, 2>, s<ops::where, words<>, f64, 1, 1, 0, 3>, add<f64, 1, 4, 0>, s<ops::lt, words<>, b8, 1, 5, 0>>;
  for (auto n : run_time_lengths) {
    CHECK(compare<positive>::difference({11, n}) < 1e-6);
    CHECK(compare<logic>::difference({n}) == 0);
    CHECK(compare<picked>::difference({11, n}) < 1e-6);
    CHECK(compare<long_index>::difference({11, n}) < 1.0 / 256);
    CHECK(compare<to_integer>::difference({n}) == 0);
    CHECK(compare<mixed_widths>::difference({n}) < 1e-12);
  }
}

TEST_CASE("the same result for any number of threads") {
  using plan = cpu::region_traits<softmax<space<-1, -2>>>;
  CHECK(plan::plan.passes == 3);
  CHECK(plan::plan.keep[3]);  // the exponential
  using total = region<space<-1>, pack<input<f32, 1>>, pack<output<1, f32, 0>>, sum<1, f32, 0, 0>>;
  using serial = cpu::target<cpu::default_target::bytes, 77, cpu::serial_threads>;
  std::vector<float> x(1000003);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 1013) * 0.37f;
  const void* in[]{x.data()};
  float a = 0, b = 0;
  void *outs[]{&a}, *other[]{&b};
  const std::int64_t n = static_cast<std::int64_t>(x.size());
  cpu::fused_loop<total>::run(in, outs, &n);
  cpu::fused_loop<total, serial>::run(in, other, &n);
  CHECK(a == b);
}

}  // namespace
