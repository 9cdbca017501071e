// Positions that are not one for each row.
#include <thunder/ir.hpp>

using namespace thunder;
inline constexpr auto B = dim("batch"), T = dim("time");
constexpr auto x = buffer<"x", float, B, T, 8>();

#ifdef FIXED
constexpr auto y = rope(x, buffer<"position", std::int32_t, T>());
#else
constexpr auto y = rope(x, buffer<"position", std::int32_t, B>());  // expect: the positions broadcast to the operand's dimensions without the last
#endif
