// The gradient by no argument.
#include <thunder/ir.hpp>

using namespace thunder;
constexpr auto loss = [](auto x) { return sum(x * x); };
#ifdef FIXED
constexpr auto y = grad(loss, wrt<0>)(param<"x", float, 3>());
#else
constexpr auto y = grad(loss, wrt<>)(param<"x", float, 3>());  // expect: grad: wrt<> names no argument
#endif
