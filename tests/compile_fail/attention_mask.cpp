// A mask of another shape than the scores.
#include <thunder/ir.hpp>

using namespace thunder;
inline constexpr auto B = dim("batch");
constexpr auto q = buffer<"q", float, B, 4, 16, 8>();

#ifdef FIXED
constexpr auto y = scaled_dot_product_attention(q, q, q, causal_mask<16>());
#else
constexpr auto y = scaled_dot_product_attention(q, q, q, causal_mask<16, 8>());  // expect: broadcasts to [.., heads, t, s]
#endif
