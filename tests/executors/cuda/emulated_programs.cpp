// The regions of programs as users write them, on the emulated machine.
#include "emulated.hpp"

#include <thunder/thunder.hpp>

namespace emulated {

/// Every region of the program, with numbers of its own in the buffers; dims: the run-time extents of every one of them.
template <class Plan, int K> int check_step(double tolerance, const std::vector<std::int64_t>& dims) {
  if constexpr (Plan::data.steps[K].op == nullptr) {
    check<decltype(region_of<Plan, K>())>(tolerance, dims, 0.25);
    return 1;
  } else {
    return 0;
  }
}
template <class Plan, int... K> int check_steps(double tolerance, const std::vector<std::int64_t>& dims, std::integer_sequence<int, K...>) {
  return (0 + ... + check_step<Plan, K>(tolerance, dims));
}
/// How many regions it has.
template <class Program> int check_regions(const Program&, double tolerance, const std::vector<std::int64_t>& dims = {33, 33, 33}) {
  return check_steps<typename Program::plan>(tolerance, dims, std::make_integer_sequence<int, Program::step_count>{});
}

TEST_CASE("a loss and its gradients") {
  const auto f = [](auto x, auto w, auto g, auto b, auto labels) {
    return value_and_grad([](auto x1, auto w1, auto g1, auto b1, auto l1) { return cross_entropy(matmul(gelu(layer_norm(x1, g1, b1)), w1), l1); }, wrt<0, 1, 2, 3>)(x, w, g, b, labels);
  };
  const auto program = jit(f).lower(tensor<float, 12, 40>{}, tensor<float, 40, 10>{}, tensor<float, 40>{}, tensor<float, 40>{}, tensor<std::int32_t, 12>{});
  CHECK(check_regions(program, 1e-4) > 3);
}
TEST_CASE("attention in bf16, any number of tokens") {
  static constexpr dim tokens = dim("tokens");
  const auto f = [](auto q, auto k) {
    auto scores = matmul(q, transpose(k)) * 0.125_c;
    return std::tuple{softmax(scores), sum(cast<float>(scores), axis<0>)};
  };
  const auto program = jit(f).lower(tensor<bf16, tokens, 64>(5), tensor<bf16, tokens, 64>(5));
  CHECK(check_regions(program, 1.0 / 64) > 0);
}

}  // namespace emulated
