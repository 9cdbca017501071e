// A product with a vector.
#include <thunder/ir.hpp>

using namespace thunder;
inline constexpr auto B = dim("batch"), S = dim("sequence");
constexpr auto x = buffer<"x", float, B, 3>();

#ifdef FIXED
constexpr auto y = matmul(x, reshape<3, 1>(param<"w", float, 3>()));
#else
constexpr auto y = matmul(x, param<"w", float, 3>());  // expect: matmul: an operand needs at least two dimensions
#endif
