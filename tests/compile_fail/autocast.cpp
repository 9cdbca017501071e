// Mixed precision in a type that is no half type.
#include <thunder/ir.hpp>

using namespace thunder;

constexpr auto product = [](auto x) { return matmul(x, x); };
#ifdef FIXED
constexpr auto lowered = autocast<bf16>(product);
#else
constexpr auto lowered = autocast<float>(product);  // expect: autocast<T>(f): T is thunder::bf16 or thunder::f16
#endif
constexpr auto y = lowered(param<"x", float, 3, 3>());
