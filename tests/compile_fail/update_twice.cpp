// Two different new values for one name in the results of a step.
#include <thunder/thunder.hpp>

using namespace thunder;

auto user(state& s, const tensor<float, 3>& x) {
  auto f = [](auto v) {
    auto mean = buffer<"mean", float, 3>();
#ifdef FIXED
    return std::pair{update<"mean">(mean + v), update<"mean">(mean + v)};
#else
    return std::pair{update<"mean">(mean + v), update<"mean">(mean - v)};
#endif
  };
  return jit(f)(s, x);  // expect: update: one name gets two different new values
}
