// One name, two parameters.
#include <thunder/ir.hpp>

using namespace thunder;
inline constexpr auto B = dim("batch"), S = dim("sequence");
constexpr auto x = buffer<"x", float, B, 3>();

#ifdef FIXED
constexpr auto model = [](auto v) { return matmul(matmul(v, param<"w1", float, 3, 4>()), param<"w2", float, 4, 1>()); };
#else
constexpr auto model = [](auto v) { return matmul(matmul(v, param<"w", float, 3, 4>()), param<"w", float, 4, 1>()); };
#endif
constexpr auto y = scope<"model">(model)(x);  // expect: one parameter name has two shapes or element types
