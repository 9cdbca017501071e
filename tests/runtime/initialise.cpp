#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <thunder/runtime/initialise.hpp>
#include <thunder/runtime/state.hpp>

using namespace thunder;

namespace {

struct moments {
  double mean = 0, deviation = 0, low = 1e30, high = -1e30;
};
template <class X>
moments moments_of(const X& x) {
  moments m;
  double square = 0;
  for (auto v : x.span()) {
    const double d = static_cast<double>(v);
    m.mean += d, square += d * d;
    m.low = std::min(m.low, d), m.high = std::max(m.high, d);
  }
  const auto n = static_cast<double>(x.size());
  m.mean /= n;
  m.deviation = std::sqrt(square / n - m.mean * m.mean);
  return m;
}
moments drawn(const initialiser& how, std::int64_t fan_in = 0, std::int64_t fan_out = 0) {
  tensor<float, 100000> x;
  fill(x, how, fan_in, fan_out, 42);
  return moments_of(x);
}

}  // namespace

TEST_CASE("fixed values, for every element type") {
  tensor<float, 3> x{1, 2, 3};
  fill(x, initial::zeros, 0, 0, 1);
  CHECK(x == tensor<float, 3>{0, 0, 0});
  fill(x.view(), initial::constant(2.5f), 0, 0, 1);
  CHECK(x == tensor<float, 3>{2.5f, 2.5f, 2.5f});
  tensor<bool, 2> b;
  fill(b, initial::ones, 0, 0, 1);
  CHECK(b == tensor<bool, 2>{true, true});
  tensor<std::int64_t, 2> i;
  fill(i, initial::constant(-3), 0, 0, 1);
  CHECK(i == tensor<std::int64_t, 2>{-3, -3});
  static_assert(initialiser(initial::zeros) == initialiser{} && initialiser(initial::fan_in_uniform<7>()) == initial::fan_in_uniform(1));
  static_assert(initialiser(initial::normal()) == initial::normal(0, 1) && initialiser(initial::uniform()) == initial::uniform(0, 1));
  static_assert(initial::normal(0, 0.02f) == initialiser{initialiser::normal, 0, 0.02f});
}

TEST_CASE("elements are the random words of the key") {
  tensor<float, 101> x, y;
  fill(x, initial::uniform(), 0, 0, 0x123456789abcdefull);
  for (std::uint64_t i = 0; i < 101; ++i) CHECK(x(i) == uniform01(random_word(std::uint64_t{0x123456789abcdefull}, i)));
  fill(y, initial::normal(), 0, 0, 7);
  for (std::uint64_t i = 0; i < 100; i += 2) {
    const normal_pair p(random_word(std::uint64_t{7}, i), random_word(std::uint64_t{7}, i + 1));
    CHECK(y(i) == p.first);
    CHECK(y(i + 1) == p.second);
  }
  tensor<float, 50> shorter;  // the same numbers, whatever the length
  fill(shorter, initial::normal(), 0, 0, 7);
  CHECK(shorter == y.slice<0, 50>());
  CHECK(std::isfinite(normal_pair(0xffffffffu, 0xffffffffu).first));
  CHECK(normal_pair(0, 5).first == 0);
  CHECK(std::abs(normal_pair(0xffffffffu, 0).first) < 5.8f);
}

TEST_CASE("distributions") {
  auto near = [](double a, double b) { return std::abs(a - b) < 0.02 * (1 + std::abs(b)); };
  auto u = drawn(initial::uniform(-1, 3));
  CHECK(near(u.mean, 1));
  CHECK(near(u.deviation, 4 / std::sqrt(12.0)));
  CHECK((u.low >= -1 && u.low < -0.99 && u.high <= 3 && u.high > 2.99));
  auto n = drawn(initial::normal(2, 0.5f));
  CHECK(near(n.mean, 2));
  CHECK(near(n.deviation, 0.5));
  CHECK(drawn(initial::xavier_uniform(2), 100, 50).high == doctest::Approx(2 * std::sqrt(6.0 / 150)).epsilon(0.001));
  CHECK(drawn(initial::xavier_normal(), 100, 100).deviation == doctest::Approx(0.1).epsilon(0.02));
  CHECK(drawn(initial::kaiming_uniform(), 600).high == doctest::Approx(0.1).epsilon(0.001));
  CHECK(drawn(initial::kaiming_uniform(std::sqrt(5.0f)), 100).high == doctest::Approx(0.1).epsilon(0.001));
  CHECK(drawn(initial::kaiming_normal(), 200).deviation == doctest::Approx(0.1).epsilon(0.02));
  CHECK(drawn(initial::fan_in_uniform(), 100).low == doctest::Approx(-0.1).epsilon(0.001));
}

TEST_CASE("keys and states") {
  CHECK(parameter_key(1, "h.0.w") == mix(1, digest_of("h.0.w")));
  CHECK(parameter_key(1, "h.0.w") != parameter_key(1, "h.1.w"));
  CHECK(parameter_key(1, "h.0.w") != parameter_key(2, "h.0.w"));
  state s;
  s.insert("w", tensor<bf16, 10>());
  for (auto& [name, value] : s) fill(value, initial::normal(), 10, 10, parameter_key(5, name));
  tensor<bf16, 10> w;
  fill(w, initial::normal(), 10, 10, parameter_key(5, "w"));
  CHECK(s["w"].as<bf16, 10>() == w);
}

TEST_CASE("what cannot be") {
  tensor<std::int32_t, 3> x;
  CHECK_THROWS_WITH_AS(fill(x, initial::normal(), 1, 1, 1), "an initialiser that draws random numbers cannot fill a tensor of int32",
                       error);
  tensor<float, 3> y;
  CHECK_THROWS_WITH_AS(fill(y, initial::kaiming_uniform(), 0, 1, 1), "an initialiser needs a positive fan_in, not 0", shape_error);
}
