// cumsum and cumprod on the GPU against the CPU's step, over random shapes, element types and buffers that begin at any element.
#include <thunder/executors/cpu/scan.hpp>
#include <thunder/executors/cuda/scan.hpp>
#include <thunder/ops/scan.hpp>

#include "device_arrays.hpp"

#include <cmath>

using namespace steps;
namespace ops = thunder::ops;
namespace {

template <class Op> void compare(const buffer& x, int axis, bool reverse, double tolerance) {
  const extents shape(x.header().extents, x.header().extents + x.header().rank);
  buffer expected(x.type(), shape), got(x.type(), shape);
  const std::vector<std::int64_t> words{axis, reverse};
  run<Op>({&x}, expected, words);
  const std::string what = text("scan", {&x}, words);
  CHECK_MESSAGE(run_on_device<Op>({&x}, {&got}, words), what);
  double worst = 0;
  for (std::int64_t i = 0; i < x.count(); ++i) {
    const double e = got[i] == expected[i] ? 0 : std::abs(got[i] - expected[i]) / (1 + std::abs(expected[i]));
    worst = e <= worst ? worst : e == e ? e : INFINITY;
  }
  CHECK_MESSAGE(worst <= tolerance, what, ": ", worst);
}
void compare_types(const extents& shape, int axis) {
  const dtype types[]{dtype::i32, dtype::i64, dtype::f16, dtype::bf16, dtype::f32, dtype::f64};
  const dtype t = types[random(0, 5)];
  const double last_place = t == dtype::bf16 ? 8e-3 : t == dtype::f16 ? 1e-3 : 0;  // the CPU rounds a sum of doubles, the GPU one of floats
  buffer x(t, shape), y(t, shape);
  x.fill([](std::int64_t) { return static_cast<double>(random(-8, 8)); });  // sums are exact
  y.fill([&](std::int64_t) { return random(0, 1) ? 1. : -1.; });
  y.set(random(0, y.count() - 1), 2);
  compare<ops::cumsum>(x, axis, random(0, 1), last_place);
  compare<ops::cumprod>(y, axis, random(0, 1), 0);
}

TEST_CASE("rows: of a warp, of a block, of several blocks") {
  for (int i = 0; have_device() && i < 200; ++i) {
    compare_types({random(1, 40), random(1, 700)}, 1);
    compare_types({random(1, 9), random(1, 20) * 512}, 1);
    compare_types({random(1, 5), random(1, 150000)}, 1);
  }
}
TEST_CASE("other axes, of few and of many lines") {
  for (int i = 0; have_device() && i < 200; ++i) {
    compare_types({random(1, 6), random(1, 200), random(2, 300)}, 1);
    compare_types({random(1, 3000), random(2, 9), random(1, 6)}, 0);
  }
  if (have_device()) compare_types({3, 20, 150000}, 1);
}
TEST_CASE("sums of floats are as good as the order allows") {
  if (!have_device()) return;
  buffer x(dtype::f32, {2, 200000});
  x.fill([](std::int64_t) { return static_cast<double>(random(-1000, 1000)) / 1000; });
  compare<ops::cumsum>(x, 1, false, 1e-4);  // a thousandth part of the roundings of so many additions: partial sums reach a few hundred
  compare<ops::cumsum>(x, 1, true, 1e-4);
}

}  // namespace
