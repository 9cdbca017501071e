// The kernel of rotate_pairs on the emulated machine.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // registers of threads that have nothing to do
#endif
#include <thunder/executors/cuda/emulation.hpp>
#include <thunder/executors/cuda/rotation.hpp>

#include "../rotation.hpp"

using namespace rotation_tests;
namespace cuda = thunder::cuda;

TEST_CASE("every element type, both styles, forward and back, tables that broadcast") {
  for_every_case([](const sample& c, dtype t, std::int64_t style, std::int64_t back) {
    const operands in(c, t);
    const buffer y(t, c.x);
    cuda::emulated_device device(static_cast<std::uint64_t>(random(0, 99)));
    auto there = [&](const char* name, const buffer& b, bool written) {
      thunder::array a = b.header();
      const auto size = static_cast<std::size_t>(thunder::size_of(b.type()));
      a.data = device.running().memory().add(name, b.data(), static_cast<std::size_t>(b.count()) * size, size, written);
      return a;
    };
    const thunder::array x[]{there("x", in.x, true), there("the cosines", in.cosine, true), there("the sines", in.sine, true)}, out = there("y", y, false);
    const std::int64_t words[]{style, back};
    cuda::rotation_step<cuda::emulated_device>::run(device, {x, 3, &out, 1, words, 2});
    CHECK_MESSAGE(in.error_of(y, style, back) < 1, c.text(t, style, back));
    CHECK(y.guarded());
    if (y.count()) CHECK(device.running().memory().history(out.data).unwritten() < 0);
  });
}
