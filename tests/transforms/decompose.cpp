// decompose: no composite that is asked for is left, and the graph means the same.
#include "random_graphs.hpp"

#include <thunder/ir/print.hpp>
#include <thunder/ir/verify.hpp>
#include <thunder/optim/adamw.hpp>
#include <thunder/optim/sgd.hpp>
#include <thunder/transforms/decompose.hpp>

#include <doctest/doctest.h>

using namespace thunder;

namespace {
int composites(const graph& g) {
  int n = 0;
  const list<bool> live = live_nodes(g.view());
  for (int i = 0; i < g.nodes.size(); ++i) n += live[i] && g.nodes[i].op->decompose;
  return n;
}
}  // namespace

TEST_CASE("random graphs fall apart into primitives that mean the same") {
  const int graphs = random_graphs::count() / 10;
  for (int seed = 0; seed < graphs; ++seed) {
    random_graphs::options o;
    o.statements = 2 + seed % 12;
    const auto s = random_graphs::make(static_cast<std::uint64_t>(seed), o);
    const graph all = decompose(s.g.view(), [](const op_info&) { return true; });
    CHECK(composites(all) == 0);
    CHECK(find_violation(all.view()) == nullptr);
    const graph none = decompose(s.g.view(), [](const op_info&) { return false; });
    CHECK(composites(none) == composites(s.g));
    const auto expected = interpret(none.view(), s.inputs), got = interpret(all.view(), s.inputs);
    CHECK_MESSAGE(expected == got, "seed ", seed, "\n", print(s.g.view()));
  }
}

TEST_CASE("only what is wanted falls apart") {
  graph g;
  const meta m{dtype::f64, 2, {3, 4}};
  const std::int64_t w = 0, axes = 2;
  const int t = g.intern(m);
  const value x{&g, g.put(table_of<ops::formal>(), &w, 1, nullptr, 0, &t, 1)};
  g.input_count = 1;
  const value y = emit_words<ops::softmax>(&axes, 1, nullptr, emit_words<ops::gelu_exact>(nullptr, 0, nullptr, x));
  g.outputs.push(y.id);
  const graph some = decompose(g.view(), [](const op_info& op) { return op.id == table_of<ops::gelu_exact>()->id; });
  CHECK(composites(some) == 1);
  CHECK(find_violation(some.view()) == nullptr);
  const graph all = decompose(some.view(), [](const op_info&) { return true; });
  CHECK(composites(all) == 0);
}

TEST_CASE("a composite of several results: an optimizer's step") {
  graph g;
  const meta scalar{dtype::f32, 0, {}}, count{dtype::i64, 0, {}}, m{dtype::f32, 1, {3}}, n{dtype::f32, 2, {2, 2}};
  std::vector<int> x;
  for (const meta& k : {scalar, count, m, n, m, n, m, n, m, n}) {
    const std::int64_t w = g.input_count++;
    const int t = g.intern(k);
    x.push_back(g.put(table_of<ops::formal>(), &w, 1, nullptr, 0, &t, 1));
  }
  const std::int64_t w[]{bits_of(0.9), bits_of(0.999), bits_of(1e-8), bits_of(0.01), 0};
  const int first = g.emit(table_of<ops::adamw>(), w, 5, x.data(), 10);
  for (int k = 0; k < 6; ++k) g.outputs.push(first + k);
  const graph all = decompose(g.view(), [](const op_info&) { return true; });
  CHECK(composites(all) == 0);
  CHECK(find_violation(all.view()) == nullptr);
  REQUIRE(all.outputs.size() == 6);
  for (int k = 0; k < 6; ++k) CHECK(all.type(all.outputs[k]) == (k % 2 ? n : m));
}
