// A model called without its parameters.
#include <thunder/thunder.hpp>

using namespace thunder;

void user(const state& parameters, const tensor<float, 2, 3>& x) {
  auto predict = jit([](auto v) { return nn::linear<"out", 1>(v); });
#ifdef FIXED
  predict(parameters, x);
#else
  predict(x);  // expect: this program reads parameters: pass a state that has them as the first argument
#endif
}
