// Rows that are too long for the registers of a block, on an emulated machine that has few of them and little shared memory.
#include "emulated.hpp"

namespace emulated {

/// Rows of more than 64 bytes are wide. A multiprocessor has 128 threads; a thread has 4 words of a row in registers, and Shared bytes are
/// left for the rest.
template <int Shared> struct small_machine : cuda::emulated {
  static constexpr cuda::machine_limits limits{Shared, 128, 64, 4};
};
template <int Shared> struct small : cuda::emulated_device {
  using machine = small_machine<Shared>;
  explicit small(std::uint64_t seed, int resident_blocks) : emulated_device(seed, resident_blocks, Shared) {}
};
template <class Region> constexpr cuda::kernel_shape shape_of = cuda::kernel_text<Region, small_machine<16 * 1024>>::shape;

// inputs: logits, labels; outputs: the loss of each row, and its gradient
template <class Space, dtype T = f32>
using cross_entropy_of =
    region<Space, pack<input<T, 3>, input<i32, 1>>, pack<output<13, f32, 1>, output<18, T, 3>>, cast_<f32, 3, 0>, max_<2, f32, 1, 2>,
           sub<f32, 3, 2, 3>, pointwise<ops::exp, f32, 3, 4>, sum_<2, f32, 1, 5>, pointwise<ops::log, f32, 1, 6>, s<ops::iota, words<2>, i32, 2>,
           pointwise<ops::eq, b8, 3, 1, 8>, full<0, f32>, pointwise<ops::where, f32, 3, 9, 4, 10>, sum_<2, f32, 1, 11>, sub<f32, 1, 7, 12>,
           full<bits(1), f32>, pointwise<ops::div, f32, 1, 14, 6>, mul<f32, 3, 5, 15>, cast_<f32, 3, 9>, sub<f32, 3, 16, 17>>;
// x[a, b, n] + y[b, n] * w[n], normalised; the second output varies along b and n only
template <class Space, dtype T = f32>
using parts_of_space = region<Space, pack<input<T, 7>, input<T, 6>, input<T, 4>>, pack<output<6, T, 7>, output<3, T, 6>>, mul<T, 6, 1, 2>, add<T, 7, 0, 3>, sum_<4, T, 3, 4>, sub<T, 7, 4, 5>>;

template <class Device, int... C> void widths(std::integer_sequence<int, C...>) {
  (check<softmax_of<space<-1, C>, bfloat>, Device>(1.0 / 128, {9}), ...);
  (check<cross_entropy_of<space<-1, C>, bfloat>, Device>(1.0 / 64, {17}), ...);
}

TEST_CASE("rows in registers and shared memory") {
  using region = softmax_of<space<-1, 3000>, bfloat>;
  CHECK(shape_of<region>.wide);
  CHECK(!shape_of<region>.shifted);
  CHECK(shape_of<region>.threads() == 64);
  CHECK(shape_of<region>.vectors == 1);
  CHECK(shape_of<softmax_of<space<-1, 3001>, bfloat>>.shifted);
  CHECK(cuda::kernel_text<region, small_machine<16 * 1024>>::resident);
  CHECK(!cuda::kernel_text<region, small_machine<4000>>::resident);
  CHECK(!cuda::kernel_text<region, cuda::emulated>::shape.wide);
  widths<small<16 * 1024>>(std::integer_sequence<int, 33, 1027, 3000, 3001>{});
  check<layer_norm_of<space<-1, 1003>>, small<16 * 1024>>(1e-4, {6});
}
TEST_CASE("rows that are read again in each pass, in part") {  // with room for one of two, or for none
  widths<small<4000>>(std::integer_sequence<int, 3000, 3001>{});
  widths<small<0>>(std::integer_sequence<int, 1027>{});
}
TEST_CASE("a gradient over its own logits") {
  using region = cross_entropy_of<space<-1, 3001>, bfloat>;
  const std::int64_t dims[]{17};
  std::mt19937 random(3);
  std::vector<char> logits, labels, in_place;
  fill<bfloat>(logits, 17 * 3001, -2, random), fill<i32>(labels, 17, 0, random);
  auto label = [&](int row) { return row == 0 ? 0 : row == 16 ? 3001 : 3000 - 187 * (row - 1); };  // one in no column
  for (int r = 0; r < 17; ++r) {
    const std::int32_t l = label(r);
    std::memcpy(labels.data() + 4 * r, &l, 4);
  }
  in_place = logits;
  std::vector<float> losses(17), again(17);
  std::vector<bf16> gradient(17 * 3001);
  const void* in[]{logits.data(), labels.data()};
  void* out[]{losses.data(), gradient.data()};
  cuda::emulate<region, small<4000>>(in, out, dims, 1, 3);
  in[0] = out[1] = in_place.data(), out[0] = again.data();
  cuda::emulate<region, small<4000>>(in, out, dims, 2, 5);
  for (int r = 0; r < 16; ++r) {
    CAPTURE(r);
    CHECK(static_cast<float>(gradient[static_cast<std::size_t>(r * 3001 + label(r))]) < -0.99f);
    CHECK(losses[static_cast<std::size_t>(r)] > 5);
    CHECK(losses[static_cast<std::size_t>(r)] < 11);
  }
  CHECK(losses == again);
  CHECK(std::memcmp(in_place.data(), gradient.data(), gradient.size() * sizeof(bf16)) == 0);
}

// Machines on which a kernel of such rows must fail: the emulation would find the text's mistake, if it were one.
struct without_waiting : small_machine<16 * 1024> {
  template <int N> static void wait_copies() {}
};
struct without_barriers : small_machine<16 * 1024> {
  static void sync() {}
};
template <class Machine> struct faulty : small<16 * 1024> {
  using machine = Machine;
  using small<16 * 1024>::small;
};
template <class Machine> std::string fault_on() {
  using region = softmax_of<space<5, 3001>>;
  std::vector<float> x(5 * 3001, 1.f), y(x.size());
  const void* in[]{x.data()};
  void* out[]{y.data()};
  try {
    cuda::emulate<region, faulty<Machine>>(in, out, nullptr, 1, 2);
  } catch (const cuda::kernel_fault& f) {
    return f.what();
  }
  return "";
}
TEST_CASE("what the emulated machine finds") {
  CHECK(fault_on<small_machine<16 * 1024>>() == "");
  CHECK(fault_on<without_waiting>().find("of shared memory, which nobody has written (wide.hpp:") != std::string::npos);
  CHECK(fault_on<without_barriers>().find("of shared memory, which ") != std::string::npos);
}
TEST_CASE("inputs that vary along some dimensions") {
  check<parts_of_space<space<-1, 3, 200>>, small<4000>>(1e-4, {5});
  check<parts_of_space<space<-1, 3, 203>>, small<4000>>(1e-4, {5});
  check<parts_of_space<space<-1, 3, 203>, bfloat>, small<4000>>(1.0 / 32, {5});
}
TEST_CASE("lengths known at run time") {
  for (std::int64_t n : {1, 3, 8, 9, 30, 500, 1001, 3000}) {
    check<softmax_of<space<-1, -2>, bfloat>, small<4000>>(1.0 / 128, {9, n});
    check<cross_entropy_of<space<-1, -2>>, small<4000>>(1e-5, {5, n});
  }
}

}  // namespace emulated
