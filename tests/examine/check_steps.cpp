// Checked calls of programs whose steps are special: an op of one's own, steps that run together, or in place.
#include <thunder/examine/check.hpp>
#include <thunder/thunder.hpp>

#include <doctest/doctest.h>

#include <sstream>

using namespace thunder;

namespace mine {
struct cube : pointwise_op<cube> {
  static constexpr const char* name = "mine.cube";
  static constexpr auto evaluate(auto x) { return x * x * x; }
};
}  // namespace mine

TEST_CASE("an op of one's own") {
  const tensor<float, 4> x{1, 2, 3, 4};
  CHECK(check(jit([](auto v) { return pointwise<mine::cube>(v) + v; }), x).passed());
}

TEST_CASE("equal regions, which run together") {
  const tensor<float, 2, 4> x{1, 2, 3, 4, 5, 6, 7, 8}, y{3, 1, 2, 0, -1, 4, 2, 2};
  const tensor<float, 4, 4> w{1, 2, 3, 4, 5, 6, 7, 8, 9, 8, 7, 6, 5, 4, 3, 2};
  const auto apart = jit([](auto a, auto b, auto c) { return std::tuple{softmax(a), matmul(a, c), softmax(b)}; });
  const check_report r = check(apart, x, y, w);
  std::ostringstream text;
  text << r;
  CHECK_MESSAGE(r.passed(), text.str());
  CHECK(r.steps == 3);
}

TEST_CASE("a step that writes over what it reads") {
  auto given = tensor<float, 4>{1, 2, 3, 4};
  CHECK(check(jit([](auto v) { return v + v; }), donate(given)).passed());
}
