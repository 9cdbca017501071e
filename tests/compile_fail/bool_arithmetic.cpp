// Arithmetic on truth values.
#include <thunder/ir.hpp>

using namespace thunder;
inline constexpr auto B = dim("batch"), S = dim("sequence");
constexpr auto x = buffer<"x", float, B, 3>();

#ifdef FIXED
constexpr auto y = cast<float>(x > 0_c) + cast<float>(x < 1_c);
#else
constexpr auto y = (x > 0_c) + (x < 1_c);  // expect: bool has no arithmetic: cast<float>(x)
#endif
