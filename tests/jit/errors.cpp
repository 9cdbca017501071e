// What goes wrong at run time is an exception of the right type whose text names the argument.
#include "compare.hpp"

#include <doctest/doctest.h>

using namespace thunder;
using namespace jit_tests;

namespace {

inline constexpr auto B = dim("batch");

template <class E, class F> std::string message(F f) {
  try {
    f();
  } catch (const E& e) {
    return e.what();
  } catch (const std::exception& e) {
    return std::string("another exception: ") + e.what();
  }
  return "no exception";
}
bool holds(const std::string& text, std::initializer_list<const char*> parts) {
  for (const char* p : parts)
    if (text.find(p) == std::string::npos) {
      MESSAGE(text, " does not say ", p);
      return false;
    }
  return true;
}

constexpr auto model = [](auto x) { return sum(matmul(x, param<"classes.weight", float, 3, 2>()) + param<"classes.bias", float, 2>()); };
constexpr auto step = [](auto x) {
  const auto w = param<"w", float, 2, 3>();
  return std::tuple{sum(w * x), update(named_value<"w">(w * 0.5_c + x))};
};

state good() {
  state s;
  s.insert("classes.weight", wave<float, 3, 2>(0.1));
  s.insert("classes.bias", wave<float, 2>(0.1));
  return s;
}

}  // namespace

TEST_CASE("one name is bound to two sizes") {
  auto add = jit([](auto x, auto y) { return x + y; });
  CHECK(holds(message<shape_error>([&] { add(tensor<float, B>(3), tensor<float, B>(4)); }), {"argument 1", "batch", "3", "4"}));
  state s;
  s.insert("p", tensor<float, B>(5));
  auto read = jit([](auto x) { return x + param<"p", float, B>(); });
  CHECK(holds(message<shape_error>([&] { read(s, tensor<float, B>(4)); }), {"'p'", "batch", "5", "4"}));
}

TEST_CASE("a state lacks a parameter") {
  auto program = jit(model);
  state s = good();
  s.erase("classes.bias");
  s.insert("classes.bais", wave<float, 2>(0.1));
  CHECK(holds(message<state_error>([&] { program(s, tensor<float, 2, 3>()); }), {"classes.bias", "classes.bais"}));
  state empty;
  CHECK(holds(message<state_error>([&] { program(empty, tensor<float, 2, 3>()); }), {"classes.weight"}));
}

TEST_CASE("a state holds another element type or shape") {
  auto program = jit(model);
  state s = good();
  s["classes.bias"].value = wave<double, 2>(0.1);
  CHECK(holds(message<state_error>([&] { program(s, tensor<float, 2, 3>()); }), {"classes.bias", "double[2]", "float[2]"}));
  s["classes.bias"].value = wave<float, 1, 2>(0.1);
  CHECK(holds(message<state_error>([&] { program(s, tensor<float, 2, 3>()); }), {"classes.bias", "float[1, 2]", "float[2]"}));
  s["classes.bias"].value = wave<float, 4>(0.1);
  CHECK(holds(message<shape_error>([&] { program(s, tensor<float, 2, 3>()); }), {"classes.bias", "2", "4"}));
  s["classes.bias"].value = wave<float, 2>(0.1);
  CHECK_NOTHROW(program(s, tensor<float, 2, 3>()));
}

TEST_CASE("a constant state is not updated, and nothing is when an argument lies in what is") {
  auto program = jit(step);
  state s;
  s.insert("w", wave<float, 2, 3>(0.1));
  const state constant = s.copy();
  CHECK(holds(message<state_error>([&] { program(constant, tensor<float, 2, 3>()); }), {"'w'", "const"}));
  CHECK(constant["w"].value == s["w"].value);
  CHECK(holds(message<donation_error>([&] { program(s, s["w"].as<float, 2, 3>()); }), {"argument 0", "overlap"}));
  CHECK(constant["w"].value == s["w"].value);
  auto rows = jit([](auto x) {
    const auto w = param<"w", float, 2, 3>();
    return std::tuple{update(named_value<"w">(w + x))};
  });
  CHECK(holds(message<donation_error>([&] { rows(s, s["w"].as<float, 2, 3>()[1]); }), {"argument 0"}));
}

TEST_CASE("a parameter with a named dimension has no first value") {
  auto read = jit([](auto x) { return x + param<"p", float, B>(); });
  CHECK(holds(message<shape_error>([&] { init(read, 1, spec<float, B>()); }), {"'p'", "batch"}));
  CHECK(init(read, 1, tensor<float, B>(4))["p"].value.size() == 4);
}
