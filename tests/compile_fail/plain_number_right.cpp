// A number that a trace cannot see, on the right.
#include <thunder/ir.hpp>

using namespace thunder;
inline constexpr auto B = dim("batch"), S = dim("sequence");
constexpr auto x = buffer<"x", float, B, 3>();

#ifdef FIXED
constexpr auto y = x * 0.5_c;
#else
constexpr auto y = x * 0.5f;  // expect: a plain number is invisible to a trace: write 0.5_c
#endif
