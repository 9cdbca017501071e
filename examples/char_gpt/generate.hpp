#pragma once
/// Text from the model, one compiled program a character. The keys and values of earlier characters stay in caches of a fixed size, which the
/// program updates in place.
#include <algorithm>
#include <cmath>

#include "model.hpp"

namespace char_gpt {

struct sampling {
  double temperature = 0.8;  // 0: always the most probable character
  int top_k = 20;            // only the k most probable ones
  std::int64_t key = 0;
};

/// A token by its logits. Equal keys and positions give equal tokens.
inline std::int32_t sample(const float* logits, const sampling& s, std::int64_t position) {
  std::int32_t order[vocabulary];
  for (int i = 0; i < vocabulary; ++i) order[i] = i;
  std::sort(order, order + vocabulary, [&](int a, int b) { return logits[a] > logits[b] || (logits[a] == logits[b] && a < b); });
  if (s.temperature <= 0) return order[0];
  const int k = std::clamp(s.top_k, 1, vocabulary);
  double weights[vocabulary], sum = 0;
  for (int i = 0; i < k; ++i) sum += weights[i] = std::exp(static_cast<double>(logits[order[i]] - logits[order[0]]) / s.temperature);
  double left = static_cast<double>(uniform01(random_word(static_cast<std::uint64_t>(s.key), static_cast<std::uint64_t>(position)))) * sum;
  for (int i = 0; i < k; ++i)
    if ((left -= weights[i]) < 0) return order[i];
  return order[k - 1];
}

template <dimensions S> class generator {
 public:
  explicit generator(const state& trained) : state_(init(step_, 0, tokens_, std::int32_t{0})) {
    for (auto& [name, value] : state_)
      if (trained.contains(name)) value = trained[name].value.copy();
  }

  /// The logits after one token more.
  const float* feed(std::int32_t token) {
    if (position_ == S.context) forget();
    tokens_(0, 0) = token;
    history_.push_back(token);
    auto [logits, updated] = step_(state_, tokens_, position_++);
    logits_ = std::move(logits);
    return logits_.data();
  }
  /// What follows the prompt, which goes through the same program.
  std::string run(const std::string& prompt, int count, const sampling& s) {
    std::string text;
    const float* logits = nullptr;
    for (const char c : prompt.empty() ? std::string("\n") : prompt) logits = feed(token_of(c));
    for (int i = 0; i < count; ++i) {
      const std::int32_t token = sample(logits, s, i);
      text += character_of(token);
      logits = feed(token);
    }
    return text;
  }

 private:
  /// The caches are full: the second half of the context becomes the first.
  void forget() {
    const std::vector<std::int32_t> kept(history_.end() - S.context / 2, history_.end());
    history_.clear(), position_ = 0;
    for (const auto token : kept) feed(token);
  }

  tensor<std::int32_t, 1, 1> tokens_;
  decltype(jit(generate_step<S>)) step_{generate_step<S>};
  state state_;
  tensor<float, vocabulary> logits_;
  std::vector<std::int32_t> history_;
  std::int32_t position_ = 0;
};

}  // namespace char_gpt
