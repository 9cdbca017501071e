// A function of two parameters called with one argument.
#include <thunder/thunder.hpp>

using namespace thunder;
inline constexpr auto B = dim("batch");

void user(tensor<float, 2, 3>& x) {
#ifdef FIXED
  jit([](auto a, auto b) { return a + b; })(x, x);
#else
  jit([](auto a, auto b) { return a + b; })(x);  // expect: as many as there are arguments
#endif
}
