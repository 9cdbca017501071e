// A transpose that names an axis twice.
#include <thunder/ir.hpp>

using namespace thunder;
inline constexpr auto B = dim("batch"), S = dim("sequence");
constexpr auto x = buffer<"x", float, B, 3>();

#ifdef FIXED
constexpr auto y = transpose(x, axis<1, 0>);
#else
constexpr auto y = transpose(x, axis<1, 1>);  // expect: transpose: name every axis exactly once
#endif
