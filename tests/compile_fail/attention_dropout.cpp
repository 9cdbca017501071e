// Attention with dropout, without a key.
#include <thunder/ir.hpp>

using namespace thunder;
inline constexpr auto B = dim("batch");
inline constexpr attention_options options{.causal = true, .dropout = 0.1};
constexpr auto q = buffer<"q", float, B, 4, 16, 8>();

#ifdef FIXED
constexpr auto y = scaled_dot_product_attention<options>(q, q, q, buffer<"key", std::int64_t>());
#else
constexpr auto y = scaled_dot_product_attention<options>(q, q, q);  // expect: dropout needs a key
#endif
