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

/// The derivative of the loss along a random direction, by vjp and by central differences. Where differences with two steps disagree, or
/// the value in the middle is off, the function has an edge nearby.
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
  const double middle = moved(0);
  comparison r{};
  for (double h : {2e-4, 1e-5}) {  // the second: an edge so near that the first did not see it
    const double up = moved(h), down = moved(-h), wide = (up - down) / (2 * h), narrow = (moved(h / 2) - moved(-h / 2)) / h;
    const double difference = (4 * narrow - wide) / 3, scale = 1 + std::abs(narrow);  // Richardson
    const bool smooth_here = std::abs(wide - narrow) <= 1e-4 * scale && std::abs(up + down - 2 * middle) <= 1e-5 * scale;
    r = {!smooth_here ? verdict::not_smooth : std::abs(exact - difference) <= 1e-6 * scale ? verdict::right : verdict::wrong, exact, difference};
    if (r.what != verdict::wrong) break;
  }
  return r;
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

TEST_CASE("vjp of a vjp: second derivatives") {
  const int graphs = random_graphs::count() / 10;
  int not_smooth = 0;
  for (int seed = 0; seed < graphs; ++seed) {
    random_graphs::options o;
    o.statements = 2 + seed % 6;
    const auto s = random_graphs::make(static_cast<std::uint64_t>(seed) + 1'000'000, o);
    graph d = gradient(s.g.view(), floating_inputs(s.inputs));
    value loss = full_like(&d, 0, {dtype::f64, 0, {}});
    for (int k = 0; k < d.outputs.size(); ++k) {
      const value ct{&d, d.outputs[k]};
      loss = loss + sum(sin(ct), all_axes(ct.type().rank));
    }
    d.outputs.clear();
    d.outputs.push(loss.id);
    std::mt19937_64 random(static_cast<std::uint64_t>(seed));
    const auto r = compare(d.view(), s.inputs, random);
    not_smooth += r.what == verdict::not_smooth;
    CHECK_MESSAGE(r.what != verdict::wrong, "seed ", seed, ": ", r.exact, " by vjp, ", r.difference, " by differences\n", random_graphs::text(d.view()));
  }
  MESSAGE(graphs, " graphs, ", not_smooth, " of them with an edge nearby");
  CHECK(not_smooth * 5 < graphs);
}

