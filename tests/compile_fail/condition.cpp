// A C++ condition on a value that is not there yet.
#include <thunder/ir.hpp>

using namespace thunder;
inline constexpr auto B = dim("batch"), S = dim("sequence");
constexpr auto x = buffer<"x", float, B, 3>();

constexpr auto checked = [](auto v) {
#ifdef FIXED
  return where(v > 100_c, 100_c, v);
#else
  if (v > 100_c) throw "too large";  // expect: the value of an expression is not known while tracing: use where(
  return v;
#endif
};
constexpr auto y = checked(sum(x));
