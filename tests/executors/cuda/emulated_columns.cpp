// Programs with column reductions, of many static lengths, on the emulated machine: rows and accumulators in registers, or in memory.
#include "emulated.hpp"

namespace emulated {

TEST_CASE("backward of norm: rows and columns") {
  lengths<layer_norm_backward_of, f32>(1e-4, {50}, every{});
  lengths<layer_norm_backward_of, f32>(1e-4, {1}, few{});
  lengths<layer_norm_backward_of, f32>(1e-4, {3}, too_long{});
  lengths<layer_norm_backward_of, bfloat>(1.0 / 64, {21}, some{});
}
TEST_CASE("long rows that stay in shared memory between passes") {
  static_assert(cuda::kernel_text<layer_norm_backward_of<space<7, 8192>, bfloat>, cuda::emulated>::shape.read_again);
  static_assert(cuda::kernel_text<layer_norm_backward_of<space<7, 16384>, bfloat>, cuda::emulated>::shape.read_again);
  static_assert(cuda::kernel_text<layer_norm_backward_of<space<7, 8192>, bfloat>, cuda::emulated>::shape.groups == 2);
  check<layer_norm_backward_of<space<7, 8192>, bfloat>>(1.0 / 64, {});
  check<layer_norm_backward_of<space<7, 16384>, bfloat>>(1.0 / 64, {});
  check<layer_norm_backward_of<space<50, 6000>, bfloat>>(1.0 / 64, {});
}
// Graphics cards have less shared memory.
template <int Shared> struct less_shared : cuda::emulated { static constexpr cuda::machine_limits limits{Shared}; };
template <int Shared, std::int64_t Columns> using smaller = cuda::kernel_text<layer_norm_backward_of<space<7, Columns>, bfloat>, less_shared<Shared>>;
TEST_CASE("no kernel asks for more shared memory than there is") {
  static_assert(smaller<227 * 1024, 16384>::shared_bytes > 163 * 1024);
  static_assert(smaller<163 * 1024, 16384>::shared_bytes <= 163 * 1024);
  static_assert(smaller<163 * 1024, 8192>::shared_bytes <= 163 * 1024);
  static_assert(smaller<99 * 1024, 16384>::shared_bytes <= 99 * 1024);
  static_assert(smaller<99 * 1024, 8192>::shared_bytes <= 99 * 1024);
  static_assert(smaller<99 * 1024, 4096>::shared_bytes <= 99 * 1024);
  static_assert(smaller<99 * 1024, 768>::shared_bytes <= 99 * 1024);
}
TEST_CASE("column sums") {
  lengths<column_sum_of, bfloat>(1.0 / 128, {90}, every{});
  lengths<column_sum_of, bfloat>(1.0 / 64, {700}, few{});  // several blocks for a result
  lengths<column_sum_of, bfloat>(1.0 / 128, {0, 1}, few{});
  lengths<column_sum_of, f32>(1e-5, {7}, too_long{});
}
// outputs: the sums of x * scale and x * x, where scale is one number a row
template <class Space, dtype T = f32>
using column_sums_of = region<Space, pack<input<T, 3>, input<T, 1>>, pack<output<4, T, 2>, output<5, f32, 2>>, mul<T, 3, 0, 1>, mul<T, 3, 0, 0>, sum_<1, T, 2, 2>, sum_<1, T, 2, 3>>;
template <std::int64_t Columns, dtype T> constexpr int tile_of = cuda::kernel_text<column_sum_of<space<300, Columns>, T>, cuda::emulated>::plan.tile;
TEST_CASE("column sums of tiles") {
  static_assert(tile_of<256, bfloat> == 128 && tile_of<768, bfloat> == 128 && tile_of<16384, bfloat> == 256 && tile_of<768, f32> == 64 && tile_of<96, f64> == 32);
  static_assert(tile_of<128, bfloat> == 0 && tile_of<1000, bfloat> == 0 && tile_of<50257, bfloat> == 0);
  static_assert(cuda::kernel_text<layer_norm_backward_of<space<300, 768>, bfloat>, cuda::emulated>::plan.tile == 0);
  check<column_sum_of<space<300, 768>, bfloat>>(1.0 / 64, {});
  check<column_sum_of<space<-1, 256>, half>>(1.0 / 512, {33});
  check<column_sum_of<space<-1, 256>, half>>(1.0 / 512, {0});
  check<column_sums_of<space<200, 128>, f32>>(1e-5, {});
  check<column_sums_of<space<1000, 64>, f64>>(1e-12, {});
}
TEST_CASE("lengths known at run time") {
  for (std::int64_t n : {1, 2, 7, 31, 32, 33, 100, 1000, 3001}) {
    check<layer_norm_backward_of<space<-1, -2>>>(1e-4, {30, n});
    check<column_sum_of<space<-1, -2>, half>>(1.0 / 1024, {30, n});
  }
}

}  // namespace emulated
