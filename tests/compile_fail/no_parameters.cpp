// A training step of a model without parameters.
#include <thunder/thunder.hpp>

using namespace thunder;

struct model {
#ifdef FIXED
  constexpr auto operator()(auto x) const { return x * param<"scale", float>(initial::ones); }
#else
  constexpr auto operator()(auto x) const { return x * 2_c; }
#endif
};
constexpr auto step = [](auto x, auto rate) {
  auto loss = [](auto v) { return sum(square(model{}(v))); };
  auto [value, gradients] = value_and_grad(loss, wrt_parameters)(x);
  auto [clipped, norm] = optim::clip_by_global_norm(gradients, 1_c);  // expect: there are no gradients: what was differentiated reads no trainable parameter
  return std::tuple{value, norm, update(optim::adamw(clipped, rate))};
};

auto user(state& s, const tensor<float, 3>& x) { return jit(step)(s, x, 0.1f); }
