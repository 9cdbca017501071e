// Graphs that grow: equal statements once, names and types as numbers, and what crosses from one graph to another.
#include <thunder/ir/print.hpp>
#include <thunder/ir/value.hpp>
#include <thunder/ops/all.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace thunder;

namespace {

int formal(graph& g, const meta& m) {
  const std::int64_t w = g.input_count++;
  const int t = g.intern(m);
  return g.put(table_of<ops::formal>(), &w, 1, nullptr, 0, &t, 1);
}
int parameter(graph& g, const char* name, int parent, const meta& m, std::int64_t rule = 0) {
  const std::int64_t w[]{1, rule, 0, 0};
  const int t = g.intern(m), n = g.intern_name(name, parent);
  const int v = g.put(table_of<ops::parameter>(), w, 4, nullptr, 0, &t, 1, n);
  g.note_parameter(n, t, w);
  return v;
}
constexpr meta matrix{dtype::f32, 2, {2, 3}}, vector{dtype::f32, 1, {3}};

}  // namespace

TEST_CASE("equal statements are one") {
  graph g;
  const value x{&g, formal(g, matrix)}, y{&g, formal(g, matrix)};
  CHECK(x.id != y.id);
  CHECK((x + y).id == (x + y).id);
  CHECK((x + y).id != (y + x).id);
  CHECK((x + y).id != (x - y).id);
  const int before = g.nodes.size();
  (void)(tanh(x + y) * tanh(x + y));
  CHECK(g.nodes.size() == before + 2);  // the tanh once, and the product
  CHECK(sum(x, 1).id != sum(x, 2).id);  // attributes count
}
TEST_CASE("types are numbers, too") {
  graph g;
  CHECK(g.intern(matrix) == g.intern(matrix));
  CHECK(g.intern(matrix) != g.intern(vector));
  CHECK(g.intern(matrix) != g.intern(matrix.with(dtype::f64)));
  const int b = g.bool_type(g.intern(matrix));
  CHECK(g.types[b] == matrix.with(dtype::b8));
  CHECK(g.bool_type(g.intern(matrix)) == b);
}
TEST_CASE("a digest finds all of its items, and no others") {
  digest_table t;
  CHECK(t.find(1) == -1);
  for (int k = 0; k < 2000; ++k) t.add(static_cast<digest>(k % 500) * 64, k);  // many share their low bits
  for (int k = 0; k < 500; ++k) {
    int seen = 0;
    for (int i = t.find(static_cast<digest>(k) * 64); i >= 0; i = t.next(static_cast<digest>(k) * 64)) {
      CHECK(i % 500 == k);
      ++seen;
    }
    CHECK(seen == 4);
  }
  CHECK(t.find(7) == -1);
}
TEST_CASE("names") {
  graph g;
  const int h = g.intern_name("h", name_info::root), first = g.intern_name("0", h), w = g.intern_name("w", first);
  CHECK(g.intern_name("w", first) == w);
  CHECK(print_name(g.view(), w) == "h.0.w");
  CHECK(g.names[w].hash == name_hash("h.0.w"));  // a name that was put together is the name
  CHECK_FALSE(g.same_names);
  const int absolute = g.intern_name("/wte", name_info::root);
  CHECK(print_name(g.view(), absolute, "h.7") == "wte");
  CHECK_FALSE(g.same_names);
  CHECK(g.intern_name("wte", name_info::root) == absolute);  // as long as nothing is put before it
  CHECK(g.same_names);
}
TEST_CASE("a parameter has one type, and a prefix where its module is called") {
  graph g;
  parameter(g, "w", name_info::root, matrix);
  parameter(g, "w", name_info::root, matrix, 1);  // another initialiser: another leaf, the same parameter
  CHECK(g.parameters.size() == 1);
  CHECK(g.problem == mistake::none);
  const int shared = parameter(g, "/wte", name_info::root, vector);
  g.outputs.push(shared);

  graph caller;
  const graph_view v = g.view();
  graph::import_maps map(v);
  const int prefix = caller.intern_name("layer", name_info::root);
  for (int i = 0; i < v.node_count; ++i) caller.import(v, v.nodes[i], map, prefix);
  CHECK(print_name(caller.view(), caller.nodes[0].name) == "layer.w");
  CHECK(print_name(caller.view(), caller.producer(map.values[shared]).name) == "wte");
  CHECK(caller.problem == mistake::none);

  parameter(g, "w", name_info::root, vector);
  CHECK(g.problem == mistake::parameter_shapes);
}
TEST_CASE("a module cannot have a parameter and an absolute one of one name") {
  graph g;
  parameter(g, "w", name_info::root, matrix);
  parameter(g, "/w", name_info::root, matrix);
  CHECK(g.problem == mistake::none);  // at the top they are one
  CHECK(g.parameters.size() == 1);
  const graph_view v = g.view();
  graph top, caller;
  graph::import_maps to_top(v), to_caller(v);
  for (int i = 0; i < v.node_count; ++i) {
    top.import(v, v.nodes[i], to_top);
    caller.import(v, v.nodes[i], to_caller, caller.intern_name("layer", name_info::root));
  }
  CHECK(top.problem == mistake::none);
  CHECK(top.same_names);
  CHECK(caller.problem == mistake::parameter_names);
}
