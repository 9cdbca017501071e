// More elements than there are.
#include <thunder/ir.hpp>

using namespace thunder;
constexpr auto x = buffer<"x", float, 4, 8>();

#ifdef FIXED
constexpr auto y = top_k<8>(x);
#else
constexpr auto y = top_k<9>(x);  // expect: top_k: k is at least 1 and at most the extent of the last axis
#endif
