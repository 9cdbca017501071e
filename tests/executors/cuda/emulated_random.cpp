// A few random programs with their kernels on the emulated machine, and the CPU's library steps. random_programs.cu has more of them.
#include "random_programs.hpp"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // registers of threads that have nothing to do
#endif
#include <thunder/executors/cuda/emulation.hpp>

using namespace thunder;

namespace {

struct emulated_executor : cpu::executor<> {
  using cpu::executor<>::run;
  template <class Region, int Count> static void run(Region, const region_call (&calls)[Count]) { cuda::emulate<Region>(calls, 5, 7); }
};
#ifndef THUNDER_FIRST_PROGRAM
#define THUNDER_FIRST_PROGRAM 0
#endif

}  // namespace

TEST_CASE("random programs on the emulated machine") {
  random_programs::check_all<emulated_executor, THUNDER_FIRST_PROGRAM>(std::make_integer_sequence<int, 4>());
}
