// A new value for a name that the program does not read.
#include <thunder/thunder.hpp>

using namespace thunder;

auto user(state& s, const tensor<float, 3>& x) {
#ifdef FIXED
  auto f = jit([](auto v) { return update(named_value<"mean">(v + buffer<"mean", float, 3>())); });
#else
  auto f = jit([](auto v) { return update(named_value<"mean">(v + v)); });
#endif
  return f(s, x);  // expect: update: a new value has a name that the program does not read
}
