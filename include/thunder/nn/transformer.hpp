#pragma once
/// The blocks of a transformer that reads from left to right (GPT-2: Radford et al. 2019), for training, and for generation with a cache of
/// the keys and values of earlier tokens.
#include "../ops/attention.hpp"
#include "../ops/activation.hpp"
#include "../ops/dropout.hpp"
#include "embedding.hpp"
#include "norm.hpp"

namespace thunder::nn {

struct transformer_options {
  int heads = 1;
  int kv_heads = 0;       // of keys and values; 0: as many
  int layers = 1;         // of the whole model: what is added to the residual stream starts with deviation 0.02 / sqrt(2 layers)
  int expansion = 4;      // the hidden width of the MLP, in widths
  bool bias = true;       // of the linear layers
  setting dropout = 0.0;  // of what is added to the residual stream, where a block gets a key
};

/// 0.02 / sqrt(2 layers), as in GPT-2.
template <transformer_options O>
using residual_normal = decltype(initial::normal(0_c, number<bits_of(0.02 / square_root(2.0 * O.layers))>{}));

/// [B, t, heads * d] -> [B, heads, t, d], and back
template <int Heads, typed X> constexpr auto split_heads(X x) {
  if constexpr (is_invalid<X>) return x;
  else return transpose(reshape<extent_of<X, 0>, extent_of<X, 1>, Heads, last_extent<X>.size / Heads>(x), axis<0, 2, 1, 3>);
}
template <typed X> constexpr auto join_heads(X x) {
  if constexpr (is_invalid<X>) return x;
  else return reshape<extent_of<X, 0>, extent_of<X, 2>, extent_of<X, 1> * extent_of<X, 3>>(transpose(x, axis<0, 2, 1, 3>));
}

/// What self-attention with and without a cache shares.
template <transformer_options O> struct attention_layer {
  static constexpr int kv_heads = O.kv_heads ? O.kv_heads : O.heads;
  template <class X> static constexpr int head_width = static_cast<int>(last_extent<X>.size) / O.heads;

  template <typed X> static constexpr auto check(X x) {
    if constexpr (is_invalid<X>) return x;
    else if constexpr (X::rank != 3) return make<refused<mistake::rank_mismatch, X::rank, 3>>();
    else {
      static_assert(last_extent<X>.size % O.heads == 0, "a transformer's width is a multiple of its number of heads");
      return x;
    }
  }
  template <typed X> static constexpr auto query(X x) { return split_heads<O.heads>(linear<"query", O.heads * head_width<X>, O.bias>(x, small_normal{})); }
  template <typed X> static constexpr auto key(X x) { return split_heads<kv_heads>(linear<"key", kv_heads * head_width<X>, O.bias>(x, small_normal{})); }
  template <typed X> static constexpr auto value(X x) { return split_heads<kv_heads>(linear<"value", kv_heads * head_width<X>, O.bias>(x, small_normal{})); }
  template <class X, typed Y> static constexpr auto output(Y y) {
    return linear<"output", static_cast<int>(last_extent<X>.size), O.bias>(join_heads(y), residual_normal<O>{});
  }
};

/// (x: [B, t, width]) -> [B, t, width]: every token attends to itself and those before it.
template <transformer_options O> struct self_attention_layer : attention_layer<O> {
  using base = attention_layer<O>;
  template <typed X> constexpr auto operator()(X x) const {
    if constexpr (std::same_as<decltype(base::check(x)), invalid>) return invalid{};
    else return base::template output<X>(scaled_dot_product_attention<attention_options{.causal = true}>(base::query(x), base::key(x), base::value(x)));
  }
};
/// (x: [B, t, width], position: integer []) -> {[B, t, width], keys, values}: the tokens at position, position + 1, ... attend to themselves
/// and those before them, whose keys and values are in the buffers "keys" and "values" [B, heads, Capacity, d]. The results are their
/// new values. position + t is at most Capacity.
template <transformer_options O, int Capacity> struct cached_attention_layer : attention_layer<O> {
  using base = attention_layer<O>;
  template <typed X, typed P> constexpr auto operator()(X x, P position) const {
    if constexpr (std::same_as<decltype(base::check(x)), invalid>) return invalid{};
    else {
      using T = element_t<X::element>;
      const auto keys = dynamic_update_slice<2>(buffer<"keys", T, extent_of<X, 0>, base::kv_heads, Capacity, base::template head_width<X>>(), base::key(x), position);
      const auto values = dynamic_update_slice<2>(buffer<"values", T, extent_of<X, 0>, base::kv_heads, Capacity, base::template head_width<X>>(), base::value(x), position);
      const auto before = iota<std::int32_t, extent_of<X, 1>, Capacity>(axis<1>) <= iota<std::int32_t, extent_of<X, 1>, Capacity>(axis<0>) + cast<std::int32_t>(position);
      return std::tuple{base::template output<X>(scaled_dot_product_attention(base::query(x), keys, values, before)), keys, values};
    }
  }
};

/// (x: [.., width]) -> [.., width]
template <transformer_options O> struct mlp_layer {
  template <typed X> constexpr auto operator()(X x) const {
    if constexpr (is_invalid<X>) return x;
    else {
      const auto hidden = gelu(linear<"hidden", O.expansion * static_cast<int>(last_extent<X>.size), O.bias>(x, small_normal{}));
      return linear<"output", static_cast<int>(last_extent<X>.size), O.bias>(hidden, residual_normal<O>{});
    }
  }
};

/// One block: attention, then an MLP, each with a norm before it and added to what comes in. Parameters: "norm1", "attention", "norm2",
/// "mlp".
///
///     repeat<12, "h">(nn::transformer_block<nn::transformer_options{.heads = 12, .layers = 12}>{}, x)
///
/// (x: [B, t, width]) -> [B, t, width]; with dropout, (pair{x, key}) -> pair{y, key of the next block}.
template <transformer_options O> struct transformer_block {
  template <typed X> constexpr auto operator()(X x) const {
    const auto y = x + scope<"attention">(self_attention_layer<O>{})(layer_norm<"norm1">(x));
    return y + scope<"mlp">(mlp_layer<O>{})(layer_norm<"norm2">(y));
  }
  template <typed X, typed K> constexpr auto operator()(std::pair<X, K> in) const {
    const auto x = in.first;
    const auto key = in.second;
    const auto y = x + dropout(scope<"attention">(self_attention_layer<O>{})(layer_norm<"norm1">(x)), number<O.dropout.bits>{}, fold_in(key, 1_c));
    const auto z = y + dropout(scope<"mlp">(mlp_layer<O>{})(layer_norm<"norm2">(y)), number<O.dropout.bits>{}, fold_in(key, 2_c));
    return std::pair{z, fold_in(key, 0_c)};
  }
};
/// The same block with the same parameters, for tokens that come one or a few at a time:
/// (x: [B, t, width], position: integer []) -> {[B, t, width], keys, values}.
template <transformer_options O, int Capacity> struct cached_transformer_block {
  template <typed X, typed P> constexpr auto operator()(X x, P position) const {
    const auto attended = scope<"attention">(cached_attention_layer<O, Capacity>{})(layer_norm<"norm1">(x), position);
    if constexpr (std::same_as<decltype(attended), const invalid>) return attended;
    else {
      const auto y = x + std::get<0>(attended);
      return std::tuple{y + scope<"mlp">(mlp_layer<O>{})(layer_norm<"norm2">(y)), std::get<1>(attended), std::get<2>(attended)};
    }
  }
};

/// The result of the layers so far and new values of their caches, and one more layer: a fold makes all.
template <fixed_string Layer, class Block, class P> struct cached_layer {
  template <class X, class... Cache> friend constexpr auto operator>>(std::pair<X, named<Cache...>>, cached_layer) {
    const auto r = scope<Layer>(Block{})(X{}, P{});
    if constexpr (std::same_as<decltype(r), const invalid>) return std::pair{invalid{}, invalid{}};
    else return std::pair{std::get<0>(r), with(named<Cache...>{}, named_value<joined_name<Layer, ".attention.keys">()>(std::get<1>(r)), named_value<joined_name<Layer, ".attention.values">()>(std::get<2>(r)))};
  }
  friend constexpr auto operator>>(std::pair<invalid, invalid> x, cached_layer) { return x; }

 private:
  template <class... Cache, class... More> static constexpr named<Cache..., More...> with(named<Cache...>, More...) { return {}; }
};
template <fixed_string Name, class Block, class X, class P, int... I> constexpr auto cached_layers(X x, P, std::integer_sequence<int, I...>) {
  return (std::pair{x, named<>{}} >> ... >> cached_layer<numbered<Name, I>(), Block, P>{});
}
/// What repeat<N, "h">(transformer_block<O>{}, x) is for whole texts, for tokens at a position: {y, new values of the caches}, which the
/// program returns as update(caches). The caches are buffers "h.0.attention.keys", ... of the state.
///
///     auto [y, caches] = nn::repeat_cached<12, "h", nn::cached_transformer_block<O, 1024>>(x, position);
template <int N, fixed_string Name, class Block, typed X, typed P> constexpr auto repeat_cached(X x, P position) {
  return cached_layers<Name, Block>(x, position, std::make_integer_sequence<int, N>{});
}

}  // namespace thunder::nn