// ---- every op by itself
namespace {

struct op_sample {
  const char* what;
  std::vector<meta> inputs;
  double low, high;  // of the inputs
  std::function<value(graph&, const std::vector<value>&)> make;
};
template <auto... D> meta f64_of() { return make_meta<dtype::f64>(shape_t<D...>{}); }
template <auto... D> meta i32_of() { return make_meta<dtype::i32>(shape_t<D...>{}); }
const meta key_type{dtype::i64, 0, {}};
using values = std::vector<value>;
template <class Op, std::int64_t... W> value of_words(graph& g, const values& x, const meta* target = nullptr) {
  const std::int64_t w[]{W..., 0};
  std::vector<int> ids;
  for (auto v : x) ids.push_back(v.id);
  return emit<Op>(&g, w, sizeof...(W), ids.data(), static_cast<int>(ids.size()), target);
}
template <class Op, std::int64_t... W> op_sample plain(const char* what, std::vector<meta> inputs, double low = -2, double high = 2) {
  return {what, std::move(inputs), low, high, [](graph& g, const values& x) { return of_words<Op, W...>(g, x); }};
}
template <class Op, std::int64_t... W> op_sample with_target(const char* what, std::vector<meta> inputs, meta target) {
  return {what, std::move(inputs), -2, 2, [target](graph& g, const values& x) { return of_words<Op, W...>(g, x, &target); }};
}

std::vector<op_sample> op_samples() {
  const std::int64_t none = -1;
  const meta m = f64_of<3, 4>(), cube = f64_of<2, 3, 4>(), row = f64_of<4>();
  std::vector<op_sample> r{
      plain<ops::add>("add", {m, m}), plain<ops::sub>("sub", {m, m}), plain<ops::mul>("mul", {m, m}), plain<ops::div>("div", {m, m}, 0.5, 2),
      plain<ops::neg>("neg", {m}), plain<ops::abs>("abs", {m}), plain<ops::sign>("sign", {m}), plain<ops::maximum>("maximum", {m, m}), plain<ops::minimum>("minimum", {m, m}),
      {"where", {m, m, m}, -2, 2, [](graph&, const values& x) { return where(x[0] > x[1], x[1] * x[2], x[2]); }},
      {"where of numbers", {m}, -2, 2, [](graph&, const values& x) { return where(x[0] > 0_c, 1_c, x[0]) + where(x[0] > 1_c, x[0], 2_c); }},
      plain<ops::exp>("exp", {m}), plain<ops::expm1>("expm1", {m}), plain<ops::log>("log", {m}, 0.5, 3), plain<ops::log1p>("log1p", {m}, -0.5, 3),
      plain<ops::sqrt>("sqrt", {m}, 0.5, 3), plain<ops::rsqrt>("rsqrt", {m}, 0.5, 3), plain<ops::sin>("sin", {m}), plain<ops::cos>("cos", {m}),
      plain<ops::tanh>("tanh", {m}), plain<ops::sigmoid>("sigmoid", {m}), plain<ops::erf>("erf", {m}), plain<ops::relu>("relu", {m}),
      plain<ops::pow>("pow", {m, m}, 0.5, 2), plain<ops::floor>("floor", {m}), plain<ops::ceil>("ceil", {m}), plain<ops::trunc>("trunc", {m}), plain<ops::round>("round", {m}),
      plain<ops::sum, 0b01>("sum, columns", {m}), plain<ops::sum, 0b10>("sum, rows", {m}), plain<ops::sum, 0b101>("sum, two axes", {cube}),
      plain<ops::max, 0b10>("max", {m}), plain<ops::min, 0b11>("min", {m}), plain<ops::mean, 0b110>("mean", {cube}),
      plain<ops::cast, static_cast<std::int64_t>(dtype::f32)>("cast to f32", {m}), plain<ops::cast, static_cast<std::int64_t>(dtype::bf16)>("cast to bf16", {m}),
      with_target<ops::broadcast, 0b110>("broadcast, leading", {m}, f64_of<2, 3, 4>()), with_target<ops::broadcast, 0b101>("broadcast, middle", {m}, f64_of<3, 2, 4>()),
      with_target<ops::reshape>("reshape", {m}, f64_of<2, 6>()), plain<ops::transpose, 2, 0, 1>("transpose", {cube}),
      plain<ops::slice, 0, 1, -1, 4, 1, 2>("slice", {f64_of<3, 5>()}), plain<ops::slice, 1, 0, 3, none, 2, 1>("slice, strided", {m}),
      plain<ops::pad, 1, 0, 2, 3, 0, 1>("pad", {m}), plain<ops::concatenate, 1>("concatenate", {m, f64_of<3, 2>(), m}),
      {"concatenate of one value twice", {m}, -2, 2, [](graph& g, const values& x) { return of_words<ops::concatenate, 0>(g, {x[0], x[0]}); }},
      plain<ops::take>("take", {m, i32_of<2, 3>()}), {"scatter_add", {i32_of<5>(), f64_of<5, 2>()}, -2, 5, [](graph& g, const values& x) {
         const meta t = f64_of<3, 2>();
         return of_words<ops::scatter_add>(g, x, &t);
       }},
      {"scatter", {f64_of<3, 2>()}, -2, 2, [](graph& g, const values& x) {
         const meta t = f64_of<5, 2>();
         return of_words<ops::scatter>(g, {iota_like(&g, i32_of<3>(), 0) + 1_c, x[0]}, &t);
       }},
      plain<ops::cumsum, 1, 0>("cumsum", {m}), plain<ops::cumsum, 1, 1>("cumsum, reverse", {cube}), plain<ops::cumprod, 0, 0>("cumprod", {cube}),
      plain<ops::cumprod, 1, 1>("cumprod, reverse", {m}), plain<ops::sort, 0>("sort", {cube}), plain<ops::sort, 1>("sort, descending", {row}), plain<ops::top_k, 2>("top_k", {m}),
      plain<ops::take_along_last>("take_along_last", {cube, i32_of<2, 3, 2>()}), plain<ops::prod, 0b01>("prod", {m}),
      plain<ops::dynamic_slice, 1, 2>("dynamic_slice", {m, key_type}), plain<ops::dynamic_update_slice, 1>("dynamic_update_slice", {m, f64_of<3, 2>(), key_type}),
      plain<ops::triangle, 1, 0>("lower triangle", {m}), plain<ops::triangle, 0, 1>("upper triangle", {m}), plain<ops::swiglu>("swiglu", {m, m}),
      plain<ops::rope, 0, bits_of(100.0), 0>("rope, pairs", {cube, i32_of<3>()}), plain<ops::rope, 1, bits_of(100.0), 0>("rope, halves", {cube, i32_of<3>()}),
      plain<ops::scaled_dot_product_attention, 1, 0>("attention, causal", {f64_of<2, 3, 4>(), f64_of<2, 3, 4>(), f64_of<2, 3, 2>()}),
      plain<ops::scaled_dot_product_attention, 0, bits_of(0.5)>("attention, grouped heads and a mask", {f64_of<4, 2, 3>(), f64_of<2, 3, 3>(), f64_of<2, 3, 2>(), f64_of<2, 3>()}),
      plain<ops::dropped_attention, 1, 0, bits_of(0.3)>("attention, causal, with dropout", {f64_of<2, 3, 4>(), f64_of<2, 3, 4>(), f64_of<2, 3, 2>(), key_type}),
      plain<ops::softmax, 0b10>("softmax", {m}), plain<ops::softmax, 0b101>("softmax, two axes", {cube}), plain<ops::log_softmax, 0b01>("log_softmax", {m}),
      plain<ops::logsumexp, 0b10>("logsumexp", {m}), plain<ops::var, 0b10>("var", {m}), plain<ops::var, 0b011>("var, two axes", {cube}),
      plain<ops::layer_norm, bits_of(1e-2)>("layer_norm", {cube, row, row}), plain<ops::rms_norm, bits_of(1e-2)>("rms_norm", {cube, row}),
      plain<ops::gelu>("gelu", {m}), plain<ops::gelu_exact>("gelu_exact", {m}), plain<ops::silu>("silu", {m}), plain<ops::softplus>("softplus", {m}),
      plain<ops::dropout, bits_of(0.4)>("dropout", {m, key_type}), {"cross_entropy_rows", {m, i32_of<3>()}, -2, 4, [](graph& g, const values& x) { return of_words<ops::cross_entropy_rows>(g, {x[0], maximum(x[1], 0_c)}); }},
      {"stop_gradient", {m}, -2, 2, [](graph&, const values& x) { return x[0] * x[0] + (stop_gradient(sign(x[0]))); }},
  };
  const meta left[]{f64_of<3, 4>(), f64_of<4, 3>()}, right[]{f64_of<4, 2>(), f64_of<2, 4>()};
  const meta lefts[]{f64_of<2, 3, 4>(), f64_of<2, 4, 3>()}, rights[]{f64_of<2, 4, 2>(), f64_of<2, 2, 4>()};
  for (int ta = 0; ta < 2; ++ta)
    for (int tb = 0; tb < 2; ++tb) {
      auto make = [ta, tb](graph&, const values& x) { return ops::matmul::product(x[0], x[1], ta, tb); };
      r.push_back({"matmul", {left[ta], right[tb]}, -2, 2, make});
      r.push_back({"matmul, batched", {lefts[ta], rights[tb]}, -2, 2, make});
      if (!ta) r.push_back({"matmul, batch and one matrix", {lefts[0], right[tb]}, -2, 2, make});
    }
  return r;
}

template <class Ops> struct differentiable_names;
template <class... Op> struct differentiable_names<pack<Op...>> {
  static std::set<std::string> all() {
    std::set<std::string> r;
    ((Op::has_vjp() && !std::is_same_v<Op, ops::fold_in> ? void(r.insert(Op::name)) : void()), ...);
    return r;
  }
};

}  // namespace

