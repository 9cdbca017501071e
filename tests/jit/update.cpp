// Programs that replace parameters and donated arguments in place: the old value may be read before, in and after the step that
// writes the new one.
#include "compare.hpp"

#include <doctest/doctest.h>

using namespace thunder;
using namespace jit_tests;

namespace {

constexpr auto a = [] { return buffer<"a", float, 6, 6>(); };
constexpr auto b = [] { return buffer<"b", float, 6, 6>(); };

state start() {
  state s;
  s.insert("a", wave<float, 6, 6>(0.1));
  s.insert("b", wave<float, 6, 6>(0.7));
  return s;
}
/// Runs the program three times, each time comparing results and state with what the expressions mean. The program returns
/// tuple(results..., update of a, update of b if Both).
template <bool Both = false, class F> double error_of_updates(F f) {
  auto program = jit(f);
  state s = start();
  double d = 0;
  for (int round = 0; round < 3; ++round) {
    const auto x = wave<float, 6, 6>(round);
    auto expected = meaning(f, s, x);
    const auto r = program(s, x);
    std::vector<reference_array> got;
    std::apply([&](const auto&... part) {
      auto add = [&](const auto& p) {
        if constexpr (!std::is_same_v<std::remove_cvref_t<decltype(p)>, updated>)
          for (auto& leaf : leaves(p)) got.push_back(leaf);
      };
      (add(part), ...);
    }, r);
    const auto after = leaves(s);
    got.push_back(after.at("a"));
    if constexpr (Both) got.push_back(after.at("b"));
    d = std::max(d, difference(got, expected));
  }
  return d;
}
constexpr double tolerance = 2e-6;

}  // namespace

TEST_CASE("element by element, with the old value read in the same step") {
  CHECK(error_of_updates([](auto x) { return std::tuple{update(named_value<"a">(a() * 0.5_c + x))}; }) < tolerance);
  CHECK(error_of_updates([](auto x) { return std::tuple{a() * 2_c, tanh(a()), update(named_value<"a">(a() * 0.5_c + x))}; }) < tolerance);
}

TEST_CASE("the old value is read before and after") {
  CHECK(error_of_updates([](auto x) { return std::tuple{sum(matmul(a(), x)), update(named_value<"a">(a() + x))}; }) < tolerance);
  CHECK(error_of_updates([](auto x) {
          const auto next = a() * 0.5_c + x;
          return std::tuple{matmul(matmul(next, x), a()) * 0.01_c, update(named_value<"a">(next))};
        }) < 1e-5);
}

TEST_CASE("the new value reads the old one elsewhere: rows, columns, transposed, moved") {
  CHECK(error_of_updates([](auto) { return std::tuple{update(named_value<"a">(softmax(a()) + a()))}; }) < tolerance);
  CHECK(error_of_updates([](auto x) { return std::tuple{update(named_value<"a">(a() - mean(a(), axis<0>) + x))}; }) < tolerance);
  CHECK(error_of_updates([](auto x) { return std::tuple{update(named_value<"a">(transpose(a()) + a() * x))}; }) < 1e-5);
  CHECK(error_of_updates([](auto) { return std::tuple{update(named_value<"a">(concatenate(axis<0>, slice<0, 1, 6>(a()), slice<0, 0, 1>(a()))))}; }) == 0);
  CHECK(error_of_updates([](auto x) { return std::tuple{update(named_value<"a">(matmul(a(), x) * 0.1_c))}; }) < 1e-5);
}

TEST_CASE("results that are the old value, the new one, both, and an argument") {
  CHECK(error_of_updates([](auto x) { return std::tuple{a(), update(named_value<"a">(a() + x))}; }) < tolerance);
  CHECK(error_of_updates([](auto x) { return std::tuple{reshape<36>(a()), a() + x, a() + x, x, update(named_value<"a">(a() + x))}; }) < tolerance);
  CHECK(error_of_updates([](auto x) { return std::tuple{sum(a()), update(named_value<"a">(x))}; }) < tolerance);
  CHECK(error_of_updates([](auto) { return std::tuple{a(), update(named_value<"a">(a()))}; }) == 0);
}

TEST_CASE("two parameters: one new value, and swapped") {
  CHECK(error_of_updates<true>([](auto x) { return std::tuple{update(named_value<"a">(a() * x + b()), named_value<"b">(a() * x + b()))}; }) < 1e-5);
  CHECK(error_of_updates<true>([](auto) { return std::tuple{update(named_value<"a">(b()), named_value<"b">(a()))}; }) == 0);
  CHECK(error_of_updates<true>([](auto x) { return std::tuple{a(), update(named_value<"a">(b() + x), named_value<"b">(a() * 0.5_c))}; }) < tolerance);
}

TEST_CASE("one buffer by its name, also twice with one value") {
  const auto f = [](auto x) { return std::tuple{sum(x), update<"a">(0.9_c * a() + 0.1_c * x)}; };
  CHECK(error_of_updates(f) < tolerance);
  state s = start();
  const state before = s.copy();
  jit([](auto x) { return std::pair{update<"a">(a() + x), update<"a">(a() + x)}; })(s, 1.0f);
  CHECK(s["a"].as<float, 6, 6>()(2, 3) == before["a"].as<float, 6, 6>()(2, 3) + 1);
}

TEST_CASE("donated arguments") {
  auto step = jit([](auto x, auto y) { return std::tuple{transpose(x) + y, sum(x)}; });
  tensor<float, 6, 6> x = wave<float, 6, 6>(0.1), y = wave<float, 6, 6>(0.2);
  const auto expected = meaning([](auto p, auto q) { return std::tuple{transpose(p) + q, sum(p)}; }, x, y);
  const float* place = x.data();
  auto [next, total] = step(donate(x), y);
  CHECK(next.data() == place);
  CHECK(difference(leaves(next, total), expected) < 1e-5);
  CHECK_THROWS_AS(step(donate(y), y), const donation_error&);
}

TEST_CASE("nothing is replaced by what is not finite") {
  const auto f = [](auto x) { return std::tuple{a(), sum(x), update(named_value<"a">(a() / x))}; };
  auto keep = jit(f);
  auto refuse = jit<non_finite::refuse>(f);
  state s = start();
  const state before = s.copy();
  tensor<float, 6, 6> x = tensor<float, 6, 6>::full(2);
  CHECK_NOTHROW(refuse(s, x));
  CHECK(s["a"].as<float, 6, 6>()(1, 1) == before["a"].as<float, 6, 6>()(1, 1) / 2);
  s = before.copy();
  x(3, 3) = 0;
  try {
    refuse(s, x);
    FAIL("an infinite parameter was accepted");
  } catch (const numeric_error& e) {
    CHECK(std::string(e.what()).find("'a'") != std::string::npos);
  }
  CHECK(s == before);
  CHECK_NOTHROW(keep(s, x));
  CHECK_FALSE(s == before);
}
