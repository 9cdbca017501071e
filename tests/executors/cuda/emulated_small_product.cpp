// The kernel of small float products on the emulated machine.
#include <thunder/executors/cuda/emulation.hpp>
#include <thunder/executors/cuda/small_product.hpp>

#include "../cpu/arrays.hpp"

using namespace steps;
namespace cuda = thunder::cuda;
using thunder::epilogue;

struct sizes {
  int rows, columns, inner, batch;
};

TEST_CASE("whole tiles and parts of them, one panel and several, all ways to lie, with each epilogue") {
  int turn = 0;
  for (const sizes s : {sizes{8, 8, 128, 1},
                        {64, 128, 64, 1},
                        {12, 20, 132, 2},
                        {1, 1, 1, 1},
                        {9, 33, 129, 1},
                        {17, 10, 3, 2},
                        {7, 31, 256, 3},
                        {5, 40, 0, 1},
                        {0, 4, 4, 1}})
    for (const bool a_transposed : {false, true})
      for (const bool b_transposed : {false, true})
        for (const bool shared : {false, true}) {  // one b for all matrices
          REQUIRE(cuda::small_product::suits(s.rows, s.columns, s.inner, s.batch));
          buffer a(dtype::f32, {s.batch, s.rows, s.inner}), b(dtype::f32, {shared ? 1 : s.batch, s.inner, s.columns}),
              c(dtype::f32, {s.batch, s.rows, s.columns});
          for (buffer* x : {&a, &b}) x->fill([](std::int64_t) { return static_cast<double>(random(-100, 100)) / 64; });
          cuda::emulated_device device(static_cast<std::uint64_t>(random(0, 99)));
          auto there = [&](const char* name, const buffer& x, bool written) {
            return device.add(name, reinterpret_cast<float*>(x.data()), static_cast<std::size_t>(x.count()), written);
          };
          cuda::small_product p{there("a", a, true),
                                there("b", b, true),
                                there("c", c, false),
                                s.rows,
                                s.columns,
                                s.inner,
                                s.batch,
                                std::int64_t{s.rows} * s.inner,
                                shared ? 0 : std::int64_t{s.inner} * s.columns,
                                a_transposed,
                                b_transposed};
          p.wide = (s.rows | s.columns | s.inner) % 4 == 0;
          p.after = static_cast<epilogue>(turn++ % 11 % 6);
          const bool of_all = p.after == epilogue::gelu_slope, keeps = p.after == epilogue::gelu_kept;
          buffer third(dtype::f32, {of_all ? c.count() : s.columns}), sums(dtype::f32, {s.batch, s.rows, s.columns});
          third.fill([](std::int64_t) { return static_cast<double>(random(-300, 300)) / 64; });
          const bool biased = p.after == epilogue::bias || of_all || (p.after != epilogue::none && turn % 2 == 0);
          if (biased) p.third = there("third", third, true);
          if (keeps) p.kept = there("kept", sums, false);
          if (p.blocks()) device.start<cuda::small_product_kernel<cuda::emulated>>(static_cast<unsigned>(p.blocks()), p);
          double worst = 0;
          for (std::int64_t m = 0; m < s.batch; ++m)
            for (std::int64_t i = 0; i < s.rows; ++i)
              for (std::int64_t j = 0; j < s.columns; ++j) {
                double sum = 0;
                for (std::int64_t k = 0; k < s.inner; ++k)
                  sum += a[m * p.stride_a + (a_transposed ? k * s.rows + i : i * s.inner + k)] *
                         b[m * p.stride_b + (b_transposed ? j * s.inner + k : k * s.columns + j)];
                const std::int64_t at = (m * s.rows + i) * s.columns + j;
                const double t = biased ? third[of_all ? at : j] : 0, expected = p.after == epilogue::none ? sum : thunder::after_product(p.after, sum, t);
                worst = std::max(worst, std::abs(c[at] - expected) / (1 + std::abs(sum)));
                if (keeps) worst = std::max(worst, std::abs(sums[at] - (sum + t)) / (1 + std::abs(sum)));
              }
          CHECK_MESSAGE(worst < 1e-5, s.rows, " ", s.columns, " ", s.inner, " ", a_transposed, b_transposed, shared);
          CHECK(c.guarded());
          CHECK(sums.guarded());
          if (c.count()) CHECK(device.running().memory().history(p.c).unwritten() < 0);
          if (c.count() && keeps) CHECK(device.running().memory().history(p.kept).unwritten() < 0);
        }
}
TEST_CASE("relu passes a NaN on, of the product and of the bias") {
  buffer a(dtype::f32, {2, 1}), b(dtype::f32, {1, 4}), third(dtype::f32, {4}), c(dtype::f32, {2, 4});
  a.set(0, NAN), a.set(1, 1);
  b.fill([](std::int64_t i) { return i % 2 ? -1. : 1.; });
  third.fill([](std::int64_t i) { return i < 2 ? 0. : i == 2 ? NAN : -INFINITY; });
  cuda::emulated_device device(1);
  auto there = [&](const char* name, const buffer& x, bool written) {
    return device.add(name, reinterpret_cast<float*>(x.data()), static_cast<std::size_t>(x.count()), written);
  };
  cuda::small_product p{there("a", a, true), there("b", b, true), there("c", c, false), 2, 4, 1, 1, 2, 4, false, false};
  p.after = epilogue::relu, p.third = there("third", third, true);
  device.start<cuda::small_product_kernel<cuda::emulated>>(static_cast<unsigned>(p.blocks()), p);
  for (std::int64_t j = 0; j < 4; ++j) CHECK(std::isnan(static_cast<double>(c[j])));
  CHECK(c[4] == 1);
  CHECK(c[5] == 0);
  CHECK(std::isnan(static_cast<double>(c[6])));
  CHECK(c[7] == 0);
}
TEST_CASE("what is large is cuBLASLt's") {
  CHECK(cuda::small_product::suits(64, 256, 256, 1));
  CHECK(!cuda::small_product::suits(64, 264, 256, 1));
  CHECK(!cuda::small_product::suits(64, 128, 257, 1));
  CHECK(!cuda::small_product::suits(8, 8, 16, 257));
  CHECK(!cuda::small_product::suits(std::int64_t{1} << 40, std::int64_t{1} << 40, 1, 1));
}
