// Traces as text files: nothing is lost, and bad text gets a sentence with its line.
#include "../typed.hpp"

#include <thunder/examine/trace_file.hpp>
#include <thunder/ops/initial.hpp>
#include <thunder/transforms/grad.hpp>

#include "../transforms/random_graphs.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <limits>

using namespace thunder;
using namespace typed_tests;

namespace mine {
struct cube : pointwise_op<cube> {
  static constexpr const char* name = "mine.cube";
  static constexpr auto evaluate(auto x) { return x * x * x; }
};
}  // namespace mine

namespace {

inline constexpr auto B = dim("batch");
inline constexpr auto hidden = [](auto x) {
  return tanh(matmul(x, param<"weight", float, 3, 2>(initial::fan_in_uniform())) +
              param<"/a \"name\"", float, 2>(initial::normal(0_c, 0.02_c)));
};
inline constexpr auto loss = [](auto x) { return mean(scope<"layer.1">(hidden)(x) + scope<"layer.2">(hidden)(x) * 0.1_c); };
inline constexpr auto step = [](auto x, auto rate) {
  auto [value, gradients] = value_and_grad(loss, wrt_parameters)(x);
  return std::tuple{value, gradients, optim::adamw(gradients, rate)};
};
using step_body = trace_t<decltype(step), arg<float, B, 3>, arg<float>>::body;

std::string refusal(const std::string& text) {
  try {
    read_trace(text);
  } catch (const io_error& e) { return e.what(); }
  return "";
}
std::string with(const std::string& statements, const std::string& results = "results: %0") {
  return "thunder trace 1\nprogram\n" + statements + "\n" + results + "\nend\n";
}

}  // namespace

TEST_CASE("a training step is saved, loaded and run") {
  const std::string path = "trace_file_step.txt";
  save_trace(path, step_body::view);
  const loaded_trace loaded = load_trace(path);
  CHECK(content_digest(loaded) == content_digest(step_body::view));
  CHECK(find_violation(loaded) == nullptr);
  CHECK(trace_text(loaded) == trace_text(step_body::view));
  std::remove(path.c_str());

  interpreter<>::parameter_map p;
  for (int k = 0; k < step_body::view.parameter_count; ++k) {
    const meta& m = step_body::view.types[step_body::view.parameters[k].type];
    extents e;
    for (int i = 0; i < m.rank; ++i) e.push_back(m.d[i].size);
    reference_array x(m.type, e);
    for (std::size_t i = 0; i < x.reals.size(); ++i) x.reals[i] = 0.1 + 0.05 * static_cast<double>(i);
    p[print_name(step_body::view, step_body::view.parameters[k].name)] = x;
  }
  const std::vector<reference_array> in{array({4, 3}, wave(12), dtype::f32), scalar(0.01, dtype::f32)};
  CHECK(interpret(loaded, in, p) == interpret(step_body::view, in, p));
}

TEST_CASE("the format") {
  using body = trace_t<decltype([](auto x) {
                         return scope<"m">([](auto y) { return y * param<"w", float>(initial::constant(2_c)); })(x) + 1_c;
                       }),
                       arg<float, B, 2 * B>>::body;
  CHECK(trace_text(body::view) ==
        "thunder trace 1\n"
        "body 0\n"
        "%0 = thunder.formal <0> : f32[batch, 2*batch]\n"
        "%1 = thunder.parameter \"w\" <1, 2, 2.0, 0> : f32[]\n"
        "%2 = thunder.broadcast(%1) <0> : f32[batch, 2*batch]\n"
        "%3 = thunder.mul(%0, %2) : f32[batch, 2*batch]\n"
        "results: %3\n"
        "program\n"
        "%0 = thunder.formal <0> : f32[batch, 2*batch]\n"
        "%1 = thunder.call(%0) body 0 \"m\" : f32[batch, 2*batch]\n"
        "%2 = thunder.full <1.0> : f32[batch, 2*batch]\n"
        "%3 = thunder.add(%1, %2) : f32[batch, 2*batch]\n"
        "results: %3\n"
        "end\n");
}

