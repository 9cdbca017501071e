// The inner dimensions of a product differ.
#include <thunder/ir.hpp>

using namespace thunder;
inline constexpr auto B = dim("batch"), S = dim("sequence");
constexpr auto x = buffer<"x", float, B, 3>();

#ifdef FIXED
constexpr auto y = matmul(x, param<"w", float, 3, 4>());
#else
constexpr auto y = matmul(x, param<"w", float, 4, 3>());  // expect: matmul: the inner dimensions differ
#endif
