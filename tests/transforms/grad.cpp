// grad and value_and_grad on typed traces, evaluated by the reference executor.
#include "../typed.hpp"

#include <thunder/transforms/grad.hpp>

#include <doctest/doctest.h>

using namespace thunder;
using namespace typed_tests;
namespace {

inline constexpr auto B = dim("batch");

struct layer {
  constexpr auto operator()(auto x) const { return tanh(matmul(x, param<"w", double, 3, 3>()) + param<"b", double, 3>()); }
};
inline constexpr auto model = [](auto x) { return mean(repeat<3, "h">(layer{}, x) * scope<"head">([](auto y) { return y * param<"scale", double, 3>() + param<"/shared", double>(); })(x)); };
interpreter<>::parameter_map model_parameters() {
  interpreter<>::parameter_map p;
  for (int i = 0; i < 3; ++i) {
    p["h." + std::to_string(i) + ".w"] = array({3, 3}, wave(9, 0.8, i));
    p["h." + std::to_string(i) + ".b"] = array({3}, wave(3, 0.3, i));
  }
  p["head.scale"] = array({3}, wave(3, 1.1, 5));
  p["shared"] = scalar(0.4);
  return p;
}

}  // namespace

TEST_CASE("grad by one argument and by several") {
  constexpr auto f = [](auto x, auto w) { return sum(sin(matmul(x, w) * x) * tanh(x) + 0.5_c * x); };
  using X = arg<double, B, 3>;
  using W = arg<double, 3, 3>;
  const std::vector<reference_array> in{array({2, 3}, wave(6)), array({3, 3}, wave(9, 0.9, 2))};
  constexpr auto both = [f](auto x, auto w) { return grad(f, wrt<0, 1>)(x, w); };
  static_assert(is<double, B, 3>(std::get<0>(both(X{}, W{}))) && is<double, 3, 3>(std::get<1>(both(X{}, W{}))));
  const auto r = run<X, W>(both, in);
  REQUIRE(r.size() == 2);
  CHECK(r[0].extents == extents{2, 3});
  CHECK(near(r[0].reals, differences<X, W>(f, in, 0), 1e-8));
  CHECK(near(r[1].reals, differences<X, W>(f, in, 1), 1e-8));
  CHECK(near(reals<X, W>(grad(f), in), r[0].reals));
  CHECK(near(reals<X, W>(grad(f, wrt<1>), in), r[1].reals));
}

TEST_CASE("grad by an argument that does not matter is zero") {
  const std::vector<reference_array> in{array({3}, wave(3)), array({2}, wave(2))};
  CHECK(reals<arg<double, 3>, arg<double, 2>>([](auto a, auto b) { return grad([](auto x, auto) { return sum(x * x); }, wrt<1>)(a, b); }, in) == std::vector<double>{0, 0});
}

TEST_CASE("integer arguments stay out") {
  constexpr auto f = [](auto x, auto labels) { return cross_entropy(x, labels); };
  const std::vector<reference_array> in{array({2, 3}, wave(6)), whole({2}, {2, 0}, dtype::i32)};
  using L = arg<std::int32_t, B>;
  CHECK(near(reals<arg<double, B, 3>, L>(grad(f), in), differences<arg<double, B, 3>, L>(f, in, 0), 1e-8));
}

TEST_CASE("grad by parameters, through repeat and scope") {
  using X = arg<double, B, 3>;
  const std::vector<reference_array> in{array({4, 3}, wave(12))};
  const auto p = model_parameters();
  constexpr auto f = [](auto x) {
    const auto g = grad(model, wrt_parameters)(x);
    return std::tuple{g["h.0.w"_p], g["h.2.b"_p], g["head.scale"_p], g["shared"_p]};
  };
  const auto r = run<X>(f, in, p);
  auto check = [&](const reference_array& got, const std::string& name) {
    CAPTURE(name);
    std::vector<double> expected;
    for (std::size_t i = 0; i < p.at(name).reals.size(); ++i) {
      auto q = p;
      q[name].reals[i] += 1e-5;
      const double up = reals<X>(model, in, q)[0];
      q[name].reals[i] -= 2e-5;
      expected.push_back((up - reals<X>(model, in, q)[0]) / 2e-5);
    }
    CHECK(got.extents == p.at(name).extents);
    CHECK(near(got.reals, expected, 1e-8));
  };
  check(r[0], "h.0.w"), check(r[1], "h.2.b"), check(r[2], "head.scale"), check(r[3], "shared");
  using gradients = decltype(grad(model, wrt_parameters)(X{}));
  static_assert(gradients::size == 8);
}

