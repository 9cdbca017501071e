// Two named dimensions meet.
#include <thunder/ir.hpp>

using namespace thunder;
inline constexpr auto B = dim("batch"), S = dim("sequence");
constexpr auto x = buffer<"x", float, B, 3>();

#ifdef FIXED
constexpr auto y = x + buffer<"y", float, B, 3>();
#else
constexpr auto y = x + buffer<"y", float, S, 3>();  // expect: two different named dimensions meet: use one name for both
#endif
