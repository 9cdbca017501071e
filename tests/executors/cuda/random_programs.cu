// Random programs on the GPU, six of them; CMake's THUNDER_RANDOM_PROGRAMS asks for more, and compiles this file once for each eight.
#include "random_programs.hpp"

#ifndef THUNDER_FIRST_PROGRAM
#define THUNDER_FIRST_PROGRAM 0
#define THUNDER_PROGRAMS 6
#endif

TEST_CASE("random programs") {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) return;
  random_programs::check_all<thunder::cuda::executor, THUNDER_FIRST_PROGRAM>(std::make_integer_sequence<int, THUNDER_PROGRAMS>());
}
