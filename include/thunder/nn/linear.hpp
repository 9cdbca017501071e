#pragma once
/// Modules with parameters, written only with public ops.
#include "../ir/trace.hpp"
#include "../core/initialiser.hpp"
#include "../ops/matmul.hpp"

namespace thunder::nn {

/// The extent of the last axis. (A local constant of class type in a traced function crashes nvcc 13.)
template <class X> inline constexpr dim last_extent = X::type.d[X::rank - 1];

template <int Out, bool Bias> struct linear_layer {
  // (x: [.., in]) -> [.., Out]
  template <typed X> constexpr auto operator()(X x) const {
    if constexpr (std::same_as<X, invalid>) return x;
    else if constexpr (X::rank < 2) return make<refused<mistake::matmul_rank, X::rank, 2>>();
    else {
      using T = element_t<X::element>;
      const auto y = matmul(x, param<"weight", T, last_extent<X>, Out>(initial::fan_in_uniform()));
      if constexpr (Bias) return y + param<"bias", T, Out>(initial::fan_in_uniform<static_cast<int>(last_extent<X>.size)>());
      else return y;
    }
  }
};

/// (x: [.., in]) -> [.., Out]: x weight + bias, with parameters "Name.weight" [in, Out] and "Name.bias" [Out], initialised as in
/// PyTorch (uniform in +-1/sqrt(in)).
template <fixed_string Name, int Out, bool Bias = true, typed X> constexpr auto linear(X x) { return scope<Name>(linear_layer<Out, Bias>{})(x); }

}  // namespace thunder::nn
