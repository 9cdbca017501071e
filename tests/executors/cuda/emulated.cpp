// Pointwise regions, reductions of every kind and all element types on the emulated machine.
#include "emulated.hpp"

namespace emulated {

namespace {

// [A, B, C] with an operand of every mask; outputs along all dimensions, along some, and broadcast when stored
template <class Space, dtype T>
using every_mask = region<Space, pack<input<T, 0>, input<T, 1>, input<T, 2>, input<T, 3>, input<T, 4>, input<T, 5>, input<T, 6>, input<T, 7>>,
                          pack<output<14, T, 7>, output<10, T, 3>, output<8, T, 7>, output<15, T, 5>>, add<T, 1, 0, 1>, mul<T, 2, 0, 2>, add<T, 3, 9, 3>, mul<T, 7, 10, 4>,
                          add<T, 7, 11, 5>, add<T, 7, 12, 6>, mul<T, 7, 13, 7>, add<T, 5, 5, 8>>;
template <class Space> using middle_mask = region<Space, pack<input<bfloat, 7>, input<f32, 5>, input<f32, 2>>, pack<output<4, f32, 7>, output<5, bfloat, 7>>, cast_<f32, 7, 0>,
                                                  add<f32, 7, 3, 1>, cast_<bfloat, 7, 6>, mul<f32, 7, 4, 2>>;
using line = region<space<-1>, pack<input<f32, 1>, input<f32, 0>>, pack<output<2, f32, 1>>, add<f32, 1, 0, 1>>;
using bf16_line = region<space<-1>, pack<input<bfloat, 1>, input<bfloat, 1>>, pack<output<2, bfloat, 1>>, mul<bfloat, 1, 0, 1>>;

}  // namespace

TEST_CASE("pointwise, every way to broadcast") {
  check<every_mask<space<4, 5, 6>, f32>>(1e-6);
  check<every_mask<space<5, 3, 64>, f32>>(1e-6);
  check<every_mask<space<2, 7, 40>, bfloat>>(1.0 / 64);
  for (std::int64_t n : {1, 7, 32, 1000}) check<every_mask<space<-1, -2, -3>, f32>>(1e-6, {3, 4, n});
  check<every_mask<space<-1, 3, 100>, i32>>(0, {6});
  check<gelu_chain_of<space<33, 768>>>(1e-5);
  check<gelu_chain_of<space<-1, 1000>, bfloat>>(1.0 / 64, {13});
  check<gelu_chain_of<space<-1, 1030>, half>>(1.0 / 512, {13});
  check<gelu_chain_of<space<-1, 7>, f64>>(1e-12, {130});
  for (std::int64_t n : {1, 31, 1030}) check<gelu_chain_of<space<-1, -2>>>(1e-5, {9, n});
}
TEST_CASE("pointwise, one dimension") {
  for (std::int64_t n : {0, 1, 3, 4, 5, 1000, 4096, 10003, 100000}) {
    check<line>(1e-6, {n});
    check<bf16_line>(1.0 / 128, {n});
  }
  check<region<space<1003>, pack<input<f32, 1>>, pack<output<1, f32, 1>>, pointwise<ops::exp, f32, 1, 0>>>(1e-6);
  check<region<space<1>, pack<input<f32, 0>>, pack<output<1, f32, 0>>, pointwise<ops::exp, f32, 0, 0>>>(1e-6);
}
TEST_CASE("pointwise, an empty row whose numbers are stored") {
  // outputs along all dimensions, and along the rows alone
  using numbers_of_rows = region<space<-1, -2>, pack<input<f32, 3>, input<f32, 1>, input<f32, 2>>, pack<output<5, f32, 3>, output<3, f32, 1>>, pointwise<ops::exp, f32, 1, 1>, add<f32, 3, 0, 2>,
                                 mul<f32, 3, 4, 3>>;
  using no_columns = region<space<-1, 0>, pack<input<f32, 3>, input<f32, 1>, input<f32, 2>>, pack<output<5, f32, 3>, output<3, f32, 1>>, pointwise<ops::exp, f32, 1, 1>, add<f32, 3, 0, 2>,
                            mul<f32, 3, 4, 3>>;
  using no_elements = region<space<-1>, pack<input<f32, 1>, input<f32, 0>>, pack<output<2, f32, 1>, output<3, f32, 0>>, add<f32, 1, 0, 1>, mul<f32, 0, 1, 1>>;
  for (std::int64_t n : {0, 1, 40}) check<numbers_of_rows>(1e-6, {1000, n});
  check<no_columns>(1e-6, {1000});
  for (std::int64_t n : {0, 1, 5}) check<no_elements>(1e-6, {n});
}
TEST_CASE("pointwise, in place") {
  using square = region<space<-1, -2>, pack<input<f32, 3>, input<f32, 2>>, pack<output<2, f32, 3>>, mul<f32, 3, 0, 0>>;
  std::vector<float> x(7 * 333, 3.f), w(333);
  const void* in[]{x.data(), w.data()};
  void* out[]{x.data()};
  const std::int64_t extents[]{7, 333};
  cuda::emulate<square>(in, out, extents, 4);
  CHECK(x == std::vector<float>(x.size(), 9.f));
}
TEST_CASE("bools, integers, indices and casts") {
  using positive = region<space<-1, 33>, pack<input<f32, 3>, input<f32, 1>>, pack<output<2, b8, 3>, output<5, f32, 3>>, pointwise<ops::gt, b8, 3, 0, 1>, full<bits(0), f32>,
                          pointwise<ops::where, f32, 3, 2, 0, 3>, pointwise<ops::exp, f32, 3, 4>>;
  using logic = region<space<-1>, pack<input<b8, 1>, input<b8, 1>>, pack<output<4, b8, 1>>, pointwise<ops::logical_not, b8, 1, 0>, pointwise<ops::logical_or, b8, 1, 2, 1>,
                       pointwise<ops::logical_and, b8, 1, 3, 0>>;
  // one-hot cross entropy: labels along the rows
  using picked = region<space<-1, 768>, pack<input<f32, 3>, input<i64, 1>>, pack<output<7, f32, 1>>, s<ops::iota, words<2>, i32, 2>, cast_<i32, 1, 1>,
                        pointwise<ops::eq, b8, 3, 2, 3>, full<bits(0), f32>, pointwise<ops::where, f32, 3, 4, 0, 5>, sum_<2, f32, 1, 6>>;
  using long_index = region<space<-1, 10>, pack<input<i64, 3>>, pack<output<2, i64, 3>, output<4, f32, 3>, output<5, bfloat, 3>, output<6, b8, 3>>, s<ops::iota, words<3>, i64, 3>,
                            add<i64, 3, 0, 1>, mul<i64, 3, 2, 0>, cast_<f32, 3, 2>, cast_<bfloat, 3, 4>, cast_<b8, 3, 0>>;
  using mixed_widths = region<space<-1>, pack<input<f64, 1>, input<b8, 1>, input<f32, 1>>, pack<output<5, f64, 1>, output<6, b8, 1>>, cast_<f64, 1, 2>,
                              pointwise<ops::where, f64, 1, 1, 0, 3>, add<f64, 1, 4, 0>, pointwise<ops::lt, b8, 1, 5, 0>>;
  check<positive>(1e-6, {21});
  check<picked>(1e-6, {21});
  check<long_index>(1.0 / 256, {21});
  for (std::int64_t n : {1, 7, 1003}) {
    check<logic>(0, {n});
    check<mixed_widths>(1e-12, {n});
  }
}
TEST_CASE("sums of rows, of columns, of everything") {
  using total = region<space<-1>, pack<input<f32, 1>>, pack<output<1, f32, 0>>, sum_<1, f32, 0, 0>>;
  using fixed_total = region<space<3000>, pack<input<f32, 1>>, pack<output<1, f32, 0>>, sum_<1, f32, 0, 0>>;
  using total_2d = region<space<-1, 100>, pack<input<bfloat, 3>, input<f32, 1>>, pack<output<4, f32, 0>>, cast_<f32, 3, 0>, mul<f32, 3, 2, 1>, sum_<3, f32, 0, 3>>;
  using extremes = region<space<-1, 33>, pack<input<f32, 3>, input<i32, 3>>, pack<output<2, f32, 2>, output<3, i32, 2>, output<4, f32, 0>, output<5, f32, 1>>, max_<1, f32, 2, 0>,
                          s<ops::min, words<1>, i32, 2, 1>, max_<3, f32, 0, 0>, s<ops::min, words<2>, f32, 1, 0>>;
  using integers = region<space<-1, 1000>, pack<input<i64, 3>, input<i32, 3>>, pack<output<2, i64, 1>, output<3, i32, 1>, output<4, i64, 2>, output<5, i32, 0>>, sum_<2, i64, 1, 0>,
                          max_<2, i32, 1, 1>, sum_<1, i64, 2, 0>, sum_<3, i32, 0, 1>>;
  using of_rows = region<space<-1, 100>, pack<input<f32, 3>>, pack<output<3, f32, 0>, output<1, f32, 1>>, max_<2, f32, 1, 0>, mul<f32, 1, 1, 1>, sum_<1, f32, 0, 2>>;
  using doubles = region<space<-1, 31>, pack<input<f64, 3>>, pack<output<1, f64, 2>, output<2, f64, 0>, output<3, f64, 1>>, sum_<1, f64, 2, 0>, sum_<3, f64, 0, 0>, sum_<2, f64, 1, 0>>;
  for (std::int64_t n : {0, 1, 33, 5000}) check<total>(1e-5, {n});
  check<fixed_total>(1e-5);
  for (std::int64_t n : {0, 1, 37, 300}) {
    check<total_2d>(1e-5, {n});
    if (n > 0) check<extremes>(0, {n});
    check<of_rows>(1e-5, {n});
    check<doubles>(1e-12, {n});
  }
  check<integers>(0, {13});
}
TEST_CASE("column reductions that keep different dimensions") {
  using kinds = pack<output<1, f32, 2>, output<2, f32, 5>, output<3, f32, 3>, output<4, f32, 4>, output<5, f32, 1>, output<6, f32, 6>, output<7, f32, 0>>;
  using fixed = region<space<6, 5, 33>, pack<input<f32, 7>>, kinds, sum_<5, f32, 2, 0>, sum_<2, f32, 5, 0>, sum_<4, f32, 3, 0>, sum_<3, f32, 4, 0>, sum_<6, f32, 1, 0>, sum_<1, f32, 6, 0>,
                       sum_<7, f32, 0, 0>>;
  using run_time = region<space<-1, -2, -3>, pack<input<f32, 7>>, kinds, sum_<5, f32, 2, 0>, sum_<2, f32, 5, 0>, sum_<4, f32, 3, 0>, sum_<3, f32, 4, 0>, sum_<6, f32, 1, 0>,
                          sum_<1, f32, 6, 0>, sum_<7, f32, 0, 0>>;
  using with_rows = region<space<-1, 5, 768>, pack<input<f32, 7>, input<f32, 4>>, pack<output<2, f32, 7>, output<3, f32, 4>, output<4, f32, 5>, output<5, f32, 3>>, mul<f32, 7, 0, 1>,
                           sum_<3, f32, 4, 2>, sum_<2, f32, 5, 2>, sum_<4, f32, 3, 2>>;
  // what is added up varies along fewer dimensions than there are
  using masked = region<space<-1, 5, 33>, pack<input<f32, 7>, input<f32, 5>>, pack<output<2, f32, 4>, output<3, f32, 7>>, sum_<1, f32, 4, 1>, add<f32, 7, 0, 1>>;
  check<masked>(1e-5, {7});
  check<fixed>(1e-5);
  check<run_time>(1e-5, {6, 5, 33});
  check<run_time>(1e-5, {2, 9, 100});
  check<with_rows>(1e-5, {7});
}

}  // namespace emulated
