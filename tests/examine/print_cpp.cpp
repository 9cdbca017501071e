// The C++ that is printed. (tests/compile_back compiles it.)
#include "../typed.hpp"

#include <thunder/examine/print_cpp.hpp>
#include <thunder/ops/initial.hpp>
#include <thunder/transforms/grad.hpp>

#include <doctest/doctest.h>

#include <limits>

using namespace thunder;
using namespace typed_tests;

namespace {

inline constexpr auto B = dim("batch");
inline constexpr auto dense = [](auto x) {
  return relu(matmul(x, param<"weight", float, 4, 4>(initial::fan_in_uniform())) + param<"bias", float, 4>());
};
inline constexpr auto network = [](auto x) { return mean(repeat<2, "h">(dense, x) * 0.5_c); };
/// What stands between the braces of `program`.
template <class T> std::string program_of(T t) {
  const std::string text = print_cpp(t);
  const std::size_t first = text.find("inline constexpr auto program"), begin = text.find('\n', first) + 1;
  return text.substr(begin, text.find("};\n", begin) - begin);
}

}  // namespace

TEST_CASE("a program with modules") {
  CHECK(print_cpp(trace(network, arg<float, B, 4>{}), "example") == R"(#include <thunder/thunder.hpp>
#include <thunder/examine/statement.hpp>

namespace example {
using namespace thunder;

inline constexpr auto batch = dim("batch");

// (f32[batch, 4]) -> f32[batch, 4]
inline constexpr auto h = [](auto x0) {
  auto weight = param<"weight", float, 4, 4>(initial::fan_in_uniform());
  auto v2 = matmul(x0, weight);
  auto bias = param<"bias", float, 4>();
  auto v5 = v2 + bias;
  auto v6 = relu(v5);
  return v6;
};

// (f32[batch, 4]) -> f32[]
inline constexpr auto program = [](auto x0) {
  auto v1 = scope<"h.0">(h)(x0);
  auto v2 = scope<"h.1">(h)(v1);
  auto v4 = v2 * 0.5_c;
  auto v5 = mean(v4);
  return v5;
};

// Its trace.
inline auto traced() {
  return trace(program, spec<float, batch, 4>());
}

}  // namespace example
)");
}

TEST_CASE("results go together as they were returned") {
  const auto f = [](auto x) {
    auto [value, gradients] = value_and_grad([](auto y) { return sum(y * param<"w", float, 4>()); }, wrt_parameters)(x);
    return std::tuple{std::pair{value, x}, gradients, update<"w">(gradients["w"_p] * 2_c)};
  };
  const std::string text = program_of(trace(f, arg<float, 4>{}));
  CHECK(text.find("return std::make_tuple(std::make_pair(v1, x0), examine::gathered(named_value<\"w\">(v2)), "
                  "update(named_value<\"w\">(v4)));") != std::string::npos);
  CHECK(program_of(trace([](auto, auto) { return std::tuple<>{}; }, arg<float, 4>{}, arg<float>{})) ==
        "  return std::make_tuple();\n");
}

TEST_CASE("what has no public function is a statement") {
  const auto gradients = grad([](auto x, auto w) { return sum(max(matmul(x, w), axis<1>)); }, wrt<0, 1>);
  const graph flat = inline_calls(decltype(trace(gradients, arg<float, B, 4>{}, arg<float, 4, 3>{}))::body::view);
  const std::string text = print_cpp(flat.view());
  CHECK(text.find("examine::statement<ops::matmul, words<0, 1>>(") != std::string::npos);
  CHECK(text.find("examine::statement<ops::broadcast, words<1>, examine::gives<float, batch, 3>>(") != std::string::npos);
}

TEST_CASE("numbers") {
  CHECK(spell_number(0.5) == "0.5_c");
  CHECK(spell_number(-3) == "-3_c");
  CHECK(spell_number(-0.0) == "-0_c");
  CHECK(spell_number(1e-5) == "1e-05_c");
  CHECK(spell_number(1e22) == "1e+22_c");
  CHECK(spell_number(1e300) == "number<bits_of(1e+300)>{}");
  CHECK(spell_number(0.12345678901234567) == "number<bits_of(0.12345678901234566)>{}");
  CHECK(spell_number(std::numeric_limits<double>::infinity()) == "number<9218868437227405312>{}");
}

TEST_CASE("identifiers") {
  identifiers names;
  CHECK(names.make("h.3.weight") == "h_3_weight");
  CHECK(names.make("h_3_weight") == "h_3_weight_2");
  CHECK(names.make("while") == "while_2");
  CHECK(names.make("sum") == "sum_2");
  CHECK(names.make("2x") == "n2x");
  CHECK(names.make("__a__b__") == "a_b");
  CHECK(names.make("\"") == "part");
  CHECK(wrapped("  f(" + std::string(60, 'a') + ", " + std::string(60, 'b') + ", \"c, " + std::string(40, 'd') + "\")") ==
        "  f(" + std::string(60, 'a') + ", " + std::string(60, 'b') + ",\n      \"c, " + std::string(40, 'd') + "\")\n");
}
