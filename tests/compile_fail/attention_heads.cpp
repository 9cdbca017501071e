// Six query heads cannot share four key heads.
#include <thunder/ir.hpp>

using namespace thunder;
inline constexpr auto B = dim("batch");
constexpr auto q = buffer<"q", float, B, 6, 16, 8>();

#ifdef FIXED
constexpr auto k = buffer<"k", float, B, 3, 16, 8>();
constexpr auto y = scaled_dot_product_attention(q, k, k);
#else
constexpr auto k = buffer<"k", float, B, 4, 16, 8>();
constexpr auto y = scaled_dot_product_attention(q, k, k);  // expect: the number of query heads is a multiple of the number of key and value heads
#endif
