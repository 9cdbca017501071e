// A whole training step as one program, against straightforward code in double precision.
#include "compare.hpp"

#include <doctest/doctest.h>

using namespace thunder;
using namespace jit_tests;

namespace {

inline constexpr auto B = dim("batch");
constexpr int rows = 6, in = 4, out = 3;

constexpr auto logits = [](auto x) { return nn::linear<"fc", out>(x); };
constexpr auto loss_of = [](auto x, auto y) { return cross_entropy(logits(x), y); };

/// The model in double precision: weights [in][out], then biases [out].
struct reference_model {
  std::vector<double> p;
  double loss(const tensor<float, B, in>& x, const tensor<std::int32_t, B>& y, std::vector<double>* gradient = nullptr) const {
    const int n = static_cast<int>(x.size() / in);
    double total = 0;
    if (gradient) gradient->assign(p.size(), 0);
    for (int i = 0; i < n; ++i) {
      double z[out], sum = 0;
      for (int j = 0; j < out; ++j) {
        z[j] = p[static_cast<std::size_t>(in * out + j)];
        for (int k = 0; k < in; ++k) z[j] += static_cast<double>(x(i, k)) * p[static_cast<std::size_t>(k * out + j)];
        sum += std::exp(z[j]);
      }
      total += (std::log(sum) - z[y(i)]) / n;
      if (!gradient) continue;
      for (int j = 0; j < out; ++j) {
        const double d = (std::exp(z[j]) / sum - (y(i) == j)) / n;
        (*gradient)[static_cast<std::size_t>(in * out + j)] += d;
        for (int k = 0; k < in; ++k) (*gradient)[static_cast<std::size_t>(k * out + j)] += d * static_cast<double>(x(i, k));
      }
    }
    return total;
  }
};
std::vector<double> parameters_of(const state& s) {
  std::vector<double> p;
  for (float v : s["fc.weight"].as<float, in, out>().span()) p.push_back(static_cast<double>(v));
  for (float v : s["fc.bias"].as<float, out>().span()) p.push_back(static_cast<double>(v));
  return p;
}
double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double d = 0;
  for (std::size_t i = 0; i < a.size(); ++i) d = std::max(d, std::abs(a[i] - b[i]));
  return d;
}
tensor<float, B, in> images(int n) { return wave<float, B, in>(0.3, n); }
tensor<std::int32_t, B> labels(int n) {
  tensor<std::int32_t, B> y(n);
  for (int i = 0; i < n; ++i) y(i) = (i * i + 1) % out;
  return y;
}

/// Five steps; Next moves the reference's parameters. Returns the largest difference of a parameter.
template <class Step, class Next> double train(Step f, Next next) {
  auto step = jit(f);
  state s = init(step, 3, images(rows), labels(rows), 0.1f);
  reference_model m{parameters_of(s)};
  double d = 0;
  for (int t = 1; t <= 5; ++t) {
    const int n = t == 5 ? 4 : rows;  // the last batch is smaller
    const float rate = 0.1f / static_cast<float>(t);
    std::vector<double> g;
    const double expected = m.loss(images(n), labels(n), &g);
    auto [loss, done] = step(s, images(n), labels(n), rate);
    CHECK(static_cast<double>(loss.item()) == doctest::Approx(expected).epsilon(1e-5));
    next(m.p, g, static_cast<double>(rate), t);
    d = std::max(d, distance(parameters_of(s), m.p));
  }
  return d;
}

}  // namespace

TEST_CASE("value_and_grad inside jit against finite differences") {
  auto program = jit([](auto x, auto y) { return value_and_grad(loss_of, wrt_parameters)(x, y); });
  const auto x = images(rows);
  const auto y = labels(rows);
  state s = init(program, 3, x, y);
  const auto [loss, gradients] = program(s, x, y);
  reference_model m{parameters_of(s)};
  CHECK(static_cast<double>(loss.item()) == doctest::Approx(m.loss(x, y)).epsilon(1e-6));
  const auto g = parameters_of(gradients);
  for (std::size_t i = 0; i < m.p.size(); ++i) {
    reference_model up = m, down = m;
    up.p[i] += 1e-5, down.p[i] -= 1e-5;
    CHECK(g[i] == doctest::Approx((up.loss(x, y) - down.loss(x, y)) / 2e-5).epsilon(1e-4));
  }
}

