// The steps of a partition against the graph they are made of: random graphs (THUNDER_GRAPHS of them, 10,000 by default), and the forms
// of fusion that training depends on.
#include "builder.hpp"

#include "../transforms/random_graphs.hpp"

#include <thunder/transforms/vjp.hpp>

#include <doctest/doctest.h>

using namespace thunder;
using execution::graph_builder, execution::lowered, execution::without_dead;

namespace {

/// Whether every dimension of each region is in a mask.
bool needs_all_dimensions(const partition& p) {
  for (const step_info& s : p.steps) {
    if (s.op) continue;
    unsigned used = 0;
    for (int k = 0; k < s.inputs; ++k) used |= p.inputs[s.input + k].mask;
    for (int k = 0; k < s.outputs; ++k) used |= p.outputs[s.output + k].mask;
    for (int k = 0; k < s.statements; ++k) {
      const step_statement& t = p.statements[s.statement + k];
      used |= t.mask | (t.op->kind == op_kind::reduction ? static_cast<unsigned>(p.words[t.word]) : 0u);
    }
    if (used != (1u << s.extents) - 1 && !(s.extents == 1 && p.extents[s.extent].is_one())) return false;
  }
  return true;
}
void compare(std::uint64_t seed, const random_graphs::sample& s, fuel most = fuel::unlimited) {
  const graph g = without_dead(lowered(s.g.view()).view());
  const auto view = g.view();
  partition p;
  std::string problem;
  double difference = 0;
  try {
    p = partitioner(view, most).run();
    difference = execution::difference(execution::run(view, p, s.inputs), interpret(view, s.inputs));
  } catch (const std::exception& e) {
    problem = e.what();
  } catch (const char* e) {
    problem = e;
  }
  CHECK_MESSAGE((problem.empty() && difference < 1e-9 && needs_all_dimensions(p)), "seed ", seed, ": ", problem, " difference ", difference, "\n", print(view), execution::print(p));
}

}  // namespace

TEST_CASE("steps equal the interpreted graph on random graphs") {
  const int graphs = random_graphs::count();
  for (int seed = 0; seed < graphs; ++seed) {
    random_graphs::options o;
    o.statements = 2 + seed % 16;
    compare(static_cast<std::uint64_t>(seed), random_graphs::make(static_cast<std::uint64_t>(seed), o));
  }
}

TEST_CASE("so do the steps of a partition that ran out of fuel") {
  const int graphs = random_graphs::count() / 5;
  for (int seed = 0; seed < graphs; ++seed)
    compare(static_cast<std::uint64_t>(seed), random_graphs::make(static_cast<std::uint64_t>(seed), {.statements = 2 + seed % 16}), fuel{seed % 12});
}

TEST_CASE("steps of gradients equal the interpreted graph") {
  const int graphs = random_graphs::count() / 5;
  for (int seed = 0; seed < graphs; ++seed) {
    random_graphs::options o;
    o.statements = 2 + seed % 8;
    auto s = random_graphs::make(static_cast<std::uint64_t>(seed) + 2'000'000, o);
    const graph plain = decompose(s.g.view(), lacks_vjp);
    std::uint64_t formals = 0;
    for (std::size_t k = 0; k < s.inputs.size(); ++k) formals |= static_cast<std::uint64_t>(s.inputs[k].floating()) << k;
    s.g = vjp(plain.view(), {.keep_results = true, .formals = formals, .rules = builtin_rules::data, .rule_count = builtin_rules::count});
    compare(static_cast<std::uint64_t>(seed) + 2'000'000, s);
  }
}

