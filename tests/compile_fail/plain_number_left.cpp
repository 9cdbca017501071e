// A number that a trace cannot see, on the left.
#include <thunder/ir.hpp>

using namespace thunder;
inline constexpr auto B = dim("batch"), S = dim("sequence");
constexpr auto x = buffer<"x", float, B, 3>();

#ifdef FIXED
constexpr auto y = 0.5_c * x;
#else
constexpr auto y = 0.5f * x;  // expect: a plain number is invisible to a trace: write 0.5_c
#endif
