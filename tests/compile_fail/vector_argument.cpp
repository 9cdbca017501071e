// A std::vector as an argument.
#include <thunder/thunder.hpp>

using namespace thunder;
inline constexpr auto B = dim("batch");

void user(tensor<float, 2, 3>& x) {
#ifdef FIXED
  jit([](auto v) { return v + 1_c; })(x);
#else
  jit([](auto v) { return v + 1_c; })(std::vector<float>(3));  // expect: an argument of a program is a tensor, a view, a number
#endif
}
