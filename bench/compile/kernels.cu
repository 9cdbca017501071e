// COUNT kernels of one kind, with the host's code that starts them: regions of different static lengths in bf16.
#include <thunder/executors/cuda/stream.hpp>
#include <thunder/ops/all.hpp>

namespace kernels {
using namespace thunder;

constexpr dtype b16 = dtype::bf16, f32 = dtype::f32;
constexpr std::int64_t bits(double x) { return std::bit_cast<std::int64_t>(x); }
template <class Op, dtype T, unsigned M, int... X>
using p = s<Op, words<>, T, M, X...>;
template <class Op, std::int64_t Over, unsigned M, int X>
using reduce = s<Op, words<Over>, f32, M, X>;
template <std::int64_t Bits>
using constant_ = s<ops::full, words<Bits>, f32, 0>;
template <unsigned M>
using matrix = input<b16, M>;

// gelu(x * w + b) + r
template <int C>
using chain = region<space<16384, C>, pack<matrix<3>, matrix<2>, matrix<2>, matrix<3>>, pack<output<7, b16, 3>>,
                     p<ops::mul, b16, 3, 0, 1>, p<ops::add, b16, 3, 4, 2>, p<ops::gelu, b16, 3, 5>, p<ops::add, b16, 3, 6, 3>>;
template <int C>
using softmax = region<space<16384, C>, pack<matrix<3>>, pack<output<9, b16, 3>>, p<ops::cast, f32, 3, 0>,
                       reduce<ops::max, 2, 1, 1>, p<ops::sub, f32, 3, 1, 2>, p<ops::exp, f32, 3, 3>, reduce<ops::sum, 2, 1, 4>,
                       constant_<bits(1)>, p<ops::div, f32, 1, 6, 5>, p<ops::mul, f32, 3, 4, 7>, p<ops::cast, b16, 3, 8>>;
template <int C>
using layer_norm =
    region<space<16384, C>, pack<matrix<3>, matrix<2>, matrix<2>>, pack<output<19, b16, 3>>, p<ops::cast, f32, 3, 0>,
           reduce<ops::sum, 2, 1, 3>, constant_<bits(1.0 / 4096)>, p<ops::mul, f32, 1, 4, 5>, p<ops::sub, f32, 3, 3, 6>,
           p<ops::mul, f32, 3, 7, 7>, reduce<ops::sum, 2, 1, 8>, p<ops::mul, f32, 1, 9, 5>, constant_<bits(1e-5)>,
           p<ops::add, f32, 1, 10, 11>, p<ops::rsqrt, f32, 1, 12>, p<ops::mul, f32, 3, 7, 13>, p<ops::cast, f32, 2, 1>,
           p<ops::mul, f32, 3, 14, 15>, p<ops::cast, f32, 2, 2>, p<ops::add, f32, 3, 16, 17>, p<ops::cast, b16, 3, 18>>;
// dy, gamma, x, mean, 1 / deviation
template <int C>
using layer_norm_backward =
    region<space<16384, C>, pack<matrix<3>, matrix<2>, matrix<3>, input<f32, 1>, input<f32, 1>>,
           pack<output<21, b16, 3>, output<23, b16, 2>, output<24, b16, 2>>, p<ops::cast, f32, 3, 0>, p<ops::cast, f32, 2, 1>,
           p<ops::mul, f32, 3, 5, 6>, reduce<ops::sum, 2, 1, 7>, constant_<bits(1.0 / 4096)>, p<ops::mul, f32, 1, 8, 9>,
           p<ops::sub, f32, 3, 7, 10>, p<ops::cast, f32, 3, 2>, p<ops::sub, f32, 3, 12, 3>, p<ops::mul, f32, 3, 13, 4>,
           p<ops::mul, f32, 3, 7, 14>, reduce<ops::sum, 2, 1, 15>, p<ops::mul, f32, 1, 16, 9>, p<ops::mul, f32, 3, 14, 17>,
           p<ops::sub, f32, 3, 11, 18>, p<ops::mul, f32, 3, 4, 19>, p<ops::cast, b16, 3, 20>, p<ops::mul, f32, 3, 5, 14>,
           reduce<ops::sum, 1, 2, 22>, reduce<ops::sum, 1, 2, 5>>;
template <int C>
using column_sum = region<space<16384, C>, pack<matrix<3>>, pack<output<1, b16, 2>>, s<ops::sum, words<1>, b16, 2, 0>>;
// the loss of each row and its gradient, at 12 times as many columns
template <int C>
using cross_entropy =
    region<space<8192, 12 * C>, pack<matrix<3>, input<dtype::i32, 1>>, pack<output<13, f32, 1>, output<21, b16, 3>>,
           p<ops::cast, f32, 3, 0>, reduce<ops::max, 2, 1, 2>, p<ops::sub, f32, 3, 2, 3>, p<ops::exp, f32, 3, 4>,
           reduce<ops::sum, 2, 1, 5>, p<ops::log, f32, 1, 6>, s<ops::iota, words<2>, dtype::i32, 2>,
           p<ops::eq, dtype::b8, 3, 8, 1>, constant_<0>, p<ops::where, f32, 3, 9, 4, 10>, reduce<ops::sum, 2, 1, 11>,
           p<ops::sub, f32, 1, 7, 12>, constant_<bits(1)>, p<ops::div, f32, 1, 14, 6>, p<ops::mul, f32, 3, 5, 15>,
           p<ops::cast, f32, 3, 9>, p<ops::sub, f32, 3, 16, 17>, constant_<bits(1.0 / 8192)>, p<ops::mul, f32, 3, 19, 18>,
           p<ops::cast, b16, 3, 20>>;

template <template <int> class Kind, int... K>
void start(const region_call (&calls)[1], std::integer_sequence<int, K...>) {
  (cuda::run_fused<Kind<4096 - 64 * K>>(cuda::gpu_stream{nullptr}, calls), ...);
}
void start(const region_call (&calls)[1]) { start<kernels::KIND>(calls, std::make_integer_sequence<int, COUNT>{}); }
}  // namespace kernels
