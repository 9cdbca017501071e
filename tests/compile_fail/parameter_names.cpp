// A module's own parameter and one of all modules, by one name.
#include <thunder/ir.hpp>

using namespace thunder;

#ifdef FIXED
constexpr auto layer = [](auto v) { return matmul(v, param<"own", float, 3, 3>()) + matmul(v, param<"/w", float, 3, 3>()); };
#else
constexpr auto layer = [](auto v) { return matmul(v, param<"w", float, 3, 3>()) + matmul(v, param<"/w", float, 3, 3>()); };
#endif
constexpr auto model = [](auto v) { return sum(scope<"layer">(layer)(v)); };
constexpr auto y = scope<"model">(model)(buffer<"x", float, 2, 3>());  // expect: a module reads a parameter and an absolute one of the same name
