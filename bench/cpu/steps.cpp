// Whole training steps: loss, gradients and optimizer in one program.
#include <memory>

#include "../../examples/char_gpt/model.hpp"
#include "timing.hpp"

using namespace timing;
namespace {

// (x: [128, 784], labels: i32 [128], rate) -> {loss}
constexpr auto mlp_step = [](auto x, auto labels, auto rate) {
  const auto loss = [](auto in, auto t) {
    return cross_entropy(nn::linear<"c", 10>(relu(nn::linear<"b", 256>(relu(nn::linear<"a", 512>(in))))), t);
  };
  auto [value, gradients] = value_and_grad(loss, wrt_parameters)(x, labels);
  return std::tuple{value, update(optim::adamw(gradients, rate))};
};

/// A step on one batch, again and again; its state lives as long as the case.
template <class Step, class X, class Y> job training(std::string name, Step f, std::shared_ptr<X> x, std::shared_ptr<Y> y) {
  auto step = jit(f);
  const auto parameters = std::make_shared<state>(init(step, 1, *x, *y, 1e-3f));
  return {std::move(name), 0, [=]() mutable { step(*parameters, *x, *y, 1e-3f); }};
}

std::vector<job> jobs() {
  std::vector<job> all;
  const auto images = std::make_shared<tensor<float, 128, 784>>();
  for (std::int64_t i = 0; i < images->size(); ++i) images->data()[i] = static_cast<float>(i % 4001) * 1e-3f - 2;
  const auto labels = std::make_shared<tensor<std::int32_t, 128>>();
  for (int i = 0; i < 128; ++i) (*labels)(i) = i % 10;
  all.push_back(training("MLP 784-512-256-10, batch 128: a step of AdamW", mlp_step, images, labels));

  constexpr char_gpt::dimensions size{.layers = 4, .heads = 4, .width = 128, .context = 128};
  const auto tokens = std::make_shared<tensor<std::int32_t, 16, size.context>>(), targets = std::make_shared<tensor<std::int32_t, 16, size.context>>();
  for (std::int64_t i = 0; i < tokens->size(); ++i) tokens->data()[i] = static_cast<std::int32_t>(i * 31 % 96), targets->data()[i] = static_cast<std::int32_t>(i * 17 % 96);
  all.push_back(training("char_gpt, 4 layers of width 128, 16 x 128 tokens: a step", char_gpt::train_step<size>, tokens, targets));
  return all;
}

}  // namespace

int main(int argc, char** argv) { return report(argc, argv, jobs); }
