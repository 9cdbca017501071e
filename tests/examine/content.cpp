// The content digest: equal for equal programs however they were obtained, at compile time and at run time.
#include "../typed.hpp"

#include <thunder/examine/content.hpp>
#include <thunder/transforms/grad.hpp>
#include <thunder/transforms/inline.hpp>

#include "../transforms/random_graphs.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace thunder;
using namespace typed_tests;

namespace {

using X = arg<float, 2, 3>;
using Y = arg<float, 3>;
template <class... A, class F> constexpr digest content(F) { return content_digest(trace_t<F, A...>::body::view); }

inline constexpr auto affine = [](auto x, auto y) { return x * y + param<"w", float, 3>(); };
/// The same, written in another order, with something that is not used.
inline constexpr auto affine_too = [](auto x, auto y) {
  auto w = param<"w", float, 3>();
  auto unused = exp(w);
  static_cast<void>(unused);
  return x * y + w;
};
inline constexpr auto module = [](auto x) { return x * param<"w", float, 3>(); };

static_assert(content<X, Y>(affine) == content<X, Y>(affine_too));
static_assert(content<X, Y>(affine) != content<Y, X>(affine));

/// The statements in another order: one that does not depend on the one before it comes first.
graph reordered(const graph_view& v) {
  graph g;
  graph::import_maps map(v);
  list<bool> done(v.node_count, false);
  for (int left = v.node_count; left > 0;)
    for (int i = v.node_count; i-- > 0;) {
      bool ready = !done[i];
      for (int k = 0; ready && k < v.nodes[i].operands; ++k) ready = map.values[v.operand(v.nodes[i], k)] >= 0;
      if (!ready) continue;
      g.import(v, v.nodes[i], map);
      done[i] = true, --left;
    }
  for (int k = 0; k < v.output_count; ++k) g.outputs.push(map.values[v.outputs[k]]);
  g.input_count = v.input_count;
  return g;
}

}  // namespace

TEST_CASE("everything that a program says is part of its content") {
  std::set<digest> all;
  int count = 0;
  auto add = [&](digest d) { all.insert(d), ++count; };
  add(content<X, Y>(affine));
  add(content<Y, Y>(affine));                                                         // an argument's shape
  add(content<arg<double, 2, 3>, Y>(affine));                                         // an element type
  add(content<X, Y>([](auto x, auto y) { return y * x + param<"w", float, 3>(); }));  // the order of operands
  add(content<X, Y>([](auto x, auto y) { return x * y + param<"v", float, 3>(); }));  // a name
  add(content<X, Y>([](auto x, auto y) { return x * y + param<"/w", float, 3>(); }));
  add(content<X, Y>([](auto x, auto y) { return x * y + buffer<"w", float, 3>(); }));  // an attribute
  add(content<X, Y>([](auto x, auto y) { return x * y + param<"w", float, 3>(initial::ones); }));
  add(content<X, Y>([](auto x, auto y) { return x * y - param<"w", float, 3>(); }));                 // an op
  add(content<X, Y>([](auto x, auto y) { return std::tuple{x * y + param<"w", float, 3>(), x}; }));  // the results
  add(content<X, Y>([](auto x, auto y) { return std::tuple{x, x * y + param<"w", float, 3>()}; }));
  add(content<X, Y, Y>([](auto x, auto y, auto) { return x * y + param<"w", float, 3>(); }));  // an argument that is not used
  add(content<X, Y, X>([](auto x, auto y, auto) { return x * y + param<"w", float, 3>(); }));
  add(content<X>(scope<"a">(module)));  // a prefix
  add(content<X>(scope<"b">(module)));
  add(content<X>(scope<"a">([](auto x) { return x + param<"w", float, 3>(); })));  // a body
  add(content<X>(module));
  add(content<X>([](auto x) { return sum(x, axis<0>); }));  // words
  add(content<X>([](auto x) { return sum(x, axis<1>); }));
  add(content<X>([](auto x) { return scope<"a">([](auto y) { return std::tuple{y + 1_c, y * 2_c}; })(x); }));  // which result
  add(content<X>([](auto x) {
    auto [a, b] = scope<"a">([](auto y) { return std::tuple{y + 1_c, y * 2_c}; })(x);
    return std::tuple{b, a};
  }));
  CHECK(static_cast<int>(all.size()) == count);
}

TEST_CASE("levels, the order of statements and how names are put together do not matter") {
  // The body of a module is traced at another level when it is called by a derivative.
  constexpr auto loss = [](auto x) { return sum(scope<"a">(module)(x)); };
  constexpr auto both = [](auto x) {
    return std::pair{scope<"a">(module)(x), scope<"a">([](auto y) { return y * param<"w", float, 3>(); })(x)};
  };
  const graph_view& g = trace_t<decltype(both), X>::body::view;
  digest bodies[2]{};
  int n = 0;
  for (int i = 0; i < g.node_count; ++i)
    if (g.nodes[i].body && n < 2) bodies[n++] = content_digest(*g.nodes[i].body);
  CHECK((n == 1 || bodies[0] == bodies[1]));
  CHECK(content<X>(grad(loss)) == content<X>(grad([](auto x) { return sum(scope<"a">(module)(x)); })));

  // "a.w" of an inlined call, and written so.
  const graph flat = inline_calls(trace_t<decltype(scope<"a">(module)), X>::body::view);
  CHECK(content_digest(flat.view()) == content<X>([](auto x) { return x * param<"a.w", float, 3>(); }));

  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const auto s = random_graphs::make(seed);
    const graph other = reordered(s.g.view());
    REQUIRE(content_digest(other.view()) == content_digest(s.g.view()));
    graph changed = reordered(s.g.view());
    if (changed.outputs.size() > 1 && changed.outputs[0] != changed.outputs[1]) {
      std::swap(changed.outputs[0], changed.outputs[1]);
      REQUIRE(content_digest(changed.view()) != content_digest(s.g.view()));
    }
  }
}
