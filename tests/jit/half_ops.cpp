// bf16 and f16 on the CPU: every family of ops against the reference executor.
#include "compare.hpp"

#include <doctest/doctest.h>

using namespace thunder;
using namespace jit_tests;

namespace {

/// The reference executor rounds where there is a cast, a program also where it stores.
template <class T> constexpr double several_ulps = std::is_same_v<T, bf16> ? 0x1p-5 : 0x1p-8;

template <class T> void pointwise_and_rows() {
  constexpr auto f = [](auto x, auto g, auto labels, auto key) {
    const auto y = abs(x) + 0.5_c;
    return std::tuple{exp(x * 0.25_c) + log(y) * rsqrt(y), gelu(x) + silu(x) - tanh(x), where(x > 0_c, x, -x), max(x, axis<0>) - min(x, axis<0>), softmax(x), log_softmax(x),
                      logsumexp(x), layer_norm(x, g, g), rms_norm(x, g), mean(x), var(x, axis<1>), cross_entropy(x, labels), cross_entropy_rows(x, labels), mse(x, y),
                      dropout(x, 0.5_c, key), uniform<T, 7>(key), normal<T, 7>(key)};
  };
  CHECK(error_of(f, wave<T, 6, 37>(0.1), wave<T, 37>(0.7), tensor<std::int32_t, 6>{0, 36, 5, 7, 1, 20}, std::int64_t{5}) < several_ulps<T>);
}
template <class T> void moved() {
  constexpr auto f = [](auto x, auto i) {
    return std::tuple{transpose(x), concatenate(axis<1>, x, slice<1, 3, 8>(x)), pad<1, 1, 2>(x), take(x, i), argmax(x, axis<1>), dynamic_slice<0, 2>(x, max(i)), cast<float>(x),
                      cast<std::int32_t>(x), cast<T>(iota<std::int32_t, 5>(axis<0>))};
  };
  CHECK(error_of(f, wave<T, 6, 37>(0.1), tensor<std::int32_t, 3>{3, 0, 3}) == 0);
}
template <class T> void products() {
  constexpr auto f = [](auto q, auto w) {
    constexpr auto attend = [](auto a) { return sum(square(scaled_dot_product_attention<attention_options{.causal = true}>(a, a, a))); };
    return std::tuple{matmul(q, w), rope(q), scaled_dot_product_attention(q, q, q), grad(attend)(q)};
  };
  CHECK(error_of(f, wave<T, 2, 3, 9, 8>(0.1), wave<T, 8, 5>(0.3)) < several_ulps<T>);
}

}  // namespace

TEST_CASE("pointwise ops, reductions, norms, losses and random numbers") { pointwise_and_rows<bf16>(); }
TEST_CASE("moving does not round") {
  moved<bf16>();
  moved<f16>();
}
TEST_CASE("products, attention and its gradient, rope") { products<f16>(); }