TEST_CASE("numbers and names survive") {
  constexpr auto f = [](auto x) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    return std::tuple{x * number<bits_of(0.1234567890123456789)>{},
                      x + number<bits_of(infinity)>{},
                      x - number<bits_of(5e-324)>{},
                      x / number<bits_of(-0.0)>{},
                      x * 1e22_c,
                      x + param<"tab\tend\x7f\\", float>(),
                      x + number<bits_of(std::numeric_limits<double>::quiet_NaN())>{}};
  };
  const graph_view& g = trace_t<decltype(f), arg<float, dim("12"), dim("2x")>>::body::view;
  const loaded_trace loaded = read_trace(trace_text(g));
  CHECK(content_digest(loaded) == content_digest(g));
  CHECK(print_name(loaded, loaded.view().parameters[0].name) == "tab\tend\x7f\\");
}

TEST_CASE("a user's ops") {
  using body = trace_t<decltype([](auto x) { return pointwise<mine::cube>(x); }), arg<double, 3>>::body;
  const std::string text = trace_text(body::view);
  CHECK(content_digest(read_trace<pack<mine::cube>>(text)) == content_digest(body::view));
  CHECK(refusal(text) ==
        "line 4 of the trace in memory has the op \"mine.cube\", which is not in the list of ops that can be read");
}

TEST_CASE("random graphs, before and after derivation") {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    random_graphs::options o;
    o.statements = 4 + static_cast<int>(seed % 20);
    const auto s = random_graphs::make(seed, o);
    const loaded_trace loaded = read_trace(trace_text(s.g.view()));
    REQUIRE(content_digest(loaded) == content_digest(s.g.view()));
    if (seed % 8 == 0) REQUIRE(interpret(loaded, s.inputs) == interpret(s.g.view(), s.inputs));
    const graph parts = decompose(s.g.view(), [](const op_info&) { return true; });
    const graph derived = vjp(
        parts.view(), {.keep_results = true, .formals = 1, .rules = builtin_rules::data, .rule_count = builtin_rules::count});
    REQUIRE(content_digest(read_trace(trace_text(derived.view()))) == content_digest(derived.view()));
  }
}

TEST_CASE("mistakes in the text") {
  const std::string good = trace_text(step_body::view);
  CHECK(refusal(good).empty());
  CHECK(refusal("") == "line 1 of the trace in memory is missing: the text ends too early");
  CHECK(refusal("thunder trace 2\n") == "line 1 of the trace in memory should be 'thunder trace 1', the first line of a trace");
  CHECK(refusal(good + "x\n").ends_with(" comes after the end"));
  CHECK(refusal(with("%0 = thunder.formal <0> : f32[2]")).empty());
  for (const auto& [statement, sentence] : std::vector<std::pair<std::string, std::string>>{
           {"%1 = thunder.formal <0> : f32[2]", "should make the value %0"},
           {"%0 = thunder.formal <1> : f32[2]", "should have the index 0: formals are in order"},
           {"%0 = thunder.formal <0> : f31[2]", "has the element type \"f31\", which does not exist"},
           {"%0 = thunder.formal <0> : f32[2", "should have ', ' where it has its end"},
           {"%0 = thunder.formal <0> : f32[2] x", "should end where it has \" x\""},
           {"%0 = thunder.formal <0> : f32[1, 1, 1, 1, 1, 1, 1]", "has a tensor of more than six dimensions"},
           {"%0 = thunder.formal <0> : f32[a*b*c*d]", "has a product of more than three named dimensions"},
           {"%0 = thunder.formal <0> : f32[2000000000000]", "has a dimension that is too large"},
           {"%0 = thunder.formal <0> : f32[999999999999, 999999999999]", "has a tensor that is too large"},
           {"%0 = thunder.formal <0> : f32[99999999999999999999]",
            "should have an integer of 64 bits where it has \"99999999999999999999\""},
           {"%0 = thunder.formal <0, 1> : f32[2]", "has 2 attributes, and should have 1"},
           {"%0 = thunder.formal \"x\" <0> : f32[2]", "has a name, and is neither a parameter nor a call"},
           {"%0 = thunder.parameter <1, 0, 0, 0> : f32[2]", "is a parameter without a name"},
           {"%0 = thunder.parameter \"\" <1, 0, 0, 0> : f32[2]", "has an empty name"},
           {"%0 = thunder.parameter \"a\\x\" <1, 0, 0, 0> : f32[2]",
            "should have an escape such as \\\" or \\012 where it has \"x\\\" <1, 0, 0, 0> : f3\""},
           {"%0 = thunder.parameter \"a <1, 0, 0, 0> : f32[2]", "should have a name that ends with '\"'"},
           {"%0 = thunder.tanh(%0) : f32[2]", "names the value %0, which is not above it"},
           {"%0 = thunder.tanh : f32[2]", "has 0 operands, and should have 1"},
           {"%0 = thunder.tanhh : f32[2]", "has the op \"thunder.tanhh\", which is not in the list of ops that can be read"},
           {"%0 = thunder.call body 0 : f32[2]", "names the body 0, which is not above it"},
           {"%0 = thunder.call : f32[2]", "calls no body"},
           {"%0 = thunder.full <1.0.0> : f32[2]", "should have '>' where it has \".0> : f32[2]\""},
           {"%0, %1 = thunder.full <1.0> : f32[2]", "has 2 results and 1 types"},
           {"%0 = thunder.iota <3> : f32[2]", "has operands or attributes that do not fit its op"},
       }) {
    const std::string& shown = statement;  // clang captures no structured bindings
    CAPTURE(shown);
    CHECK(refusal(with(statement)) == "line 3 of the trace in memory " + sentence);
  }
  CHECK(refusal(with("%0 = thunder.formal <0> : f32[2]\n%1 = thunder.tanh(%0) : f32[3]")) ==
        "line 4 of the trace in memory makes a result of type f32[3], which should be f32[2]");
  CHECK(refusal(with("%0 = thunder.parameter \"w\" <1, 0, 0, 0> : f32[2]\n%1 = thunder.parameter \"w\" <1, 0, 0, 0> : f32[3]")) ==
        "line 5 of the trace in memory ends a graph in which one parameter name has two types");
  CHECK(refusal(with("%0 = thunder.formal <0> : f32[2]", "results: %1")) ==
        "line 4 of the trace in memory names the value %1, which is not above it");
  {
    std::ofstream("trace_file_cut.txt") << good.substr(0, good.size() / 2);
    CHECK_THROWS_WITH_AS(load_trace("trace_file_cut.txt"),
                         doctest::Contains("of the trace 'trace_file_cut.txt' is cut off: the text ends too early"), io_error);
    std::remove("trace_file_cut.txt");
  }
  CHECK_THROWS_AS(load_trace("there_is_no_such_file.txt"), io_error);
}