TEST_CASE("gradients by arguments, on tensors") {
  const auto f = [](auto x, auto w) { return sum(tanh(matmul(x, w))); };
  const auto x = wave<double, 2, 3>(0.1);
  const auto w = wave<double, 3, 2>(0.5);
  const auto [value, g] = value_and_grad(f, wrt<0, 1>)(x, w);
  const auto& [gx, gw] = g;
  auto total = [&](const tensor<double, 2, 3>& a, const tensor<double, 3, 2>& b) { return meaning(f, a, b)[0].reals[0]; };
  CHECK(value.item() == doctest::Approx(total(x, w)));
  for (int i = 0; i < 6; ++i) {
    auto up = x.copy(), down = x.copy();
    up.data()[i] += 1e-6, down.data()[i] -= 1e-6;
    CHECK(gx.data()[i] == doctest::Approx((total(up, w) - total(down, w)) / 2e-6).epsilon(1e-6));
    auto high = w.copy(), low = w.copy();
    high.data()[i] += 1e-6, low.data()[i] -= 1e-6;
    CHECK(gw.data()[i] == doctest::Approx((total(x, high) - total(x, low)) / 2e-6).epsilon(1e-6));
  }
}

TEST_CASE("five steps of SGD with momentum and weight decay") {
  std::vector<double> v(in * out + out, 0);
  CHECK(train([](auto x, auto y, auto rate) {
          auto [loss, g] = value_and_grad(loss_of, wrt_parameters)(x, y);
          return std::tuple{loss, update(optim::sgd<optim::sgd_options{.weight_decay = 0.01}>(g, rate))};
        }, [&](std::vector<double>& p, const std::vector<double>& g, double rate, int) {
          for (std::size_t i = 0; i < p.size(); ++i) v[i] = 0.9 * v[i] + g[i] + 0.01 * p[i], p[i] -= rate * v[i];
        }) < 1e-6);
}

TEST_CASE("five steps of AdamW after clipping") {
  std::vector<double> m(in * out + out, 0), v(in * out + out, 0);
  CHECK(train([](auto x, auto y, auto rate) {
          auto [loss, g] = value_and_grad(loss_of, wrt_parameters)(x, y);
          auto [clipped, norm] = optim::clip_by_global_norm(g, 0.25_c);
          return std::tuple{loss, update(optim::adamw(clipped, rate))};
        }, [&](std::vector<double>& p, std::vector<double> g, double rate, int t) {
          double norm = 0;
          for (double d : g) norm += d * d;
          norm = std::sqrt(norm);
          for (double& d : g) d *= std::min(1.0, 0.25 / (norm + 1e-6));
          for (std::size_t i = 0; i < p.size(); ++i) {
            m[i] = 0.9 * m[i] + 0.1 * g[i], v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
            const double step = m[i] / (1 - std::pow(0.9, t)) / (std::sqrt(v[i] / (1 - std::pow(0.999, t))) + 1e-8);
            p[i] -= rate * (step + 0.01 * p[i]);
          }
        }) < 2e-5);
}

TEST_CASE("an optimizer's options") {
  std::vector<double> v(in * out + out, 0);
  CHECK(train([](auto x, auto y, auto rate) {
          auto [loss, g] = value_and_grad(loss_of, wrt_parameters)(x, y);
          return std::tuple{loss, update(optim::adamw<optim::adamw_options{.beta1 = 0, .beta2 = 0.5, .weight_decay = 0}>(g, rate))};
        }, [&](std::vector<double>& p, const std::vector<double>& g, double rate, int t) {
          for (std::size_t i = 0; i < p.size(); ++i) {
            v[i] = 0.5 * v[i] + 0.5 * g[i] * g[i];
            p[i] -= rate * g[i] / (std::sqrt(v[i] / (1 - std::pow(0.5, t))) + 1e-8);
          }
        }) < 2e-5);
}

TEST_CASE("clip_by_global_norm scales only what is too long") {
  const auto clip = [](auto x, auto y) {
    auto [clipped, norm] = optim::clip_by_global_norm(named<entry<literal_name<"x">, decltype(x)>, entry<literal_name<"y">, decltype(y)>>{}, 10_c);
    return std::tuple{clipped["x"_p], clipped["y"_p], norm};
  };
  auto program = jit(clip);
  {
    const auto [x, y, norm] = program(tensor<float, 2>{3, 0}, tensor<float, 1>{4});
    CHECK(norm.item() == 5);
    CHECK(x(0) == 3);
    CHECK(y(0) == 4);
  }
  const auto [x, y, norm] = program(tensor<float, 2>{30, 0}, tensor<float, 1>{40});
  CHECK(norm.item() == 50);
  CHECK(x(0) == doctest::Approx(6).epsilon(1e-5));
  CHECK(y(0) == doctest::Approx(8).epsilon(1e-5));
}
