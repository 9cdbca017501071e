// A reshape to another number of elements.
#include <thunder/ir.hpp>

using namespace thunder;
inline constexpr auto B = dim("batch"), S = dim("sequence");
constexpr auto x = buffer<"x", float, B, 3>();

#ifdef FIXED
constexpr auto y = reshape<B, 3, 1>(x);
#else
constexpr auto y = reshape<B, 4>(x);  // expect: reshape: the new shape has another number of elements
#endif
