// Running counts of bool.
#include <thunder/ir.hpp>

using namespace thunder;
constexpr auto x = buffer<"x", bool, 4, 8>();

#ifdef FIXED
constexpr auto y = cumsum(cast<std::int32_t>(x));
#else
constexpr auto y = cumsum(x);  // expect: bool has no arithmetic: cast<float>(x)
#endif
