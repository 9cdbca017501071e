// The reference executor with calls, parameters below prefixes, and ops of the user's own.
#include "../typed.hpp"

#include <doctest/doctest.h>

using namespace thunder;
using namespace typed_tests;

namespace mine {

struct cube : pointwise_op<cube> {
  static constexpr const char* name = "mine.cube";
  static constexpr auto evaluate(auto x) { return x * x * x; }
  static constexpr auto partials(auto, auto x) { return factors(3_c * x * x); }
};
/// A composite of a composite.
template <class Self> struct same_shape : composite_op<Self> {
  static constexpr void infer(const arguments& x, inference& r) { r.result = x[0]; }
};
struct inner : same_shape<inner> {
  static constexpr const char* name = "mine.inner";
  static constexpr void decompose(auto c) { c.give(emit_words<cube>(nullptr, 0, nullptr, c.operand(0)) + 1_c); }
};
struct outer : same_shape<outer> {
  static constexpr const char* name = "mine.outer";
  static constexpr void decompose(auto c) { c.give(emit_words<inner>(nullptr, 0, nullptr, c.operand(0)) * 2_c); }
};
/// Neither pointwise nor a composite: the user says how the reference executor runs it.
struct reverse : op_base<reverse> {
  static constexpr const char* name = "mine.reverse";
  static constexpr op_kind kind = op_kind::structural;
  static constexpr void infer(const arguments& x, inference& r) { r.result = x[0]; }
};
using all_ops = pack<cube, reverse, ops::add, ops::mul, ops::full>;

}  // namespace mine
template <> struct thunder::reference_rule<mine::reverse> {
  static void run(const reference_call& c, reference_array& out) { out.reals.assign(c[0].reals.rbegin(), c[0].reals.rend()); }
};

TEST_CASE("a user's ops") {
  using body = trace_t<decltype([](auto x) { return make<mine::outer>(make<mine::reverse>(x)); }), arg<double, 3>>::body;
  const std::vector<reference_array> in{array({3}, {1, 2, 3})};
  CHECK(interpret<mine::all_ops>(body::view, in)[0].reals == std::vector<double>{56, 18, 4});
  CHECK_THROWS_WITH_AS(interpret(body::view, in), doctest::Contains("there is no op mine."), error);
}

TEST_CASE("nested calls prefix the names of parameters") {
  constexpr auto leaf = [](auto x) { return x * param<"w", double>() + param<"/root", double>(); };
  constexpr auto middle = [leaf](auto x) { return scope<"a">(leaf)(x) + scope<"b">(leaf)(x); };
  constexpr auto model = [middle](auto x) { return repeat<2, "h">(middle, x); };
  const interpreter<>::parameter_map p{{"h.0.a.w", scalar(2)}, {"h.0.b.w", scalar(3)}, {"h.1.a.w", scalar(5)}, {"h.1.b.w", scalar(7)}, {"root", scalar(0.5)}};
  CHECK(reals<arg<double>>(model, {scalar(1)}, p) == std::vector<double>{(1 * 5 + 1) * 12 + 1});
  auto without = p;
  without.erase("h.1.b.w");
  CHECK_THROWS_WITH_AS(reals<arg<double>>(model, {scalar(1)}, without), "interpret: there is no parameter h.1.b.w", state_error);
}

TEST_CASE("products of named dimensions") {
  constexpr dim B("batch"), T("seq");
  constexpr auto f = [](auto x, auto, auto) { return x + 1_c; };
  auto run_with = [&](std::int64_t n) { return run<arg<double, B * T>, arg<double, B>, arg<double, 2 * T>>(f, {array({n}, wave(n)), array({2}, wave(2)), array({6}, wave(6))}); };
  CHECK(run_with(6)[0].extents == extents{6});
  CHECK_THROWS_WITH_AS(run_with(8), "interpret: dimension 0 of input 0 is 8, and batch*seq is 6", shape_error);
}
