// A function of real numbers, of integers.
#include <thunder/ir.hpp>

using namespace thunder;
inline constexpr auto B = dim("batch"), S = dim("sequence");
constexpr auto x = buffer<"x", float, B, 3>();

#ifdef FIXED
constexpr auto y = exp(cast<float>(buffer<"labels", int, B>()));
#else
constexpr auto y = exp(buffer<"labels", int, B>());  // expect: this operation takes floating-point operands: cast<float>(x) first
#endif
