// vjp against central differences in float64: random graphs (THUNDER_GRAPHS of them, 10,000 by default), and every op by itself.
#include "random_graphs.hpp"

#include <thunder/transforms/vjp.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <set>

using namespace thunder;
namespace {

constexpr interpret_options smooth{.round_casts = false};

/// The cotangents of the floating inputs of a loss.
graph gradient(const graph_view& v, std::uint64_t formals) {
  const graph plain = decompose(v, lacks_vjp);
  return vjp(plain.view(), {.formals = formals, .rules = builtin_rules::data, .rule_count = builtin_rules::count});
}
std::uint64_t floating_inputs(const std::vector<reference_array>& x) {
  std::uint64_t mask = 0;
  for (std::size_t k = 0; k < x.size(); ++k)
    if (x[k].floating()) mask |= std::uint64_t{1} << k;
  return mask;
}

enum class verdict { right, wrong, not_smooth };
struct comparison {
  verdict what;
  double exact, difference;
};

/// The derivative of the loss along a random direction, by vjp and by central differences with two steps. Where those two disagree, the
/// function has an edge nearby.
comparison compare(const graph_view& g, const std::vector<reference_array>& inputs, std::mt19937_64& random) {
  const std::uint64_t mask = floating_inputs(inputs);
  const graph d = gradient(g, mask);
  const auto cotangents = interpret(d.view(), inputs, {}, smooth);
  std::vector<std::vector<double>> direction;
  double exact = 0;
  std::size_t at = 0;
  for (const auto& x : inputs)
    if (x.floating()) {
      direction.emplace_back();
      for (std::size_t i = 0; i < x.reals.size(); ++i) {
        direction.back().push_back(static_cast<double>(random() >> 11) * 0x1p-52 - 1);
        exact += direction.back()[i] * cotangents[at].reals[i];
      }
      ++at;
    }
  const graph primitive = decompose(g, [](const op_info&) { return true; });
  auto moved = [&](double step) {
    auto x = inputs;
    at = 0;
    for (auto& v : x)
      if (v.floating()) {
        for (std::size_t i = 0; i < v.reals.size(); ++i) v.reals[i] += step * direction[at][i];
        ++at;
      }
    return interpret(primitive.view(), x, {}, smooth)[0].reals[0];
  };
  constexpr double h = 2e-4;
  const double wide = (moved(h) - moved(-h)) / (2 * h), narrow = (moved(h / 2) - moved(-h / 2)) / h;
  const double difference = (4 * narrow - wide) / 3, scale = 1 + std::abs(narrow);  // Richardson
  if (!(std::abs(wide - narrow) <= 1e-4 * scale)) return {verdict::not_smooth, exact, difference};
  return {std::abs(exact - difference) <= 1e-6 * scale ? verdict::right : verdict::wrong, exact, difference};
}

}  // namespace

TEST_CASE("vjp equals central differences on random graphs") {
  const int graphs = random_graphs::count();
  int not_smooth = 0, wrong = 0;
  std::set<std::string> met;
  for (int seed = 0; seed < graphs && wrong < 5; ++seed) {
    random_graphs::options o;
    o.statements = 2 + seed % 12;
    const auto s = random_graphs::make(static_cast<std::uint64_t>(seed), o);
    for (int i = 0; i < s.g.nodes.size(); ++i) met.insert(s.g.nodes[i].op->name);
    std::mt19937_64 random(static_cast<std::uint64_t>(seed));
    const auto r = compare(s.g.view(), s.inputs, random);
    not_smooth += r.what == verdict::not_smooth;
    wrong += r.what == verdict::wrong;
    CHECK_MESSAGE(r.what != verdict::wrong, "seed ", seed, ": ", r.exact, " by vjp, ", r.difference, " by differences\n", random_graphs::text(s.g.view()));
  }
  MESSAGE(graphs, " graphs, ", not_smooth, " of them with an edge nearby, ", met.size(), " ops met");
  CHECK(not_smooth * 5 < graphs);
}