TEST_CASE("vjp of every op") {
  std::set<std::string> missing = differentiable_names<builtin_ops>::all();
  for (const auto& sample : op_samples()) {
    CAPTURE(sample.what);
    std::mt19937_64 random(7);
    int right = 0;
    for (int round = 0; round < 20; ++round) {
      graph g;
      std::vector<reference_array> inputs;
      values x;
      for (const auto& m : sample.inputs) {
        const std::int64_t w = static_cast<std::int64_t>(inputs.size());
        const int t = g.intern(m);
        x.push_back({&g, g.put(table_of<ops::formal>(), &w, 1, nullptr, 0, &t, 1)});
        std::vector<std::int64_t> e;
        for (int i = 0; i < m.rank; ++i) e.push_back(m.d[i].size);
        reference_array a(m.type, e);
        std::uniform_real_distribution<double> draw(sample.low, sample.high);
        for (auto& v : a.reals) v = draw(random);
        for (auto& v : a.integers) v = static_cast<std::int64_t>(draw(random));
        inputs.push_back(a);
      }
      g.input_count = static_cast<int>(inputs.size());
      value y = sample.make(g, x);
      y = cast_to(y, dtype::f64);
      for (int i = 0; i < g.nodes.size(); ++i) missing.erase(g.nodes[i].op->name);
      const value w = sin(reshape_to(iota_like(&g, {dtype::f64, 1, {y.type().count()}}, 0), y.type()) * full_like(&g, 1.3, y.type()) + full_like(&g, 0.4, y.type()));
      g.outputs.push(sum(w * y, all_axes(y.type().rank)).id);
      const auto r = compare(g.view(), inputs, random);
      CHECK_MESSAGE(r.what != verdict::wrong, r.exact, " by vjp, ", r.difference, " by differences\n", random_graphs::text(g.view()));
      right += r.what == verdict::right;
    }
    CHECK(right >= 15);
  }
  missing.erase("thunder.mean");  // met as its parts
  for (const auto& name : missing) FAIL_CHECK(name, " has a rule and no sample");
}
