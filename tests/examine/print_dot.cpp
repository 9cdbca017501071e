// Drawings of graphs with calls. (Those of flat graphs are in stages.cpp.)
#include "../typed.hpp"

#include <thunder/examine/print_dot.hpp>

#include <doctest/doctest.h>

using namespace thunder;
using namespace typed_tests;

TEST_CASE("what is called is drawn where it is called, and names are escaped") {
  const auto f = [](auto x) { return scope<"a \"b\"">([](auto y) { return y * param<"w\n", float, 3>(); })(x) + 1_c; };
  const std::string called = print_dot(trace(f, arg<float, 2, 3>{}).view());
  CHECK(called ==
        "digraph {\n"
        "  node [shape=box, fontname=monospace, fontsize=10];\n"
        "  edge [arrowsize=0.6];\n"
        "  n0 [label=\"argument 0\\nf32[2, 3]\", shape=ellipse];\n"
        "  n4 [label=\"full\\n<1>\\nf32[2, 3]\"];\n"
        "  n5 [label=\"add\\nf32[2, 3]\"];\n"
        "  n6 [label=\"result 0\\nf32[2, 3]\", shape=ellipse, style=filled, fillcolor=lightgrey];\n"
        "  subgraph cluster_0 {\n"
        "    label=\"a \\\"b\\\"\";\n"
        "    n1 [label=\"a \\\"b\\\".w?\\nf32[3]\", style=filled, fillcolor=lightyellow];\n"
        "    n2 [label=\"broadcast\\n<2>\\nf32[2, 3]\"];\n"
        "    n3 [label=\"mul\\nf32[2, 3]\"];\n"
        "  }\n"
        "  n1 -> n2;\n"
        "  n0 -> n3;\n"
        "  n2 -> n3;\n"
        "  n3 -> n5;\n"
        "  n4 -> n5;\n"
        "  n5 -> n6;\n"
        "}\n");
}

TEST_CASE("nested calls and several results") {
  constexpr auto inner = [](auto x) { return std::tuple{x * param<"w", float>(), x + param<"/shared", float>()}; };
  constexpr auto outer = [inner](auto x) {
    auto [a, b] = scope<"in">(inner)(x);
    return a - b;
  };
  const std::string text = print_dot(trace(
                                         [outer](auto x) {
                                           return std::pair{repeat<2, "h">(outer, x), x};
                                         },
                                         arg<float>{})
                                         .view());
  for (const char* part : {"label=\"h\";", "label=\"h.0\";", "label=\"h.0.in\";", "label=\"h.1.in\";",
                           "label=\"h.1.in.w\\nf32[]\"", "label=\"shared\\nf32[]\"", "label=\"result 1\\nf32[]\""})
    CHECK(text.find(part) != std::string::npos);
  auto count = [&](const std::string& part) {
    int n = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
    return n;
  };
  CHECK(count(" [label=") == 1 + 2 * 5 + 2);  // the argument, two layers of five statements, two results
  CHECK(count(" -> ") == 2 * 6 + 2);
}
