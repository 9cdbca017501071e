// cumsum and cumprod against a loop over single elements, in every element type.
#include <thunder/executors/cpu/scan.hpp>
#include <thunder/ops/scan.hpp>

#include "arrays.hpp"

#include <cmath>

using namespace steps;
namespace ops = thunder::ops;
namespace {

/// The largest error of the step, relative to 1 + the size of the number.
template <class Op, class Target> double error_of(const buffer& x, int axis, bool reverse) {
  buffer y(x.type(), extents(x.header().extents, x.header().extents + x.header().rank));
  run<Op, Target>({&x}, y, {axis, reverse});
  const thunder::array& a = x.header();
  const std::int64_t n = a.extents[axis], inner = a.count(axis + 1, a.rank);
  double worst = 0;
  for (std::int64_t i = 0; i < x.count(); ++i) {
    const std::int64_t k = i / inner % n, first = i - k * inner;
    double total = Op::template identity<double>();
    for (std::int64_t j = reverse ? n - 1 : 0; reverse ? j >= k : j <= k; j += reverse ? -1 : 1) total = Op::combine(total, x[first + j * inner]);
    const double e = std::abs(y[i] - total) / (1 + std::abs(total));
    worst = e <= worst ? worst : e;
  }
  return worst;
}

TEST_CASE("every element type, axis and order") {
  const std::vector<extents> shapes{{1}, {37}, {3, 40}, {6, 33}, {5, 7, 3}, {2, 30, 70}, {3, 0, 2}, {2, 3, 2, 5}};
  for (const extents& shape : shapes)
    for (const dtype t : {dtype::i32, dtype::i64, dtype::f16, dtype::bf16, dtype::f32, dtype::f64})
      for (int axis = 0; axis < static_cast<int>(shape.size()); ++axis)
        for (const bool reverse : {false, true}) {
          buffer x(t, shape), factors(t, shape);
          x.fill([](std::int64_t) { return static_cast<double>(random(-8, 8)); });
          factors.fill([&](std::int64_t) { return static_cast<double>(random(0, 9) ? random(0, 1) ? 1 : -1 : random(1, 2)); });
          const double most = t == dtype::bf16 ? 4e-3 : t == dtype::f16 ? 5e-4 : 0;
          CHECK(error_of<ops::cumsum, cpu::default_target>(x, axis, reverse) <= most);
          CHECK(error_of<ops::cumprod, serial_target>(factors, axis, reverse) <= most);
        }
}
TEST_CASE("long rows on several threads; integers wrap") {
  buffer x(dtype::f32, {7, 100000});
  x.fill([](std::int64_t i) { return static_cast<double>(i % 3) - 0.5; });
  buffer y(dtype::f32, {7, 100000}), z(dtype::f32, {7, 100000});
  run<ops::cumsum>({&x}, y, {1, 0});
  run<ops::cumsum, serial_target>({&x}, z, {1, 0});
  CHECK(y.equals(z));
  CHECK(y[99999] == doctest::Approx(49999.5));
  buffer i(dtype::i32, {3}), wrapped(dtype::i32, {3});
  i.fill([](std::int64_t k) { return k ? 1.0 : 2147483647.0; });
  run<ops::cumsum>({&i}, wrapped, {0, 0});
  CHECK(wrapped[1] == -2147483648.0);
}

}  // namespace
