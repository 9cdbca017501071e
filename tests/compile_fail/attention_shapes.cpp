// Keys and values of different lengths.
#include <thunder/ir.hpp>

using namespace thunder;
inline constexpr auto B = dim("batch"), T = dim("time"), S = dim("memory");
constexpr auto q = buffer<"q", float, B, 4, T, 8>();
constexpr auto k = buffer<"k", float, B, 4, S, 8>();

#ifdef FIXED
constexpr auto y = scaled_dot_product_attention(q, k, k);
#else
constexpr auto y = scaled_dot_product_attention(q, k, q);  // expect: k [.., g, s, d] and v [.., g, s, e] have equal leading dimensions, one d and one s
#endif
