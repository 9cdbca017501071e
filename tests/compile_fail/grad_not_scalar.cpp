// The gradient of more than one number.
#include <thunder/ir.hpp>

using namespace thunder;
inline constexpr auto B = dim("batch"), S = dim("sequence");
constexpr auto x = buffer<"x", float, B, 3>();

#ifdef FIXED
constexpr auto y = grad([](auto v) { return sum(v * v); })(x);
#else
constexpr auto y = grad([](auto v) { return v * v; })(x);  // expect: grad: the function must return one floating-point expression of rank 0
#endif
