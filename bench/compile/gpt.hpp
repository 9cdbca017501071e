#pragma once
/// A GPT-like transformer for timing compilers: 12 parameters and about 70 statements a layer (layer norms are written out, so that
/// the count is the program's own). LAYERS, and CALLS: a layer is a module call; otherwise all layers are one flat trace.
#include <thunder/ir.hpp>

#ifndef LAYERS
#define LAYERS 12
#endif
#ifndef CALLS
#define CALLS 1
#endif

namespace gpt {
using namespace thunder;

inline constexpr auto B = dim("batch");
inline constexpr int context = 64, width = 128, heads = 4, vocabulary = 1000;

template <fixed_string Prefix, fixed_string Name, auto... D> constexpr auto weight() { return param<joined_name<Prefix, Name>(), float, D...>(); }

// (x: [B, context, width]) -> the same
template <fixed_string Gamma, fixed_string Beta> constexpr auto normalised(auto x) {
  auto d = x - unsqueeze(mean(x, axis<-1>), axis<-1>);
  auto scale = rsqrt(mean(d * d, axis<-1>) + 1e-5_c);
  return d * unsqueeze(scale, axis<-1>) * param<Gamma, float, width>() + param<Beta, float, width>();
}
// [B, context, width] -> [B, heads, context, width / heads]
constexpr auto split_heads(auto x) { return transpose(reshape<B, context, heads, width / heads>(x), axis<0, 2, 1, 3>); }

/// One layer; its parameters' names begin with Prefix.
template <fixed_string Prefix> struct layer {
  // (x: [B, context, width]) -> the same
  constexpr auto operator()(auto x) const {
    auto y = normalised<joined_name<Prefix, "ln1.gamma">(), joined_name<Prefix, "ln1.beta">()>(x);
    auto q = split_heads(matmul(y, weight<Prefix, "wq", width, width>()));
    auto k = split_heads(matmul(y, weight<Prefix, "wk", width, width>()));
    auto v = split_heads(matmul(y, weight<Prefix, "wv", width, width>()));
    auto scores = matmul(q, transpose(k)) * ratio<10, 57>;
    auto causal = iota<std::int32_t, context, context>(axis<0>) >= iota<std::int32_t, context, context>(axis<1>);
    auto mixed = matmul(softmax(where(causal, scores, -1e9_c)), v);
    auto joined = reshape<B, context, width>(transpose(mixed, axis<0, 2, 1, 3>));
    auto r = x + matmul(joined, weight<Prefix, "wo", width, width>());
    auto z = normalised<joined_name<Prefix, "ln2.gamma">(), joined_name<Prefix, "ln2.beta">()>(r);
    auto hidden = gelu(matmul(z, weight<Prefix, "w1", width, 4 * width>()) + weight<Prefix, "b1", 4 * width>());
    return r + matmul(hidden, weight<Prefix, "w2", 4 * width, width>()) + weight<Prefix, "b2", width>();
  }
};

#if CALLS
constexpr auto layers(auto x) { return repeat<LAYERS, "h">(layer<"">{}, x); }
#else
template <int I> struct flat_layer {
  template <class X> friend constexpr auto operator>>(X x, flat_layer) { return layer<joined_name<numbered<"h", I>(), ".">()>{}(x); }
};
template <int... I> constexpr auto flat_layers(auto x, std::integer_sequence<int, I...>) { return (x >> ... >> flat_layer<I>{}); }
constexpr auto layers(auto x) { return flat_layers(x, std::make_integer_sequence<int, LAYERS>{}); }
#endif

/// (tokens: i32 [B, context], targets: i32 [B, context]) -> the loss
inline constexpr auto loss = [](auto tokens, auto targets) {
  auto x = take(param<"wte", float, vocabulary, width>(), tokens) + param<"wpe", float, context, width>();
  auto y = normalised<"lnf.gamma", "lnf.beta">(layers(x));
  return cross_entropy(matmul(y, param<"head", float, width, vocabulary>()), targets);
};
inline constexpr auto gradients = value_and_grad(loss, wrt_parameters);

using batch = expr<dtype::i32, shape_t<B, context>, 0>;
template <class T> constexpr const graph_view& graph_of() { return T::body::view; }

}  // namespace gpt
