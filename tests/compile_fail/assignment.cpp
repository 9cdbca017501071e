// A variable that is given another expression.
#include <thunder/ir.hpp>

using namespace thunder;
constexpr auto f = [](auto x) {
  auto s = x * 2_c;
#ifdef FIXED
  auto t = s + x;
  return t;
#else
  s = s + x;  // expect: an expression's type is its value, so a variable cannot take another
  return s;
#endif
};
constexpr auto y = f(param<"x", float, 3>());
