// Equal regions of different layers are one type, and so one kernel: a deeper model has more steps, and no more kernels.
#include <thunder/thunder.hpp>

#include <doctest/doctest.h>

#include <set>

using namespace thunder;

namespace {

inline constexpr auto B = dim("batch");
inline constexpr int width = 32;

struct layer {
  // (x: [B, width]) -> the same
  constexpr auto operator()(auto x) const {
    return x + nn::linear<"mix", width>(gelu(layer_norm(x, param<"gamma", float, width>(initial::ones), param<"beta", float, width>())));
  }
};
template <int Layers> struct step {
  constexpr auto operator()(auto x, auto y, auto rate) const {
    auto loss = [](auto inputs, auto targets) { return mse(repeat<Layers, "h">(layer{}, inputs), targets); };
    auto [value, gradients] = value_and_grad(loss, wrt_parameters)(x, y);
    return std::tuple{value, update(optim::sgd(gradients, rate))};
  }
};

template <class Region> constexpr char tag = 0;
/// How many steps a program has, and how many different kernels its regions are.
struct counts { int steps; int regions; std::size_t kernels; };
template <class Program> counts count(const Program&) {
  using plan = typename Program::plan;
  std::set<const void*> kernels;
  int regions = 0;
  auto note = [&]<int K>(std::integral_constant<int, K>) {
    if constexpr (plan::data.steps[K].op == nullptr) ++regions, kernels.insert(&tag<decltype(region_of<plan, K>())>);
  };
  [&]<int... K>(std::integer_sequence<int, K...>) { (note(std::integral_constant<int, K>{}), ...); }(std::make_integer_sequence<int, Program::step_count>{});
  return {Program::step_count, regions, kernels.size()};
}
template <int Layers> counts of_layers() {
  return count(jit(step<Layers>{}).lower(spec<float, B, width>(), spec<float, B, width>(), 0.1f));
}

}  // namespace

TEST_CASE("twelve layers need the kernels of three") {
  const counts three = of_layers<3>(), twelve = of_layers<12>();
  CAPTURE(three.regions);
  CAPTURE(twelve.regions);
  CHECK(twelve.kernels == three.kernels);
  CHECK(twelve.regions >= 9 * 5 + three.regions);  // forward, backward and update of a layer
  CHECK(three.kernels < 24);
}