TEST_CASE("buffers are not differentiated") {
  constexpr auto f = [](auto x) { return sum(x * param<"w", double>() * buffer<"count", double>()); };
  static_assert(decltype(grad(f, wrt_parameters)(arg<double, 2>{}))::size == 1);
}

TEST_CASE("grad of grad of grad") {
  constexpr auto f = [](auto s) { return exp(s * s) * sin(s); };
  const double s = 0.7, e = std::exp(s * s), S = std::sin(s), C = std::cos(s);
  const std::vector<reference_array> in{scalar(s)};
  CHECK(near(reals<arg<double>>(grad(f), in), {e * (2 * s * S + C)}));
  CHECK(near(reals<arg<double>>(grad(grad(f)), in), {e * ((4 * s * s + 1) * S + 4 * s * C)}));
  CHECK(near(reals<arg<double>>(grad(grad(grad(f))), in), {e * ((8 * s * s * s + 6 * s) * S + (12 * s * s + 5) * C)}, 1e-11));
}

TEST_CASE("a Hessian-vector product: grad through grad of an inner product") {
  using X = arg<double, 4>;
  constexpr auto f = [](auto x) { return sum(softmax(x) * x * x); };
  constexpr auto product = [f](auto x, auto v) { return grad([f, v](auto y) { return sum(grad(f)(y) * v); })(x); };
  const std::vector<reference_array> in{array({4}, wave(4)), array({4}, wave(4, 1, 3))};
  CHECK(near(reals<X, X>(product, in), differences<X, X>([f](auto x, auto v) { return sum(grad(f)(x) * v); }, in, 0), 1e-8));
}

TEST_CASE("perturbation confusion") {
  // d/dx [x d/dy (x + y)] is 1; a formal of one trace taken for that of the other makes it 2.
  constexpr auto f = [](auto s) { return grad([=](auto x) { return x * grad([=](auto y) { return x + y; })(x); })(s); };
  CHECK(reals<arg<double>>(f, {scalar(1)}) == std::vector<double>{1});
  // d/dx [x d/dy (x y)] = 2 x
  constexpr auto g = [](auto s) { return grad([=](auto x) { return x * grad([=](auto y) { return x * y; })(x); })(s); };
  CHECK(reals<arg<double>>(g, {scalar(3)}) == std::vector<double>{6});
  // d/dx [d/dy (x y^2) at y = x] = d/dx 2 x^2 = 4 x
  constexpr auto h = [](auto s) { return grad([](auto x) { return grad([=](auto y) { return x * y * y; })(x); })(s); };
  CHECK(reals<arg<double>>(h, {scalar(3)}) == std::vector<double>{12});
}

template <class X> struct times {  // captures nothing, but its type names an outer expression
  constexpr auto operator()(auto y) const { return X{} * y; }
};
template <class X> struct plus {
  constexpr auto operator()(auto y) const { return X{} + y; }
};
TEST_CASE("types that name outer expressions are no perturbation confusion either") {
  constexpr auto f = [](auto x) { return grad(times<decltype(x)>{})(x); };
  CHECK(reals<arg<double>>(f, {scalar(3)}) == std::vector<double>{3});
  constexpr auto g = [](auto s) { return grad([](auto x) { return x * grad(plus<decltype(x)>{})(x); })(s); };
  CHECK(reals<arg<double>>(g, {scalar(3)}) == std::vector<double>{1});
  constexpr auto in_a_scope = [](auto s) { return grad([](auto x) { return x * scope<"a">(plus<decltype(x)>{})(x); })(s); };
  CHECK(reals<arg<double>>(in_a_scope, {scalar(3)}) == std::vector<double>{12});
  // where the argument does not lead to it: d/dx [x d/dc (x c)] = 2 x
  constexpr auto h = [](auto s) { return grad([](auto x) { return x * grad(times<decltype(x)>{})(full<double>(1_c)); })(s); };
  CHECK(reals<arg<double>>(h, {scalar(3)}) == std::vector<double>{6});
}

TEST_CASE("a second look at what captures something leaves the traces inside alone") {
  constexpr auto inner = [](auto y) { return sum(y * y); };
  using At0 = arg<double, 3>;
  using probed = parameters<tracer::derivative, decltype(inner), decltype(formal<probe_level, 0, dtype::f64>(shape_t<3>{}))>;
  static_assert(std::is_same_v<probed, parameters<tracer::derivative, decltype(inner), decltype(formal<0, 0, dtype::f64>(shape_t<3>{}))>>);
  static_assert(std::is_same_v<probed, parameters<tracer::derivative, const decltype(inner), At0>>);
}

