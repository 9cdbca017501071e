#pragma once
// Programs that are printed as C++ and compiled back.
#include <thunder/thunder.hpp>

#include "../../bench/compile/gpt.hpp"

namespace models {
using namespace thunder;

inline constexpr auto batch = dim("batch");

inline constexpr auto hello = [](auto a, auto b) { return a + b; };
using hello_trace = trace_t<decltype(hello), expr<dtype::f32, shape_t<2, 3>, 0>, expr<dtype::f32, shape_t<2, 3>, 0>>;

// One dense layer: what its steps compute is compared, too.
inline constexpr auto layer = [](auto x, auto w, auto b) { return softmax(matmul(x, w) + b); };

// The training step of examples/fashion_mnist, with another optimizer and an integer result besides.
struct mlp {
  constexpr auto operator()(auto images) const {
    auto x = relu(nn::linear<"hidden1", 256>(images));
    auto y = relu(nn::linear<"hidden2", 128>(x));
    return nn::linear<"classes", 10>(y);
  }
};
template <class Optimizer> struct step_with {
  constexpr auto operator()(auto images, auto labels, auto rate) const {
    auto loss = [](auto x, auto y) { return cross_entropy(mlp{}(x), y); };
    auto [value, gradients] = value_and_grad(loss, wrt_parameters)(images, labels);
    auto [clipped, norm] = optim::clip_by_global_norm(gradients, 1_c);
    auto right = sum(cast<std::int32_t>(argmax(mlp{}(images), axis<1>) == labels));
    return std::tuple{value, right, update(Optimizer{}(clipped, rate))};
  }
};
struct adamw {
  constexpr auto operator()(auto g, auto rate) const { return optim::adamw(g, rate); }
};
struct sgd {
  constexpr auto operator()(auto g, auto rate) const { return optim::sgd(g, rate); }
};
inline constexpr step_with<adamw> adamw_step;
inline constexpr step_with<sgd> sgd_step;
template <class Step> using step_trace =
    trace_t<Step, expr<dtype::f32, shape_t<batch, 784>, 0>, expr<dtype::i32, shape_t<batch>, 0>, expr<dtype::f32, shape<>, 0>>;

// Two layers of a transformer with the gradients of all parameters.
using gpt_trace = trace_t<decltype(gpt::gradients), gpt::batch, gpt::batch>;

// Mixed precision: attention and linear layers with the gradient of a parameter.
inline constexpr auto mixed = autocast<bf16>([](auto x) {
  const auto q = nn::split_heads<2>(nn::linear<"in", 8>(x));
  auto loss = [](auto y) { return mean(nn::linear<"out", 3>(y)); };
  return value_and_grad(loss, wrt_parameters)(nn::join_heads(scaled_dot_product_attention(q, q, q)));
});
using mixed_trace = trace_t<decltype(mixed), expr<dtype::f32, shape_t<batch, 5, 4>, 0>>;

// What the others do not have: names, attributes, calls and numbers of all kinds.
namespace mine {
struct cube : pointwise_op<cube> {
  static constexpr const char* name = "models.mine.cube";
  static constexpr auto evaluate(auto x) { return x * x * x; }
  static constexpr auto partials(auto, auto x) { return factors(3_c * x * x); }
};
}  // namespace mine
inline constexpr auto several = [](auto x, auto) {
  return std::tuple{x * param<"/shared", float>(initial::ones), -x, sum(x) > 1e-7_c};
};
inline constexpr auto odd = [](auto x, auto i, auto key) {
  constexpr dim seq("int"), heads("2x");
  auto a = param<"exp.\"quoted\"", float, 4>(initial::uniform(-0.25_c, 0.1_c)) *
           buffer<"sum", float, 4>(initial::constant(1.23456789012345_c));
  auto [p, q, r] = scope<"odd.scope.7">(several)(x, i);
  auto [s, t, u] = scope<"odd.scope.8">(several)(p, i);
  auto [none, of, these] = scope<"/absolute">(several)(q, i);
  auto masks = where(r, 1_c, 0_c) + where(u, t, 0_c) + where(logical_or(r, !u), s, of);
  auto moved = concatenate(axis<1>, slice<1, 1, 4>(masks), pad<1, 1, 2>(slice<1, 0, 4, 2>(masks)),
                           transpose(slice<1, 0, 4>(masks), axis<0, 1>));
  auto numbers = maximum(x, -1e20_c) + minimum(x, number<bits_of(1e300)>{}) +
                 pow(abs(x), 0.1_c) / number<bits_of(0.12345678901234567)>{} + a +
                 number<bits_of(-std::numeric_limits<double>::infinity())>{};
  auto counts = cast<float>(i + 3_c) * cast<float>(extent<4 * seq>()) + cast<float>(iota<std::int32_t, seq>(axis<0>) * 2_c);
  auto noise = dropout(layer_norm(x, a, a, 1e-6_c), 0.25_c, fold_in(key, 3_c)) + uniform<float, seq, 4>(key) +
               rms_norm(normal<float, seq, 4>(key), a) + cast<float>(cast<bf16>(x) * 0.5_c);
  auto shapes = reshape<4, seq>(unsqueeze(x, axis<1>)) * unsqueeze(mean(transpose(x), axis<1>), axis<1>) +
                broadcast<4, seq>(full<float, seq>(2_c));
  auto rows = take(x, i) + var(x) + logsumexp(x, axis<0, 1>) + max(x, axis<0>) + make<mine::cube>(x) +
              sum(cast<float>(full<bool, heads>(1_c) == full<bool, heads>(0_c)));
  return std::tuple{
      std::pair{numbers, counts}, noise, shapes, moved, rows, named<entry<literal_name<"w">, decltype(a)>>{}, these};
};
using odd_trace = trace_t<decltype(odd), expr<dtype::f32, shape_t<dim("int"), 4>, 0>, expr<dtype::i32, shape_t<dim("int")>, 0>,
                          expr<dtype::i64, shape<>, 0>>;

// Statements with two results, scans, and their gradients.
inline constexpr auto ordered = [](auto x) {
  return value_and_grad([](auto y) {
    auto [up, order] = sort(y);
    auto [down, other] = sort<sort_order::descending>(y, axis<0>);
    auto [largest, where] = top_k<2>(y);
    return sum(sin(up) * down + take_along_axis(y, other) + cumsum<scan_order::reverse>(y, axis<0>) * cumprod(y)) + sum(largest * cast<float>(where)) +
           sum(prod(y, axis<0>)) + stddev(y);
  })(x);
};
using ordered_trace = trace_t<decltype(ordered), expr<dtype::f32, shape_t<batch, 4>, 0>>;

}  // namespace models
