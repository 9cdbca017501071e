// The gradient by an argument that the function does not have.
#include <thunder/ir.hpp>

using namespace thunder;
inline constexpr auto B = dim("batch"), S = dim("sequence");
constexpr auto x = buffer<"x", float, B, 3>();

constexpr auto loss = [](auto v, auto labels) { return mean(cross_entropy_rows(matmul(v, param<"w", float, 3, 10>()), labels)); };
constexpr auto labels = buffer<"labels", int, B>();
#ifdef FIXED
constexpr auto y = grad(loss, wrt<0>)(x, labels);
#else
constexpr auto y = grad(loss, wrt<2>)(x, labels);  // expect: grad: wrt<I> names an argument that the function does not have
#endif
