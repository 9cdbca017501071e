// A sum that is accumulated in a loop.
#include <thunder/ir.hpp>

using namespace thunder;
constexpr auto x = param<"x", float, 3>();
constexpr auto f = [](auto v) {
#ifdef FIXED
  return 0_c + v;
#else
  auto s = 0_c;
  for (int i = 0; i < 3; ++i) s += v;  // expect: an expression's type is its value, so a variable cannot take another
  return s + v;
#endif
};
constexpr auto y = f(x);
