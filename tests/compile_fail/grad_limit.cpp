// The gradient by the 65th argument.
#include <thunder/ir.hpp>

using namespace thunder;
constexpr auto x = param<"x", float>();
constexpr auto loss = [](auto... v) { return ((v * v) + ...); };
template <int... I> constexpr auto slope(std::integer_sequence<int, I...>) {
#ifdef FIXED
  return grad(loss, wrt<63>)((static_cast<void>(I), x)...);
#else
  return grad(loss, wrt<64>)((static_cast<void>(I), x)...);  // expect: grad: only the first 64 expressions among the arguments can be differentiated by
#endif
}
constexpr auto y = slope(std::make_integer_sequence<int, 65>{});
