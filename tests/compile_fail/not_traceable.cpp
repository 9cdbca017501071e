// A function of pointers.
#include <thunder/thunder.hpp>

using namespace thunder;
inline constexpr auto B = dim("batch");

void user(tensor<float, 2, 3>& x) {
#ifdef FIXED
  jit([](auto p) { return p * 2_c; })(x);
#else
  jit([](float* p) { return p[0]; })(x);  // expect: this function cannot be traced: it takes expressions
#endif
}
