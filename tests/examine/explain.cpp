// Why regions end: each reason by a small graph, and every edge between two steps of random graphs; what steps move and compute.
#include "../fusion/builder.hpp"
#include "../transforms/random_graphs.hpp"

#include <thunder/examine/explain.hpp>
#include <thunder/thunder.hpp>

#include <doctest/doctest.h>

#include <set>
#include <sstream>

using namespace thunder;
using execution::graph_builder;

namespace {

/// The reasons why the steps of these results end, one step a line.
std::string endings(graph_builder& b, std::initializer_list<value> results, fuel most = fuel::unlimited) {
  const graph g = b.finished(results);
  const step_explainer e(g.view(), {}, {}, most);
  std::string r;
  for (int k = 0; k < e.steps().steps.size(); ++k) {
    const step_report s = e.report(k);
    r += std::to_string(k) + ' ' + s.runs_as + ':';
    for (const std::string& w : s.why) r += ' ' + w + '.';
    r += '\n';
  }
  return r;
}
value product(value x, value y) {
  const std::int64_t flags[]{0, 0};
  return emit_words<ops::matmul>(flags, 2, nullptr, x, y);
}

}  // namespace

TEST_CASE("why a region ends") {
  graph_builder b;
  const value x = b.input({6, 6}), y = b.input({6, 6});
  SUBCASE("a library step") {
    CHECK(endings(b, {product(sin(x), y)}) == "0 fused loop: step 1 (matmul): a library step.\n1 matmul:\n");
  }
  SUBCASE("a later step that is needed too") {
    const value s = sin(x);
    CHECK(endings(b, {s + product(s, y)}) ==
          "0 fused loop: step 1 (matmul): a library step. step 2 (add): also needs step 1.\n1 matmul:\n2 fused loop: its values "
          "are results.\n");
  }
  SUBCASE("a step between") {
    const value s = sin(x), p = product(s, y), q = product(x, p);
    CHECK(endings(b, {cos(q) + s}) ==
          "0 fused loop: step 1 (matmul): a library step. step 3 (add): a step between them needs this one first.\n1 matmul:\n2 "
          "matmul:\n"
          "3 fused loop: its values are results.\n");
  }
  SUBCASE("a reduction that is complete when all rows are done") {
    CHECK(endings(b, {x * broadcast_to(sum(x * y, 1), x.type(), 2)}) ==
          "0 reduction: step 1 (mul): needs a reduction that is complete when all rows are done.\n1 fused loop: its values are "
          "results.\n");
  }
  SUBCASE("a statement that waited for its user") {
    const value s = sin(x), waiting = cos(s), r = tanh(product(s, y));
    CHECK(endings(b, {r, waiting * r}).find("(cos): went with its first user") != std::string::npos);
  }
  SUBCASE("a reshape") {
    const meta flat{dtype::f64, 1, {36}};
    CHECK(endings(b, {cos(reshape_to(sin(x), flat)) * b.input({36})}).find("0 fused loop: step 1 (cos): reads it reshaped.") ==
          0);
  }
  SUBCASE("other dimensions") {
    CHECK(endings(b, {broadcast_to(sum(x * y, 2), meta{dtype::f64, 2, {7, 6}}, 2) * b.input({7, 6})}) ==
          "0 row program: step 1 (mul): walks over other dimensions, [7, 6].\n1 fused loop: its values are results.\n");
  }
  SUBCASE("a value along other dimensions") {
    const value v = sin(b.input({6})), s = x * broadcast_to(v, x.type(), 1);
    CHECK(endings(b, {s * broadcast_to(v, x.type(), 2), v}).find("needs a value along other dimensions than this step has it") !=
          std::string::npos);
  }
  SUBCASE("other rows") {
    const value z = b.input({4, 5, 6}), s = sum(z * z, 0b110);
    const value t = z - broadcast_to(s, z.type(), 1);
    CHECK(endings(b, {sum(t, 0b100)}) ==
          "0 row program: step 1 (sum): reduces or repeats other dimensions than the rows of this step.\n1 row program: its "
          "values are results.\n");
  }
  SUBCASE("too many reductions in a chain") {
    value s = x;
    for (int k = 0; k < 5; ++k) s = b.composite<ops::softmax>({s}, 2);
    CHECK(endings(b, {s}).find("a region has at most 7 reductions that wait for each other") != std::string::npos);
  }
  SUBCASE("too many statements") {
    value s = x;
    for (int k = 0; k < 120; ++k) s = sin(s);
    CHECK(endings(b, {s}).find("0 fused loop: step 1 (sin): a region has at most 96 statements.") == 0);
  }
  SUBCASE("too many buffers") {
    value s = sin(x);
    for (int k = 0; k < 40; ++k) s = s * b.input({6, 6});
    CHECK(endings(b, {s}).find("0 fused loop: step 1 (mul): a region reads at most 32 buffers.") == 0);
  }
  SUBCASE("a number that others take") {
    const value key = sum(cast_to(x, dtype::i64), 3);
    CHECK(endings(b, {b.composite<ops::dropout>({y, key}, bits_of(0.5))}).find("0 reduction: step 1 (") == 0);
    CHECK(endings(b, {}).find("): takes one number of it.") != std::string::npos);
  }
  SUBCASE("what a library step needs in memory") {
    CHECK(endings(b, {product(broadcast_to(sum(x * y, 2), x.type(), 1), y)}) ==
          "0 row program: step 1 (broadcast): one of both only stores a broadcast, constant or cast.\n1 fused loop: step 2 "
          "(matmul): a library step.\n2 matmul:\n");
  }
  SUBCASE("a value that is computed again where it is needed") {
    const value total = sum(x * y, 1), wide = x - broadcast_to(total, x.type(), 2);
    CHECK(endings(b, {product(sin(wide), y) * wide}) ==
          "0 reduction: steps 1, 3 (sub): needs a reduction that is complete when all rows are done.\n1 fused loop: step 2 "
          "(matmul): a library step.\n2 matmul:\n3 fused loop: its values are results.\n");
  }
  SUBCASE("fuel") {
    const value s = sin(cos(exp(x)));
    CHECK(endings(b, {s}) == "0 fused loop: its values are results.\n");
    CHECK(endings(b, {}, fuel{1}) == "0 fused loop: step 1 (sin): no fuel is left.\n1 fused loop: its values are results.\n");
    CHECK(endings(b, {}, fuel{0}) ==
          "0 fused loop: step 1 (cos): no fuel is left.\n1 fused loop: step 2 (sin): no fuel is left.\n2 fused loop: its values "
          "are results.\n");
  }
}

