// Shapes that do not broadcast.
#include <thunder/ir.hpp>

using namespace thunder;
inline constexpr auto B = dim("batch"), S = dim("sequence");
constexpr auto x = buffer<"x", float, B, 3>();

#ifdef FIXED
constexpr auto y = x * param<"gain", float, 3>();
#else
constexpr auto y = x * param<"gain", float, 4>();  // expect: shapes differ: dimensions of a pointwise operation are equal or 1
#endif
