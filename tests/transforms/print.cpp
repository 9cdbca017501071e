// Traces as text.
#include "../typed.hpp"

#include <thunder/ir/print.hpp>
#include <thunder/ops/initial.hpp>
#include <thunder/transforms/grad.hpp>

#include <doctest/doctest.h>

#include <sstream>

using namespace thunder;
using namespace typed_tests;

namespace {
inline constexpr auto B = dim("batch");
template <class T> std::string printed(T trace) {
  std::ostringstream out;
  out << trace;
  return out.str();
}
}  // namespace

TEST_CASE("a trace prints its statements, with constants as numbers") {
  CHECK(printed(trace([](auto x) { return mean(tanh(x) * -0.5_c) / 1e-5_c; }, buffer<"x", float, B, 3>())) ==
        "%0 = thunder.formal <0> : f32[batch, 3]\n"
        "%1 = thunder.tanh(%0) : f32[batch, 3]\n"
        "%2 = thunder.full <-0.5> : f32[batch, 3]\n"
        "%3 = thunder.mul(%1, %2) : f32[batch, 3]\n"
        "%4 = thunder.mean(%3) <3> : f32[]\n"
        "%5 = thunder.full <1e-05> : f32[]\n"
        "%6 = thunder.div(%4, %5) : f32[]\n"
        "results: %6\n");
  CHECK(printed(trace([](auto x) { return x * param<"w", float>(initial::normal(0_c, 0.02_c)); }, buffer<"x", float>())) ==
        "%0 = thunder.formal <0> : f32[]\n"
        "%1 = thunder.parameter \"w\" <1, 4, 0, 0.02> : f32[]\n"
        "%2 = thunder.mul(%0, %1) : f32[]\n"
        "results: %2\n");
}

TEST_CASE("words") {
  CHECK(print_word(-1) == "-1");
  CHECK(print_word(0) == "0");
  CHECK(print_word(1 << 20) == "1048576");
  for (double v : {0.1, 1.0 / 3, -1e300, 2.0, std::numeric_limits<double>::infinity()}) CHECK(std::strtod(print_word(bits_of(v)).c_str(), nullptr) == v);
}

TEST_CASE("numbered scopes") {
  const auto f = [](auto x) { return repeat<1001, "h">([](auto y) { return y + param<"w", float>(); }, x); };
  const graph_view& g = decltype(trace(f, buffer<"x", float>()))::body::view;
  CHECK(g.parameter_count == 1001);
  CHECK(print_name(g, g.parameters[7].name) == "h.7.w");
  CHECK(print_name(g, g.parameters[128].name) == "h.128.w");
  CHECK(print_name(g, g.parameters[1000].name) == "h.1000.w");
}
