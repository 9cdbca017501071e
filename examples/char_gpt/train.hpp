#pragma once
/// Training that can stop at any time: what it needs to go on, bit for bit, is one file.
#include <algorithm>
#include <optional>

#include "model.hpp"

namespace char_gpt {

/// A random number below n, a function of its arguments alone.
inline std::int64_t draw(std::int64_t key, std::int64_t step, std::int64_t i, std::int64_t n) {
  const auto word = random_word(mix(static_cast<std::uint64_t>(key), static_cast<std::uint64_t>(step)), static_cast<std::uint64_t>(i));
  return static_cast<std::int64_t>((std::uint64_t{word} * static_cast<std::uint64_t>(n)) >> 32);
}

template <dimensions S> class trainer {
 public:
  trainer(const corpus& text, int batch, std::int64_t key) : text_(text), batch_(batch), tokens_(batch), targets_(batch) {
    for (const auto* part : {&text.train, &text.validation})
      if (part->size() < S.context + 1)
        throw std::runtime_error("the text is too short: training and validation (its last twentieth) need at least " + std::to_string(S.context + 1) + " characters each");
    state_ = init(step_, key, tokens_, targets_, 0.0f);
    for (const auto& [name, x] : {std::pair{"run.step", std::int64_t{0}}, std::pair{"run.key", key}}) {
      tensor<std::int64_t> t;
      *t.data() = x;
      state_.insert(name, std::move(t));
    }
  }

  /// Parameters, the optimizer's moments, the number of steps done and the key: all that the next step depends on.
  const state& checkpoint() const { return state_; }
  void save(const std::string& path) const { thunder::save(state_, path); }
  /// Goes on from a checkpoint.
  void resume(const std::string& path) {
    state s = load(path);
    for (const auto& [name, value] : state_)
      if (!s.contains(name) || s[name].value.printed() != value.printed())
        throw std::runtime_error("the checkpoint " + path + " is not of this model: '" + name + "' is missing or of another shape");
    state_ = std::move(s);
  }
  std::int64_t steps_done() const { return *state_["run.step"].template as<std::int64_t>().data(); }
  std::int64_t key() const { return *state_["run.key"].template as<std::int64_t>().data(); }

  struct outcome {
    float loss, gradient_norm;
  };
  /// One step on a batch of random pieces of the text.
  outcome advance(float rate) {
    const std::int64_t done = steps_done(), pieces = static_cast<std::int64_t>(text_.train.size()) - S.context;
    for (int i = 0; i < batch_; ++i) fill_row(i, text_.train, draw(key(), done, i, pieces));
    const auto [loss, norm, updated] = step_(state_, tokens_, targets_, rate);
    *state_["run.step"].template as<std::int64_t>().data() = done + 1;
    return {loss.item(), norm.item()};
  }

  /// The mean loss over the validation text in pieces that do not overlap: all of them, or the first `most`.
  double validate(std::int64_t most = INT64_MAX) {
    const std::int64_t pieces = std::min(most, (static_cast<std::int64_t>(text_.validation.size()) - 1) / S.context);
    double sum = 0;
    for (std::int64_t first = 0; first < pieces; first += batch_) {
      const int n = static_cast<int>(std::min<std::int64_t>(batch_, pieces - first));
      for (int i = 0; i < n; ++i) fill_row(i, text_.validation, (first + i) * S.context);
      sum += static_cast<double>(loss_(state_, tokens_.slice(0, n), targets_.slice(0, n)).item()) * n;
    }
    return sum / static_cast<double>(pieces);
  }

 private:
  void fill_row(int row, const std::vector<std::int32_t>& text, std::int64_t from) {
    const auto* p = text.data() + from;
    std::copy(p, p + S.context, &tokens_(row, 0));
    std::copy(p + 1, p + 1 + S.context, &targets_(row, 0));
  }

  const corpus& text_;
  int batch_;
  tensor<std::int32_t, B, S.context> tokens_, targets_;
  decltype(jit(train_step<S>)) step_{train_step<S>};
  decltype(jit(loss<S>)) loss_{loss<S>};
  state state_;
};

}  // namespace char_gpt
