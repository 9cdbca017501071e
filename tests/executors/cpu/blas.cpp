// Matrix products against double loops: all transposes, batches and element types, over the sizes where the code takes turns.
#include <thunder/executors/cpu/matmul.hpp>

#include "arrays.hpp"

#include <cmath>
#include <limits>

using namespace steps;
namespace ops = thunder::ops;
namespace {

/// Half an ulp of the largest rounding on the way, generously: of the sum's terms in the type that sums, and of the result.
double tolerance(dtype t, std::int64_t k, double magnitude) {  // t: the result's type
  const double sum = t == dtype::f64 ? 1e-16 : 6e-8, result = t == dtype::bf16 ? 4e-3 : t == dtype::f16 ? 5e-4 : 0;
  return magnitude * (sum * static_cast<double>(k + 8) + result) + (t == dtype::f16 ? 1e-7 : 0);
}

/// batch: of x; shared: y has none; wide: the result is float.
void check(dtype t, const extents& batch, std::int64_t n, std::int64_t m, std::int64_t k, bool tx, bool ty, bool shared = false, bool wide = false) {
  const dtype result = wide ? dtype::f32 : t;
  auto with = [](extents e, std::int64_t a, std::int64_t b) {
    e.push_back(a), e.push_back(b);
    return e;
  };
  buffer x(t, tx ? with(batch, k, n) : with(batch, n, k)),
      y(t, ty ? with(shared ? extents{} : batch, m, k) : with(shared ? extents{} : batch, k, m)), z(result, with(batch, n, m));
  auto value = [](std::int64_t) { return static_cast<double>(random(-1024, 1024)) / 1024; };
  x.fill(value), y.fill(value);
  run<ops::matmul>({&x, &y}, z, {tx, ty});
  const std::int64_t all = x.header().count(0, x.header().rank - 2);
  std::vector<double> a(static_cast<std::size_t>(x.count())), b(static_cast<std::size_t>(y.count()));
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = x[static_cast<std::int64_t>(i)];
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = y[static_cast<std::int64_t>(i)];
  std::int64_t bad = 0;
  for (std::int64_t e = 0; e < all; ++e)
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < m; ++j) {
        double sum = 0, magnitude = 0;
        const double* u = a.data() + e * n * k + (tx ? i : i * k);
        const double* v = b.data() + (shared ? 0 : e * k * m) + (ty ? j * k : j);
        for (std::int64_t p = 0; p < k; ++p, u += tx ? n : 1, v += ty ? 1 : m) sum += *u * *v, magnitude += std::abs(*u * *v);
        bad += !(std::abs(z[(e * n + i) * m + j] - sum) <= tolerance(result, k, magnitude));
      }
  CHECK_MESSAGE(bad == 0, thunder::name_of(t), " ", all, " x [", n, " ", k, "] [", k, " ", m, "] transposed ", tx, ty, " shared ",
                shared, ": ", bad, " wrong");
}

constexpr dtype floating[]{dtype::f16, dtype::bf16, dtype::f32, dtype::f64};

TEST_CASE("all sizes, transposes and element types") {
  for (const dtype t : floating)
    for (const std::int64_t n : {1, 7, 64, 100})
      for (const std::int64_t m : {1, 7, 64, 100})
        for (const std::int64_t k : {1, 7, 64, 100})
          for (int w = 0; w < 4; ++w) check(t, {}, n, m, k, w & 1, w & 2);
}
TEST_CASE("batches: each with its own y, and one y for all") {
  for (const dtype t : floating)
    for (const extents& batch : {extents{1}, {7}, {2, 3}, {3, 1, 2}, {2, 1, 1, 2}})
      for (const std::int64_t n : {1, 7, 64})
        for (const std::int64_t m : {1, 7, 100})
          for (const std::int64_t k : {1, 7, 64}) {
            for (int w = 0; w < 4; ++w) check(t, batch, n, m, k, w & 1, w & 2);
            for (int w = 0; w < 2; ++w) check(t, batch, n, m, k, false, w, true);
          }
}
TEST_CASE("sizes that use threads, and several blocks of converted rows") {
  check(dtype::f32, {}, 300, 400, 500, false, true);
  check(dtype::f32, {40}, 64, 64, 64, false, true);
  check(dtype::f32, {3}, 260, 260, 260, false, false);
  check(dtype::f32, {}, 5000, 1, 300, false, false);
  check(dtype::f32, {}, 1, 3000, 300, false, true);
  check(dtype::bf16, {12}, 100, 64, 100, false, true);
  for (int w = 0; w < 4; ++w) {
    check(dtype::bf16, {}, 700, 60, 2000, w & 1, w & 2);
    check(dtype::f16, {}, 20000, 9, 64, w & 1, w & 2);
    check(dtype::bf16, {}, 9, 7, 60000, w & 1, w & 2);
  }
  check(dtype::bf16, {50, 100}, 7, 64, 300, false, true, true);
}
TEST_CASE("float results of half types are not rounded") {
  for (const dtype t : {dtype::f16, dtype::bf16})
    for (int w = 0; w < 4; ++w) {
      for (const extents& batch : {extents{}, {7}, {2, 3}})
        for (const std::int64_t n : {1, 64}) {
          check(t, batch, n, 33, 65, w & 1, w & 2, false, true);
          if (!(w & 1)) check(t, batch, n, 33, 65, false, w & 2, true, true);
        }
      check(t, {}, 700, 60, 2000, w & 1, w & 2, false, true);
      check(t, {}, 9, 7, 60000, w & 1, w & 2, false, true);
      check(t, {}, 3, 4, 0, w & 1, w & 2, false, true);
    }
}
TEST_CASE("nothing to sum gives zeros, an empty result stays untouched") {
  for (const dtype t : floating)
    for (int w = 0; w < 4; ++w) {
      check(t, {}, 3, 4, 0, w & 1, w & 2);
      check(t, {5}, 1, 1, 0, w & 1, w & 2);
      check(t, {}, 0, 4, 3, w & 1, w & 2);
      check(t, {}, 3, 0, 3, w & 1, w & 2);
      check(t, {0}, 3, 2, 3, w & 1, w & 2);
    }
}
TEST_CASE("what was in the result before does not matter, and NaN passes through") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const std::int64_t n : {1, 3, 100})
    for (const std::int64_t m : {1, 3, 100}) {  // a fresh buffer holds NaN
      buffer x(dtype::f32, {n, 64}), y(dtype::f32, {64, m}), z(dtype::f32, {n, m});
      x.fill([](std::int64_t) { return 0.0; }), y.fill([](std::int64_t) { return 0.0; });
      run<ops::matmul>({&x, &y}, z, {0, 0});
      for (std::int64_t i = 0; i < z.count(); ++i) CHECK(z[i] == 0);
      x.set(5, nan);
      run<ops::matmul>({&x, &y}, z, {0, 0});
      CHECK(std::isnan(z[0]));
    }
}

}  // namespace
