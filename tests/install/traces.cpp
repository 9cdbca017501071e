// Uses thunder::ir, which needs a compiler and nothing else.
#if __has_include(<thunder/ir.hpp>)
#include <thunder/ir.hpp>
#else
#include <thunder/core/shape.hpp>
#endif

#ifdef _OPENMP
#error thunder::ir should not switch OpenMP on
#endif

int main() {
  constexpr auto batch = thunder::dim("batch");
  static_cast<void>(batch);
}
