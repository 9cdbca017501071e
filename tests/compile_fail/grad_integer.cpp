// The gradient by an integer argument.
#include <thunder/ir.hpp>

using namespace thunder;
inline constexpr auto B = dim("batch"), S = dim("sequence");
constexpr auto x = buffer<"x", float, B, 3>();

constexpr auto loss = [](auto v, auto labels) { return mean(cross_entropy_rows(matmul(v, param<"w", float, 3, 10>()), labels)); };
constexpr auto labels = buffer<"labels", int, B>();
#ifdef FIXED
constexpr auto y = grad(loss, wrt<0>)(x, labels);
#else
constexpr auto y = grad(loss, wrt<1>)(x, labels);  // expect: grad: an argument to differentiate by is not floating-point
#endif
