#pragma once
/// Linear layers, written only with public ops as all modules here.
#include "../ir/trace.hpp"
#include "../core/initialiser.hpp"
#include "../ops/matmul.hpp"

namespace thunder::nn {

/// The extent of an axis, and of the last. (A local constant of class type in a traced function crashes nvcc 13.)
template <class X, int I> inline constexpr dim extent_of = X::type.d[I];
template <class X> inline constexpr dim last_extent = X::type.d[X::rank - 1];

/// Weight: how the weight starts (the bias then starts at zero); void: both uniform in +-1/sqrt(in), as in PyTorch.
template <int Out, bool Bias, class Weight = void> struct linear_layer {
  // (x: [.., in]) -> [.., Out]
  template <typed X> constexpr auto operator()(X x) const {
    if constexpr (is_invalid<X>) return x;
    else if constexpr (X::rank < 2) return make<refused<mistake::matmul_rank, X::rank, 2>>();
    else {
      using T = element_t<X::element>;
      constexpr bool given = !std::is_void_v<Weight>;
      using weight_rule = std::conditional_t<given, Weight, decltype(initial::fan_in_uniform())>;
      using bias_rule = std::conditional_t<given, std::remove_const_t<decltype(initial::zeros)>, decltype(initial::fan_in_uniform<static_cast<int>(last_extent<X>.size)>())>;
      const auto y = matmul(x, param<"weight", T, last_extent<X>, Out>(weight_rule{}));
      if constexpr (Bias) return y + param<"bias", T, Out>(bias_rule{});
      else return y;
    }
  }
};

/// (x: [.., in]) -> [.., Out]: x weight + bias, with parameters "Name.weight" [in, Out] and "Name.bias" [Out], initialised as in
/// PyTorch (uniform in +-1/sqrt(in)).
template <fixed_string Name, int Out, bool Bias = true, typed X> constexpr auto linear(X x) { return scope<Name>(linear_layer<Out, Bias>{})(x); }
/// The same with a weight that starts as is said, linear<"out", 128>(x, initial::normal(0_c, 0.02_c)), and a bias that starts at zero.
template <fixed_string Name, int Out, bool Bias = true, typed X, int R, std::int64_t A, std::int64_t B> constexpr auto linear(X x, initial_c<R, A, B>) {
  return scope<Name>(linear_layer<Out, Bias, initial_c<R, A, B>>{})(x);
}

}  // namespace thunder::nn