TEST_CASE("captures of outer expressions are constants") {
  constexpr auto f = [](auto x, auto t) {
    const auto c = exp(t) + 1_c;
    return grad([=](auto y) { return sum(y * y * c); })(x);
  };
  const std::vector<reference_array> in{array({3}, wave(3)), scalar(0.5)};
  std::vector<double> expected;
  for (double v : wave(3)) expected.push_back(2 * v * (std::exp(0.5) + 1));
  CHECK(near(reals<arg<double, 3>, arg<double>>(f, in), expected));
  // and a derivative by what the inner function captures goes through it
  constexpr auto outer = [f](auto x, auto t) { return sum(f(x, t)); };
  CHECK(near(reals<arg<double, 3>, arg<double>>(grad(outer, wrt<1>), in), differences<arg<double, 3>, arg<double>>(outer, in, 1), 1e-8));
}

TEST_CASE("value_and_grad, and further results beside the loss") {
  using X = arg<double, B, 2>;
  constexpr auto f = [](auto x) {
    const auto y = x * x;
    return std::tuple{mean(y), argmax(y, axis<1>), y};
  };
  constexpr auto both = [f](auto x) { return value_and_grad(f)(x); };
  const std::vector<reference_array> in{array({2, 2}, {1, -3, 2, 0.5})};
  const auto r = run<X>(both, in);
  REQUIRE(r.size() == 4);
  CHECK(r[0].reals[0] == doctest::Approx(14.25 / 4));
  CHECK(r[1].integers == std::vector<std::int64_t>{1, 0});
  CHECK(near(r[2].reals, {1, 9, 4, 0.25}));
  CHECK(near(r[3].reals, {0.5, -1.5, 1, 0.25}));
}

TEST_CASE("trees of arguments") {
  using pair = std::pair<arg<double, 2>, arg<double>>;
  constexpr auto f = [](auto p, auto s) { return sum(p.first * p.first) * p.second * s; };
  constexpr auto g = [f](auto p, auto s) { return grad(f)(p, s); };
  const auto r = run<pair, arg<double>>(g, {array({2}, {1, 2}), scalar(3), scalar(0.5)});
  REQUIRE(r.size() == 2);
  CHECK(near(r[0].reals, {3, 6}));
  CHECK(near(r[1].reals, {2.5}));
}

TEST_CASE("more than 64 arguments") {
  constexpr auto many = []<class... X>(X... x) { return ((x * x) + ...); };
  const auto gradient = [many]<int... I>(std::integer_sequence<int, I...>, const std::vector<reference_array>& in) {
    return run<decltype(static_cast<void>(I), arg<double>{})...>(grad(many, wrt<0, 63>), in);
  };
  std::vector<reference_array> in;
  for (int i = 0; i < 70; ++i) in.push_back(scalar(i + 1));
  const auto r = gradient(std::make_integer_sequence<int, 70>{}, in);
  CHECK(r[0].reals == std::vector<double>{2});
  CHECK(r[1].reals == std::vector<double>{128});
}

TEST_CASE("stop_gradient") {
  CHECK(reals<arg<double>>(grad([](auto x) { return x * stop_gradient(x * x); }), {scalar(3)}) == std::vector<double>{9});
}

// ---- the reference executor's errors
TEST_CASE("interpret says what does not fit") {
  using X = arg<double, B, 3>;
  constexpr auto f = [](auto x, auto y) { return x + y; };
  auto message = [&](std::vector<reference_array> in) {
    try {
      run<X, X>(f, in);
    } catch (const error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK(message({array({2, 3}, wave(6)), array({2, 3}, wave(6))}).empty());
  CHECK(message({array({2, 3}, wave(6)), array({4, 3}, wave(12))}) == "interpret: dimension 0 of input 1 is 4, and batch is 2");
  CHECK(message({array({2, 4}, wave(8)), array({2, 3}, wave(6))}) == "interpret: dimension 1 of input 0 is 4, and 3 is 3");
  CHECK(message({array({6}, wave(6)), array({2, 3}, wave(6))}) == "interpret: input 0 has 1 dimensions, and should have 2");
  CHECK(message({array({2, 3}, wave(6), dtype::f32), array({2, 3}, wave(6))}) == "interpret: input 0 is f32, and should be f64");
  CHECK(message({array({2, 3}, wave(6))}) == "interpret: the graph has 2 inputs, 1 are given");
  CHECK_THROWS_AS(run<X>(model, {array({2, 3}, wave(6))}), state_error);
}
