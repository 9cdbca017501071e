// Rows of odd length have no pairs.
#include <thunder/ir.hpp>

using namespace thunder;
inline constexpr auto B = dim("batch"), T = dim("time");

#ifdef FIXED
constexpr auto y = rope(buffer<"x", float, B, T, 8>());
#else
constexpr auto y = rope(buffer<"x", float, B, T, 7>());  // expect: the last dimension is rotated in pairs: it is even and has no name
#endif
