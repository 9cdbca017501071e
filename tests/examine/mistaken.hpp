#pragma once
// A CPU executor with a mistake, and a function that meets it.
#include <thunder/examine/check.hpp>
#include <thunder/thunder.hpp>

namespace mistakes {

using namespace thunder;
inline constexpr auto B = dim("batch");

template <class Op, class... S>
constexpr bool has_op(pack<S...>) {
  return (false || ... || std::is_same_v<typename statement_traits<S>::op, Op>);
}
template <class Space, class In, class Out, class... S>
constexpr pack<S...> statements_of(region<Space, In, Out, S...>) {
  return {};
}

/// Right, but for regions that hold both a tanh and an exponential: one number is wrong.
struct mistaken : cpu::executor<> {
  using cpu::executor<>::run;
  template <class Region, int Count>
  static void run(Region r, const region_call (&calls)[Count]) {
    cpu::executor<>::run(r, calls);
    using statements = decltype(statements_of(Region{}));
    if constexpr (has_op<ops::tanh>(statements{}) && has_op<ops::exp>(statements{})) static_cast<float*>(calls[0].outputs[0])[7] += 0.25f;
  }
};

inline constexpr auto f = [](auto x, auto w) {
  return sin(matmul(scope<"mlp">([](auto y) { return exp(tanh(y * 0.5_c)) + 1_c; })(x), w));
};
template <fuel Fuel>
using mistaken_jit = jitted<decltype(f), mistaken, non_finite::keep, Fuel>;

inline tensor<float, B, 4> numbers(int n) {
  auto x = tensor<float, B, 4>::full(0, n);
  for (std::int64_t i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(i * 5 % 11) * 0.25f - 1;
  return x;
}

}  // namespace mistakes
