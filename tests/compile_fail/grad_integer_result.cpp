// The gradient of a function whose result is an integer.
#include <thunder/ir.hpp>

using namespace thunder;
constexpr auto x = buffer<"x", int, 3>();

#ifdef FIXED
constexpr auto y = grad([](auto v) { return sum(v * v); })(cast<float>(x));
#else
constexpr auto y = grad([](auto v) { return sum(v * v); })(x);  // expect: this operation takes floating-point operands: cast<float>(x) first
#endif
