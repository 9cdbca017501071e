// The loss of many classes and its gradient: one region reads the logits, whatever scales the gradient.
#include <thunder/thunder.hpp>

#include <doctest/doctest.h>

using namespace thunder;

namespace {

inline constexpr auto B = dim("batch");

/// How many regions of a program have more than one dimension.
template <class Plan, int... K> int matrices(std::integer_sequence<int, K...>) {
  auto one = []<int N>(std::integral_constant<int, N>) {
    if constexpr (Plan::data.steps[N].op == nullptr) return region_traits<decltype(region_of<Plan, N>())>::dims > 1;
    else return false;
  };
  return (0 + ... + one(std::integral_constant<int, K>{}));
}
template <class Program> int matrices(const Program&) { return matrices<typename Program::plan>(std::make_integer_sequence<int, Program::step_count>{}); }

constexpr auto gradient_of(auto loss) {
  return [=](auto x, auto t, auto s) { return value_and_grad([=](auto x1, auto t1, auto s1) { return loss(x1, t1, s1); })(x, t, s); };
}
constexpr auto mean_loss = gradient_of([](auto x, auto t, auto) { return cross_entropy(x, t); });
constexpr auto scaled_loss = gradient_of([](auto x, auto t, auto s) { return cross_entropy(x, t) * s; });
constexpr auto masked_loss = gradient_of([](auto x, auto t, auto) {
  const auto kept = cast<float>(t >= 0_c);
  return sum(cross_entropy_rows(x, t) * kept) / sum(kept);
});

}  // namespace

TEST_CASE("a mean over rows") {
  const auto program = jit(mean_loss).lower(spec<bf16, 8, 100>(), spec<std::int32_t, 8>(), spec<float>());
  CHECK(matrices(program) == 1);
  CHECK(program.step_count == 3);  // the sum over rows, and its scale
}
TEST_CASE("of any number of rows") { CHECK(matrices(jit(mean_loss).lower(spec<bf16, B, 100>(), spec<std::int32_t, B>(), spec<float>())) == 1); }
TEST_CASE("a loss that an argument scales") { CHECK(matrices(jit(scaled_loss).lower(spec<float, 8, 100>(), spec<std::int32_t, 8>(), spec<float>())) == 1); }
TEST_CASE("a mean over the rows that have a label") {
  const auto program = jit(masked_loss).lower(spec<bf16, 8, 100>(), spec<std::int32_t, 8>(), spec<float>());
  CHECK(matrices(program) == 1);
}
