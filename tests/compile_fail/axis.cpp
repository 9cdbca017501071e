// An axis that does not exist.
#include <thunder/ir.hpp>

using namespace thunder;
inline constexpr auto B = dim("batch"), S = dim("sequence");
constexpr auto x = buffer<"x", float, B, 3>();

#ifdef FIXED
constexpr auto y = sum(x, axis<1>);
#else
constexpr auto y = sum(x, axis<2>);  // expect: this axis does not exist: axes count from 0
#endif
