// Fuel: only the first fusions happen, to find the one that makes a difference.
#include "mistaken.hpp"

#include <doctest/doctest.h>

using namespace thunder;
using namespace mistakes;

namespace {

template <int N>
bool passes() {
  const tensor<float, 4, 2> w{1, 2, 3, 4, 5, 6, 7, 8};
  return check(mistaken_jit<fuel{N}>(f), numbers(3), w).passed();
}

}  // namespace

TEST_CASE("fuel finds the fusion of a mistake") {
  CHECK(passes<0>());
  CHECK(passes<1>());   // tanh joins the product
  CHECK(!passes<2>());  // the exponential joins them
  const auto program = mistaken_jit<fuel::unlimited>(f).lower(spec<float, B, 4>(), spec<float, 4, 2>());
  const std::vector<std::string> all = fusions(program);
  REQUIRE(all.size() == 3);
  CHECK(all[0] == "1: tanh of mlp joins step 0");
  CHECK(all[1] == "2: exp of mlp joins step 0");
  CHECK(all[2] == "3: add of mlp joins step 0");
  CHECK(fusions(mistaken_jit<fuel{2}>(f).lower(spec<float, B, 4>(), spec<float, 4, 2>())).size() == 2);
  CHECK(mistaken_jit<fuel{0}>(f).lower(spec<float, B, 4>(), spec<float, 4, 2>()).step_count == 6);
}

TEST_CASE("fuel is an option of jit") {
  const auto x = numbers(3);
  const auto g = [](auto a) { return softmax(a * 2_c); };
  const auto all = jit(g)(x), none = jit<fuel{0}>(g)(x), some = jit<non_finite::refuse, fuel{2}>(g)(x);
  for (std::int64_t i = 0; i < x.size(); ++i) {
    CHECK(none.data()[i] == doctest::Approx(all.data()[i]));
    CHECK(some.data()[i] == doctest::Approx(all.data()[i]));
  }
  CHECK(jit<fuel{0}>(g).lower(x).step_count > jit<fuel{2}>(g).lower(x).step_count);
  CHECK(jit(g).lower(x).step_count == 1);
}
