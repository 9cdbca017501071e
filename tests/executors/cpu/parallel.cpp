// What a thread of a loop throws reaches the caller.
#include <thunder/executors/cpu/region.hpp>
#include <thunder/ops/arithmetic.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <new>
#include <vector>

using namespace thunder;
namespace {

/// x, or no memory where an x is negative.
struct fragile : pointwise_op<fragile> {
  static constexpr const char* name = "test.fragile";
  template <class V>
  static V evaluate(const V& x) {
    if (any(x < V(0))) throw std::bad_alloc();
    return x;
  }
};
using dtype::f32;
using loop =
    cpu::fused_loop<region<space<-1, 1024>, pack<input<f32, 3>>, pack<output<1, f32, 3>>, s<fragile, words<>, f32, 3, 0>>>;

}  // namespace

TEST_CASE("every thread may throw, the caller catches once") {
  for (int team : {1, 2, 4}) {
    std::atomic<int> thrown{0};
    const auto body = [&](int, int) {
      ++thrown;
      throw std::bad_alloc();
    };
    CHECK_THROWS_AS(cpu::default_threads::run(team, body), const std::bad_alloc&);
    CHECK(thrown > 0);
    CHECK(thrown <= team);
  }
}

TEST_CASE("one row of a fused loop throws, the next call works") {
  constexpr std::int64_t rows = 1000;
  std::vector<float> x(rows * 1024, 1.0f), y(x.size());
  const void* in[]{x.data()};
  void* out[]{y.data()};
  x[999 * 1024 + 5] = -1;
  CHECK_THROWS_AS(loop::run(in, out, &rows), const std::bad_alloc&);
  x[999 * 1024 + 5] = 1;
  CHECK_NOTHROW(loop::run(in, out, &rows));
  CHECK(y == x);
}
