// inline_calls: a program of module calls becomes one flat graph that means the same, with the parameters' full names.
#include <thunder/executors/reference.hpp>
#include <thunder/ir.hpp>
#include <thunder/ir/print.hpp>
#include <thunder/ir/verify.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace thunder;

namespace {

constexpr auto block = [](auto x) {
  auto shifted = [](auto y) { return tanh(y + param<"bias", double, 4>()); };
  return matmul(scope<"inner">(shifted)(x), param<"weight", double, 4, 4>()) + x * param<"/shared", double, 4>();
};
constexpr auto model = [](auto x) { return sum(repeat<3, "h">(block, x) + scope<"last">(block)(x)); };

template <class F, class... X> using body_of_trace = typename trace_t<F, X...>::body;
using X = expr<dtype::f64, shape_t<2, 4>, 0>;

int calls(const graph& g) {
  int n = 0;
  for (const node& s : g.nodes) n += s.body != nullptr;
  return n;
}
std::set<std::string> parameter_names(const graph_view& g) {
  std::set<std::string> r;
  for (int k = 0; k < g.parameter_count; ++k) r.insert(print_name(g, g.parameters[k].name));
  return r;
}
reference_array numbers(std::vector<std::int64_t> extents, double start) {
  reference_array a(dtype::f64, std::move(extents));
  for (auto& v : a.reals) v = std::sin(start += 1.3);
  return a;
}

}  // namespace

TEST_CASE("calls of calls become statements, names get their prefixes") {
  const graph_view& v = body_of_trace<decltype(model), X>::view;
  const graph flat = inline_calls(v);
  CHECK(find_violation(v) == nullptr);
  CHECK(find_violation(flat.view()) == nullptr);
  CHECK(calls(flat) == 0);
  const std::set<std::string> expected{"h.0.inner.bias", "h.0.weight", "h.1.inner.bias", "h.1.weight", "h.2.inner.bias", "h.2.weight", "last.inner.bias", "last.weight", "shared"};
  CHECK(parameter_names(v) == expected);
  CHECK(parameter_names(flat.view()) == expected);

  std::map<std::string, reference_array, std::less<>> parameters;
  double start = 0;
  for (const auto& name : expected) parameters.emplace(name, numbers(name.ends_with("weight") ? std::vector<std::int64_t>{4, 4} : std::vector<std::int64_t>{4}, start += 0.37));
  const std::vector<reference_array> inputs{numbers({2, 4}, 0.1)};
  CHECK(interpret(v, inputs, parameters)[0].reals[0] == doctest::Approx(interpret(flat.view(), inputs, parameters)[0].reals[0]).epsilon(1e-12));
}

TEST_CASE("equal statements of several calls meet") {
  constexpr auto twice = [](auto x) {
    auto f = [](auto y) { return exp(y * 2_c); };
    return scope<"a">(f)(x) + scope<"b">(f)(x);
  };
  const graph flat = inline_calls(body_of_trace<decltype(twice), X>::view);
  int exps = 0;
  for (const node& s : flat.nodes) exps += s.op->id == table_of<ops::exp>()->id;
  CHECK(exps == 1);
}

TEST_CASE("the derivative of calls, inlined, means the same") {
  constexpr auto gradient = [](auto x) { return grad(model, wrt<0>)(x); };
  const graph_view& v = body_of_trace<decltype(gradient), X>::view;
  const graph flat = inline_calls(v);
  CHECK(find_violation(flat.view()) == nullptr);
  CHECK(calls(flat) == 0);
  std::map<std::string, reference_array, std::less<>> parameters;
  double start = 0;
  for (const auto& name : parameter_names(v)) parameters.emplace(name, numbers(name.ends_with("weight") ? std::vector<std::int64_t>{4, 4} : std::vector<std::int64_t>{4}, start += 0.37));
  const std::vector<reference_array> inputs{numbers({2, 4}, 0.1)};
  const auto a = interpret(v, inputs, parameters)[0], b = interpret(flat.view(), inputs, parameters)[0];
  REQUIRE(a.reals.size() == 8);
  for (std::size_t i = 0; i < 8; ++i) CHECK(a.reals[i] == doctest::Approx(b.reals[i]).epsilon(1e-12));
}

TEST_CASE("a formal that is a result, and one that nobody uses") {
  constexpr auto f = [](auto x, [[maybe_unused]] auto y) { return std::pair{scope<"s">([](auto z) { return z; })(x), x + x}; };
  const graph flat = inline_calls(body_of_trace<decltype(f), X, X>::view);
  CHECK(flat.input_count == 2);
  CHECK(find_violation(flat.view()) == nullptr);
  REQUIRE(flat.outputs.size() == 2);
  CHECK(flat.producer(flat.outputs[0]).op->id == table_of<ops::formal>()->id);
}
