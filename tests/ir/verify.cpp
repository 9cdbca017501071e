// A graph that is put together wrongly is told from one that is right, by a sentence for each thing that can be wrong.
#include <thunder/ir/value.hpp>
#include <thunder/ir/verify.hpp>
#include <thunder/ops/all.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace thunder;

namespace {

constexpr meta matrix{dtype::f32, 2, {2, 3}};

graph sound() {
  graph g;
  const std::int64_t w = g.input_count++;
  const int t = g.intern(matrix);
  const value x{&g, g.put(table_of<ops::formal>(), &w, 1, nullptr, 0, &t, 1)};
  g.outputs.push(sum(tanh(x) * x, 2).id);
  return g;
}
std::string violation(void (*spoil)(graph&)) {
  graph g = sound();
  spoil(g);
  const char* what = find_violation(g.view());
  return what ? what : "";
}

}  // namespace

TEST_CASE("a sound graph has nothing wrong") {
  CHECK(find_violation(sound().view()) == nullptr);
  CHECK_NOTHROW(verified(sound()));
}
TEST_CASE("what can be wrong") {
  CHECK(violation([](graph& g) { g.nodes[1].op = nullptr; }) == "a statement has no op");
  CHECK(violation([](graph& g) { g.nodes[1].result = 0; }) == "results are not numbered in order of their statements");
  CHECK(violation([](graph& g) { g.nodes[2].operand = 1000; }) == "a statement's operands are outside the graph");
  CHECK(violation([](graph& g) { g.nodes[3].word = 1000; }) == "a statement's attributes are outside the graph");
  CHECK(violation([](graph& g) { g.operands[g.nodes[1].operand] = 2; }) == "an operand is used before its definition");
  CHECK(violation([](graph& g) { g.operands[g.nodes[1].operand] = -1; }) == "an operand is used before its definition");
  CHECK(violation([](graph& g) { g.values[1].from = 2; }) == "a result does not lead back to its statement");
  CHECK(violation([](graph& g) { g.values[1].type = 99; }) == "a result has no type");
  CHECK(violation([](graph& g) { g.nodes[1].name = 5; }) == "a statement has an unknown name");
  CHECK(violation([](graph& g) { g.input_count = 0; }) == "a formal's index is outside the graph's inputs");
  CHECK(violation([](graph& g) { g.values[1].type = g.intern(matrix.with(dtype::f64)); }) == "a result has another type than its op gives");
  CHECK(violation([](graph& g) { g.values[0].type = g.intern(matrix.with(dtype::b8)); }) == "a statement's operands do not fit its op");
  CHECK(violation([](graph& g) { g.values.push({0, 0}); }) == "there are values without a statement");
  CHECK(violation([](graph& g) { g.outputs.push(77); }) == "an output is not defined");
  CHECK_THROWS_AS(verified([] {
    graph g = sound();
    g.outputs.push(77);
    return g;
  }()), const char*);
}