TEST_CASE("every truncation is noticed") {
  const std::string good = trace_text(step_body::view);
  for (std::size_t n = 0; n < good.size(); n += 7) REQUIRE(!refusal(good.substr(0, n)).empty());
  REQUIRE(!refusal(good.substr(0, good.size() - 1)).empty());
}

TEST_CASE("mutated text is refused with a sentence, or is a graph that verifies") {
  std::vector<std::string> seeds{trace_text(step_body::view)};
  for (std::uint64_t seed = 0; seed < 12; ++seed) seeds.push_back(trace_text(random_graphs::make(seed).g.view()));
  std::mt19937_64 random(7);
  auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const std::string letters = "%<>()[]:\", .0123456789-abefthundr*\\/\n";
  int accepted = 0;
  for (int k = 0; k < 5000; ++k) {
    std::string text = seeds[below(seeds.size())];
    for (std::size_t changes = 1 + below(2); changes-- > 0;) {
      const std::size_t at = below(text.size());
      switch (below(6)) {
        case 0: text[at] = letters[below(letters.size())]; break;
        case 1: text.erase(at, 1 + below(4)); break;
        case 2: text.insert(at, 1, letters[below(letters.size())]); break;
        case 3: text[at] = static_cast<char>(below(256)); break;
        case 4:  // another number
          if (const std::size_t digit = text.find_first_of("0123456789", at); digit != std::string::npos)
            text[digit] = letters[letters.find('0') + below(10)];
          break;
        default: {  // a part of another line
          const std::size_t from = below(text.size());
          text.insert(at, text.substr(from, 1 + below(12)));
        }
      }
      if (text.empty()) text = "x";
    }
    try {
      const loaded_trace loaded = read_trace(text);
      ++accepted;
      REQUIRE(find_violation(loaded) == nullptr);
      REQUIRE(content_digest(read_trace(trace_text(loaded))) == content_digest(loaded));
      const graph primitive = decompose(loaded, [](const op_info&) { return true; });
      REQUIRE(find_violation(primitive.view()) == nullptr);
    } catch (const io_error& e) {
      const std::string what = e.what();
      REQUIRE(what.starts_with("line "));
      REQUIRE(what.find('\n') == std::string::npos);
    }
  }
  CHECK(accepted > 100);
}
