// A mistake in the model of a whole training step: nothing after it adds an error of its own.
// lines: g++ 16 clang 35 nvcc 20
#include <thunder/thunder.hpp>

using namespace thunder;
inline constexpr auto B = dim("batch");

struct model {
  // (x: [B, 4]) -> logits [B, 3]
  constexpr auto operator()(auto x) const {
    auto h = relu(nn::linear<"hidden", 8>(x));
#ifdef FIXED
    return nn::linear<"classes", 3>(h);
#else
    return nn::linear<"classes", 3>(reshape<B, 3>(h));  // expect: reshape: the new shape has another number of elements
#endif
  }
};
inline constexpr auto train_step = [](auto x, auto labels, auto rate) {
  auto loss = [](auto a, auto b) { return cross_entropy(model{}(a), b); };
  auto [value, gradients] = value_and_grad(loss, wrt_parameters)(x, labels);
  auto [clipped, norm] = optim::clip_by_global_norm(gradients, 1_c);
  return std::tuple{value, update(optim::adamw(clipped, rate))};
};
float user(const tensor<float, B, 4>& x, const tensor<int, B>& labels) {
  auto step = jit(train_step);
  state parameters = init(step, 1, x, labels, 0.1f);
  auto [loss, done] = step(parameters, x, labels, 0.1f);
  return static_cast<float>(loss.item());
}