// ---- by hand
TEST_CASE("what belongs together is one step") {
  SUBCASE("gelu(x w + b) + r") {
    graph_builder b;
    const value x = b.input({64, 32}), w = b.input({32}), c = b.input({32}), r = b.input({64, 32});
    const value y = x * w + c;
    CHECK(b.steps({emit_words<ops::gelu>(nullptr, 0, nullptr, y) + r}) == 1);
  }
  SUBCASE("softmax, log_softmax and logsumexp of one matrix") {
    graph_builder b;
    const value x = b.input({6, 5});
    CHECK(b.steps({b.composite<ops::softmax>({x}, 2), b.composite<ops::log_softmax>({x}, 2), b.composite<ops::logsumexp>({x}, 2)}) == 1);
  }
  SUBCASE("softmax over all of a tensor's last axes") {
    graph_builder b;
    CHECK(b.steps({b.composite<ops::softmax>({b.input({4, 3, 5})}, 0b110)}) == 1);
  }
  SUBCASE("layer_norm with a residual") {
    graph_builder b;
    const value x = b.input({6, 8}), r = b.input({6, 8}), gain = b.input({8}), offset = b.input({8});
    CHECK(b.steps({x + r, b.composite<ops::layer_norm>({x + r, gain, offset}, bits_of(1e-5))}) == 1);
  }
  SUBCASE("sums over rows and columns of one product") {
    graph_builder b;
    const value x = b.input({6, 8}), y = b.input({6, 8});
    CHECK(b.steps({sum(x * y, 1), sum(x * y, 2)}) == 1);
  }
  SUBCASE("dropout with a residual") {
    graph_builder b;
    const value x = b.input({6, 8}), r = b.input({6, 8}), key = b.input({}, dtype::i64);
    CHECK(b.steps({b.composite<ops::dropout>({x, key}, bits_of(0.5)) + r}) == 1);
  }
  SUBCASE("one optimizer step for each shape") {
    graph_builder b;
    const value p = b.input({6, 8}), g = b.input({6, 8}), v = b.input({6, 8}), rate = b.input({});
    const value next = v * full_like(&b.g, 0.9, v.type()) + g;
    CHECK(b.steps({p - next * rate, next}) == 1);
  }
  SUBCASE("a matmul is a step, what follows it another") {
    graph_builder b;
    const value x = b.input({6, 8}), w = b.input({8, 4}), c = b.input({4});
    const std::int64_t flags[]{0, 0};
    CHECK(b.steps({relu(emit_words<ops::matmul>(flags, 2, nullptr, x, w) + c)}) == 2);
  }
}

TEST_CASE("results that are broadcasts, constants, arguments and reshapes of each other") {
  graph_builder b;
  const value x = b.input({3}), y = b.input({3, 4}), key = b.input({}, dtype::i64);
  const meta wide{dtype::f64, 2, {2, 3}}, flat{dtype::f64, 1, {12}}, drawn{dtype::f64, 2, {3, 4}};
  const value wider = broadcast_to(x, wide, 2), constant = full_like(&b.g, 2, y.type()), random = uniform_like(key, drawn), counted = iota_like(&b.g, drawn, 1);
  b.steps({sum(wider * wider, 3), wider, wider, y * constant, constant, x, y, reshape_to(y, flat), sum(random * y, 1), random, counted * y, counted, reshape_to(y * y, flat), y * y});
}

TEST_CASE("limits of a region") {
  SUBCASE("statements") {
    graph_builder b;
    value x = b.input({4, 5});
    for (int k = 0; k < 400; ++k) x = x * full_like(&b.g, 1 + 0.001 * k, x.type()) - full_like(&b.g, 0.002 * k, x.type());
    CHECK(b.steps({x}) > 1);
  }
  SUBCASE("inputs") {
    graph_builder b;
    value x = b.input({4, 5});
    for (int k = 0; k < 100; ++k) x = x + b.input({4, 5});
    CHECK(b.steps({x}) > 1);
  }
  SUBCASE("scalars that wait for their user") {
    graph_builder b;
    value x = b.input({4, 5});
    for (int k = 0; k < 100; ++k) x = x * sin(b.input({}));
    CHECK(b.steps({x}) > 1);
  }
  SUBCASE("matrices that wait for one sum") {
    graph_builder b;
    std::vector<value> terms;
    for (int k = 0; k < 128; ++k) terms.push_back(sin(b.input({4, 5})));
    for (; terms.size() > 1; terms.resize(terms.size() / 2))
      for (std::size_t k = 0; k < terms.size() / 2; ++k) terms[k] = terms[k] + terms[k + terms.size() / 2];
    CHECK(b.steps({terms[0]}) > 1);
  }
  SUBCASE("reductions that depend on each other") {
    graph_builder b;
    value x = b.input({4, 5});
    for (int k = 0; k < 8; ++k) x = b.composite<ops::softmax>({x}, 2) * full_like(&b.g, 3, x.type());
    CHECK(b.steps({x}) > 1);
  }
}
