// Uses what thunder::thunder brings: the headers, C++20, OpenMP and OpenBLAS.
#if __has_include(<thunder/thunder.hpp>)
#include <thunder/thunder.hpp>
#else
#include <thunder/core/shape.hpp>
#endif
#include <cblas.h>
#include <omp.h>

#include <concepts>

int main() {
  static_assert(std::integral<int>);
  constexpr auto batch = thunder::dim("batch");
  static_cast<void>(batch);
  const double values[] = {1, 2, 3};
  int threads = 0;
#pragma omp parallel reduction(+ : threads)
  threads += 1;
  return cblas_ddot(3, values, 1, values, 1) == 14.0 && threads >= 1 && omp_get_max_threads() >= 1 ? 0 : 1;
}
