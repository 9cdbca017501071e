// Which equal regions become one batch.
#include <thunder/thunder.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

using namespace thunder;

namespace {

/// The sizes of the batches of a program, in order; a library call counts as 0.
template <class Program> std::vector<int> batches(const Program&) {
  std::vector<int> r;
  for (int k = 0; k < Program::step_count; ++k)
    if (const step_info& s = Program::plan::data.steps[k]; s.batch > 0) r.push_back(s.op ? 0 : s.batch);
  return r;
}
using sizes_of = std::vector<int>;

struct model {
  constexpr auto operator()(auto x) const { return nn::linear<"c", 3>(tanh(nn::linear<"b", 16>(tanh(nn::linear<"a", 16>(x))))); }
};

}  // namespace

TEST_CASE("an optimizer's update is one batch for all parameters") {
  const auto step = [](auto x, auto y, auto rate) {
    auto gradients = grad([](auto a, auto b) { return mse(model{}(a), b); }, wrt_parameters)(x, y);
    return update(optim::sgd(gradients, rate));
  };
  const auto found = batches(jit(step).lower(spec<float, 8, 4>(), spec<float, 8, 3>(), spec<float>()));
  CHECK(found.back() == 6);
}
TEST_CASE("so are the squares of a global norm, though a gradient's are known before the next gradient") {
  const auto step = [](auto x, auto y, auto rate) {
    auto gradients = grad([](auto a, auto b) { return mse(model{}(a), b); }, wrt_parameters)(x, y);
    auto [clipped, norm] = optim::clip_by_global_norm(gradients, 1_c);
    return std::pair{norm, update(optim::sgd<optim::sgd_options{.weight_decay = 0.1}>(clipped, rate))};
  };
  const auto found = batches(jit(step).lower(spec<float, 8, 4>(), spec<float, 8, 3>(), spec<float>()));
  CHECK(found.back() == 6);
  CHECK(std::count(found.begin(), found.end(), 6) == 2);
}
TEST_CASE("regions that depend on one another are not") {
  const auto chain = [](auto x, auto w) { return tanh(matmul(tanh(matmul(tanh(matmul(x, w)), w)), w)); };
  CHECK(batches(jit(chain).lower(spec<float, 4, 4>(), spec<float, 4, 4>())) == sizes_of{0, 1, 0, 1, 0, 1});
  // each reads what the other overwrites
  const auto swapped = [](auto) {
    auto a = param<"a", float, 8>();
    auto b = param<"b", float, 8>();
    return std::pair{update<"a">(b * 2_c), update<"b">(a * 2_c)};
  };
  const auto program = jit(swapped).lower(spec<float>());
  for (int n : batches(program)) CHECK(n <= 1);
  state s;
  s.insert("a", any_tensor(tensor<float, 8>::full(1)));
  s.insert("b", any_tensor(tensor<float, 8>::full(10)));
  jit(swapped)(s, 0.0f);
  CHECK(s["a"].as<float, 8>()(3) == 20);
  CHECK(s["b"].as<float, 8>()(3) == 2);
}
TEST_CASE("nothing waits for a batch if its operand's memory would have to") {
  // sum(x1) could wait for sum(x2), but then x1 would have to live while x2 is made
  const auto f = [](auto x, auto w) {
    auto x1 = matmul(x, w);
    auto x2 = matmul(w, x);
    return std::pair{sum(x1 * x1, axis<1>), sum(x2 * x2, axis<1>)};
  };
  CHECK(batches(jit(f).lower(spec<float, 64, 64>(), spec<float, 64, 64>())) == sizes_of{0, 1, 0, 1});
  const auto both = [](auto x, auto y) { return std::pair{sum(x * x, axis<1>), sum(y * y, axis<1>)}; };
  CHECK(batches(jit(both).lower(spec<float, 64, 64>(), spec<float, 64, 64>())) == sizes_of{2});
}