TEST_CASE("every statement is of a step, and of every value that leaves a region the partition noted why") {
  int edges = 0;
  for (int seed = 0; seed < random_graphs::count() / 5; ++seed) {
    random_graphs::options o;
    o.statements = 2 + seed % 30;
    const auto s = random_graphs::make(static_cast<std::uint64_t>(seed), o);
    const graph g = execution::without_dead(execution::lowered(s.g.view()).view());
    const step_explainer e(g.view(), {}, {}, seed % 3 ? fuel::unlimited : fuel{seed % 7});
    std::set<int> covered;
    for (int k = 0; k < e.steps().steps.size(); ++k) {
      const step_report r = e.report(k);
      covered.insert(r.statements.begin(), r.statements.end());
      CHECK(r.read >= 0);
      CHECK(r.written > 0);
      for (const step_ending& x : r.endings) {
        edges += x.step >= 0;
        bool random = false;
        for (int i = 0; x.step >= 0 && i < e.steps().steps[x.step].statements; ++i)
          random =
              random || std::string_view(e.steps().statements[e.steps().steps[x.step].statement + i].op->name).find("random") !=
                            std::string_view::npos;
        CHECK_MESSAGE((x.why != obstacle::none || x.step < 0), "seed ", seed);
        CHECK_MESSAGE((x.why != obstacle::scalar || random), "seed ", seed, " steps ", k, " and ", x.step, "\n", print(g.view()),
                      execution::print(e.steps()));
      }
    }
    // Leaves are in no step, and what costs nothing to compute where it is used need not be in one; everything else is.
    for (int i = 0; i < g.nodes.size(); ++i) {
      const std::string name = short_name(*g.nodes[i].op);
      const bool leaf = g.nodes[i].op->kind == op_kind::leaf;
      const bool free = name == "full" || name == "iota" || name == "broadcast" || name == "reshape" || name == "random_uniform" || name == "cast";
      CHECK_MESSAGE((leaf ? covered.count(i) == 0 : free || covered.count(i) == 1), "seed ", seed, " statement ", i, " ", name);
    }
  }
  CHECK(edges > 1000);
}

namespace {
inline constexpr auto B = dim("batch");
inline constexpr auto block = [](auto x) { return x + nn::linear<"fc", 4>(gelu(x)); };
inline constexpr auto model = [](auto x) { return softmax(repeat<2, "h">(block, x)); };
}  // namespace

TEST_CASE("the table of a program") {
  const auto program = jit(model).lower(spec<float, B, 4>());
  std::ostringstream known, unknown;
  known << explain(program, sizes({{B, 1000}}));
  CHECK(known.str() ==
        "step  runs as      module    reads   writes   flops  ends before\n"
        "   0  fused loop   h.0     16.0 kB  16.0 kB  4.00 k  step 1 (matmul): a library step\n"
        "   1  matmul       h.0.fc  16.1 kB  16.0 kB  32.0 k\n"
        "   2  fused loop   h       32.0 kB  32.0 kB  12.0 k  step 3 (matmul): a library step\n"
        "                                                     step 4 (add): a step between them needs this one first\n"
        "   3  matmul       h.1.fc  16.1 kB  16.0 kB  32.0 k\n"
        "   4  row program  h.1     32.0 kB  16.0 kB  29.0 k  its values are results\n");
  unknown << explain(program);
  CHECK(unknown.str().find("   1  matmul       h.0.fc        ?        ?       ?\n") != std::string::npos);
}

TEST_CASE("what steps move and compute") {
  graph_builder b;
  const value table = b.input({100, 8}, dtype::f32), index = b.input({5}, dtype::i32), x = b.input({8, 3}, dtype::f32);
  const value rows = emit_words<ops::take>(nullptr, 0, nullptr, table, index), p = product(rows, x);
  const graph g = b.finished({p, sum(cast_to(tanh(p) * p, dtype::f64), 2)});
  const step_explainer e(g.view(), {}, {});
  REQUIRE(e.steps().steps.size() == 3);
  const step_report take = e.report(0), matmul = e.report(1), row = e.report(2);
  CHECK(take.read == 5 * 8 * 4 + 5 * 4);  // the rows that are taken, not the table
  CHECK(take.written == 5 * 8 * 4);
  CHECK(take.operations == 0);
  CHECK(matmul.read == (5 * 8 + 8 * 3) * 4);
  CHECK(matmul.operations == 2 * 5 * 8 * 3);
  CHECK(row.read == 5 * 3 * 4);
  CHECK(row.written == 5 * 8);
  CHECK(row.operations == 3 * 5 * 3);  // tanh, product and sum; the cast is none
}
