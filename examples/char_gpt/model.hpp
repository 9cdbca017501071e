#pragma once
/// The model, and what is compiled of it: a step of training, the loss alone, and a step of generation.
#include <thunder/thunder.hpp>

#include "text.hpp"

namespace char_gpt {
using namespace thunder;

inline constexpr auto B = dim("batch");

struct dimensions {
  int layers, heads, width, context;
};

/// GPT-2's architecture; the table of the tokens is also the last layer.
template <dimensions S> struct gpt {
  static constexpr nn::transformer_options block{.heads = S.heads, .layers = S.layers, .bias = false};

  // (x: [B, t, width]) -> logits [B, t, vocabulary]
  static constexpr auto logits(auto x) {
    return matmul(nn::layer_norm<"norm">(x), transpose(param<"tokens.weight", float, vocabulary, S.width>(nn::small_normal{})));
  }
  static constexpr auto positions() { return param<"positions.weight", float, S.context, S.width>(nn::small_normal{}); }

  // (tokens: i32 [B, context]) -> logits [B, context, vocabulary]
  constexpr auto operator()(auto tokens) const {
    const auto x = nn::embedding<"tokens", vocabulary, S.width>(tokens) + positions();
    return logits(repeat<S.layers, "h">(nn::transformer_block<block>{}, x));
  }
  // (tokens: i32 [B, 1], position: i32 []) -> {logits [B, 1, vocabulary], new values of the caches}
  static constexpr auto next(auto tokens, auto position) {
    const auto x = nn::embedding<"tokens", vocabulary, S.width>(tokens) + take(positions(), position);
    const auto [y, caches] = nn::repeat_cached<S.layers, "h", nn::cached_transformer_block<block, S.context>>(x, position);
    return std::pair{logits(y), caches};
  }
};

/// The loss of predicting each next character. (tokens: i32 [B, context], targets: the same) -> []
template <dimensions S> inline constexpr auto loss = [](auto tokens, auto targets) { return cross_entropy(gpt<S>{}(tokens), targets); };

/// One step: loss, gradients, clipping and the optimizer are one program. -> {loss, norm of the gradients}
template <dimensions S> inline constexpr auto train_step = [](auto tokens, auto targets, auto rate) {
  const auto [value, gradients] = value_and_grad(loss<S>, wrt_parameters)(tokens, targets);
  const auto [clipped, norm] = optim::clip_by_global_norm(gradients, 1_c);
  return std::tuple{value, norm, update(optim::adamw<optim::adamw_options{.beta2 = 0.99, .weight_decay = 0.1, .decay_matrices_only = true}>(clipped, rate))};
};

/// One token more: its keys and values join the caches, in place.
template <dimensions S> inline constexpr auto generate_step = [](auto tokens, auto position) {
  const auto [logits, caches] = gpt<S>::next(tokens, position);
  return std::pair{reshape<vocabulary>(logits), update(caches)};
};

}  // namespace char_gpt
