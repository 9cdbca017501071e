#pragma once
/// layer_norm and rms_norm with their parameters.
#include "../ir/trace.hpp"
#include "../ops/norm.hpp"
#include "linear.hpp"

namespace thunder::nn {

struct layer_norm_module {
  // (x: [.., n]) -> [.., n]
  template <typed X> constexpr auto operator()(X x) const {
    if constexpr (is_invalid<X>) return x;
    else if constexpr (X::rank < 1) return make<refused<mistake::axis_missing, X::rank>>();
    else {
      using T = element_t<X::element>;
      return thunder::layer_norm(x, param<"weight", T, last_extent<X>>(initial::ones), param<"bias", T, last_extent<X>>());
    }
  }
};
struct rms_norm_module {
  // (x: [.., n]) -> [.., n]
  template <typed X> constexpr auto operator()(X x) const {
    if constexpr (is_invalid<X>) return x;
    else if constexpr (X::rank < 1) return make<refused<mistake::axis_missing, X::rank>>();
    else return thunder::rms_norm(x, param<"weight", element_t<X::element>, last_extent<X>>(initial::ones));
  }
};

/// Each row with mean 0 and variance 1, times "Name.weight" [n] plus "Name.bias" [n]. (x: [.., n]) -> [.., n]
template <fixed_string Name, typed X> constexpr auto layer_norm(X x) { return scope<Name>(layer_norm_module{})(x); }
/// Each row with mean square 1, times "Name.weight" [n]. (x: [.., n]) -> [.., n]
template <fixed_string Name, typed X> constexpr auto rms_norm(X x) { return scope<Name>(rms_norm_module{})(x); }

}  // namespace thunder::nn
