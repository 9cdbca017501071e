// A wrong product in a program.
#include <thunder/thunder.hpp>

using namespace thunder;
inline constexpr auto B = dim("batch");

void user() {
#ifdef FIXED
  auto f = jit([](auto v) { return matmul(v, param<"w", float, 3, 4>()); });
#else
  auto f = jit([](auto v) { return matmul(v, param<"w", float, 4, 3>()); });  // expect: matmul: the inner dimensions differ
#endif
  tensor<float, 2, 3> x;
  state s;
  auto y = f(s, x);
  static_cast<void>(y);
}
