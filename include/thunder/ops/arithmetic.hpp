#pragma once
/// Arithmetic on numbers and integers, and comparisons.
#include "broadcast.hpp"

namespace thunder {

namespace ops {

template <class Self> struct arithmetic_op : pointwise_op<Self> {
  static constexpr typing types = typing::arithmetic;
  static constexpr int cost = 1;
};
template <class Self> struct comparison_op : pointwise_op<Self> {
  static constexpr typing types = typing::comparison;
  static constexpr int cost = 1;
};
template <class Self> struct logical_op : pointwise_op<Self> {
  static constexpr typing types = typing::logical;
  static constexpr int cost = 1;
};

struct add : arithmetic_op<add> {
  static constexpr const char* name = "thunder.add";
  static constexpr auto evaluate(const auto& a, const auto& b) { return a + b; }
  static constexpr auto partials(auto, auto, auto) { return factors(one{}, one{}); }
};
struct sub : arithmetic_op<sub> {
  static constexpr const char* name = "thunder.sub";
  static constexpr auto evaluate(const auto& a, const auto& b) { return a - b; }
  static constexpr auto partials(auto, auto, auto) { return factors(one{}, minus_one{}); }
};
struct mul : arithmetic_op<mul> {
  static constexpr const char* name = "thunder.mul";
  static constexpr auto evaluate(const auto& a, const auto& b) { return a * b; }
  static constexpr auto partials(auto, auto a, auto b) { return factors(b, a); }
};
struct div : arithmetic_op<div> {
  static constexpr const char* name = "thunder.div";
  static constexpr int cost = 4;
  static constexpr auto evaluate(const auto& a, const auto& b) { return a / b; }
  static constexpr void vjp(auto& c) {
    const value q = c.cotangent() / c.operand(1);
    if (c.wanted[0]) c.contribute(0, q);
    if (c.wanted[1]) c.contribute(1, -(q * c.result()));
  }
};
struct neg : arithmetic_op<neg> {
  static constexpr const char* name = "thunder.neg";
  static constexpr auto evaluate(const auto& a) { return -a; }
  static constexpr auto partials(auto, auto) { return factors(minus_one{}); }
};
struct abs : arithmetic_op<abs> {
  static constexpr const char* name = "thunder.abs";
  template <class T> static constexpr T evaluate(const T& a) { return math::select(a < T(0), -a, a); }
  static constexpr auto partials(auto, auto x) { return factors(thunder::sign(x)); }
};
/// -1, 0 or 1; NaN stays NaN.
struct sign : arithmetic_op<sign> {
  static constexpr const char* name = "thunder.sign";
  static constexpr int cost = 4;
  template <class T> static constexpr T evaluate(const T& a) { return math::select(a > T(0), T(1), math::select(a < T(0), T(-1), a)); }
  static constexpr auto partials(auto, auto) { return factors(zero{}); }
};
/// The larger; NaN if either is. Equal operands share the cotangent.
struct maximum : arithmetic_op<maximum> {
  static constexpr const char* name = "thunder.maximum";
  template <class T> static constexpr T evaluate(const T& a, const T& b) { return math::maximum(a, b); }
  static constexpr auto partials(auto, auto a, auto b) { return factors(chosen(a > b, a == b), chosen(b > a, a == b)); }
  static constexpr auto chosen(auto larger, auto equal) { return thunder::where(larger, 1_c, thunder::where(equal, 0.5_c, 0_c)); }
};
struct minimum : arithmetic_op<minimum> {
  static constexpr const char* name = "thunder.minimum";
  template <class T> static constexpr T evaluate(const T& a, const T& b) { return math::minimum(a, b); }
  static constexpr auto partials(auto, auto a, auto b) { return factors(maximum::chosen(a < b, a == b), maximum::chosen(b < a, a == b)); }
};

struct eq : comparison_op<eq> {
  static constexpr const char* name = "thunder.eq";
  static constexpr auto evaluate(const auto& a, const auto& b) { return a == b; }
};
struct ne : comparison_op<ne> {
  static constexpr const char* name = "thunder.ne";
  static constexpr auto evaluate(const auto& a, const auto& b) { return a != b; }
};
struct lt : comparison_op<lt> {
  static constexpr const char* name = "thunder.lt";
  static constexpr auto evaluate(const auto& a, const auto& b) { return a < b; }
};
struct le : comparison_op<le> {
  static constexpr const char* name = "thunder.le";
  static constexpr auto evaluate(const auto& a, const auto& b) { return a <= b; }
};
struct gt : comparison_op<gt> {
  static constexpr const char* name = "thunder.gt";
  static constexpr auto evaluate(const auto& a, const auto& b) { return a > b; }
};
struct ge : comparison_op<ge> {
  static constexpr const char* name = "thunder.ge";
  static constexpr auto evaluate(const auto& a, const auto& b) { return a >= b; }
};
struct logical_and : logical_op<logical_and> {
  static constexpr const char* name = "thunder.logical_and";
  static constexpr auto evaluate(const auto& a, const auto& b) { return a & b; }
};
struct logical_or : logical_op<logical_or> {
  static constexpr const char* name = "thunder.logical_or";
  static constexpr auto evaluate(const auto& a, const auto& b) { return a | b; }
};
struct logical_not : logical_op<logical_not> {
  static constexpr const char* name = "thunder.logical_not";
  static constexpr auto evaluate(const auto& a) { return !a; }
};

/// condition ? a : b
struct where : pointwise_op<where> {
  static constexpr const char* name = "thunder.where";
  static constexpr typing types = typing::selection;
  static constexpr int cost = 1;
  static constexpr auto evaluate(const auto& c, const auto& a, const auto& b) { return math::select(c, a, b); }
  static constexpr void vjp(auto& c) {
    if (c.wanted[1]) c.contribute(1, thunder::where(c.operand(0), c.cotangent(), 0_c));
    if (c.wanted[2]) c.contribute(2, thunder::where(c.operand(0), 0_c, c.cotangent()));
  }
};

}  // namespace ops

template <class A, class B> requires operands<A, B> constexpr auto operator+(A a, B b) { return pointwise<ops::add>(a, b); }
template <class A, class B> requires operands<A, B> constexpr auto operator-(A a, B b) { return pointwise<ops::sub>(a, b); }
template <class A, class B> requires operands<A, B> constexpr auto operator*(A a, B b) { return pointwise<ops::mul>(a, b); }
template <class A, class B> requires operands<A, B> constexpr auto operator/(A a, B b) { return pointwise<ops::div>(a, b); }
template <class A, class B> requires operands<A, B> constexpr auto operator==(A a, B b) { return pointwise<ops::eq>(a, b); }
template <class A, class B> requires operands<A, B> constexpr auto operator!=(A a, B b) { return pointwise<ops::ne>(a, b); }
template <class A, class B> requires operands<A, B> constexpr auto operator<(A a, B b) { return pointwise<ops::lt>(a, b); }
template <class A, class B> requires operands<A, B> constexpr auto operator<=(A a, B b) { return pointwise<ops::le>(a, b); }
template <class A, class B> requires operands<A, B> constexpr auto operator>(A a, B b) { return pointwise<ops::gt>(a, b); }
template <class A, class B> requires operands<A, B> constexpr auto operator>=(A a, B b) { return pointwise<ops::ge>(a, b); }
template <class A, class B> requires operands<A, B> constexpr auto maximum(A a, B b) { return pointwise<ops::maximum>(a, b); }
template <class A, class B> requires operands<A, B> constexpr auto minimum(A a, B b) { return pointwise<ops::minimum>(a, b); }
template <class A, class B> requires operands<A, B> constexpr auto logical_and(A a, B b) { return pointwise<ops::logical_and>(a, b); }
template <class A, class B> requires operands<A, B> constexpr auto logical_or(A a, B b) { return pointwise<ops::logical_or>(a, b); }
template <operand A> requires(!is_number<A>) constexpr auto operator-(A a) { return pointwise<ops::neg>(a); }
template <operand A> constexpr auto operator!(A a) { return pointwise<ops::logical_not>(a); }
template <operand A> constexpr auto abs(A a) { return pointwise<ops::abs>(a); }
template <operand A> constexpr auto sign(A a) { return pointwise<ops::sign>(a); }

// ---- on values of a graph
template <class A, class B> requires graph_operands<A, B> constexpr value operator+(A a, B b) { return graph_pointwise<ops::add>(a, b); }
template <class A, class B> requires graph_operands<A, B> constexpr value operator-(A a, B b) { return graph_pointwise<ops::sub>(a, b); }
template <class A, class B> requires graph_operands<A, B> constexpr value operator*(A a, B b) { return graph_pointwise<ops::mul>(a, b); }
template <class A, class B> requires graph_operands<A, B> constexpr value operator/(A a, B b) { return graph_pointwise<ops::div>(a, b); }
template <class A, class B> requires graph_operands<A, B> constexpr value operator==(A a, B b) { return graph_pointwise<ops::eq>(a, b); }
template <class A, class B> requires graph_operands<A, B> constexpr value operator!=(A a, B b) { return graph_pointwise<ops::ne>(a, b); }
template <class A, class B> requires graph_operands<A, B> constexpr value operator<(A a, B b) { return graph_pointwise<ops::lt>(a, b); }
template <class A, class B> requires graph_operands<A, B> constexpr value operator<=(A a, B b) { return graph_pointwise<ops::le>(a, b); }
template <class A, class B> requires graph_operands<A, B> constexpr value operator>(A a, B b) { return graph_pointwise<ops::gt>(a, b); }
template <class A, class B> requires graph_operands<A, B> constexpr value operator>=(A a, B b) { return graph_pointwise<ops::ge>(a, b); }
template <class A, class B> requires graph_operands<A, B> constexpr value maximum(A a, B b) { return graph_pointwise<ops::maximum>(a, b); }
template <class A, class B> requires graph_operands<A, B> constexpr value minimum(A a, B b) { return graph_pointwise<ops::minimum>(a, b); }
template <class A, class B> requires graph_operands<A, B> constexpr value logical_and(A a, B b) { return graph_pointwise<ops::logical_and>(a, b); }
template <class A, class B> requires graph_operands<A, B> constexpr value logical_or(A a, B b) { return graph_pointwise<ops::logical_or>(a, b); }
template <graph_value X> constexpr value operator-(X x) { return graph_pointwise<ops::neg>(x); }
template <graph_value X> constexpr value operator!(X x) { return graph_pointwise<ops::logical_not>(x); }
template <graph_value X> constexpr value abs(X x) { return graph_pointwise<ops::abs>(x); }
template <graph_value X> constexpr value sign(X x) { return graph_pointwise<ops::sign>(x); }

/// (condition: bool [...], a: [...], b: [...]) -> [...], broadcast together; at most one of a and b is a number.
template <class C, class A, class B> requires operands<C, A, B>
constexpr auto where(C c, A a, B b) {
  if constexpr (role_of<A>::value == role::plain_number || role_of<B>::value == role::plain_number) return make<refused<mistake::plain_number, sizeof(A), sizeof(B)>>();
  else if constexpr (is_invalid<C> || is_invalid<A> || is_invalid<B>) return invalid{};
  else if constexpr (is_number<A> && is_number<B>) return where(c, full_typed<dtype::f32, typename C::shape_type>(a), b);
  else if constexpr (is_number<A>) return where(c, full_typed<number_type<A>(B::element), typename B::shape_type>(a), b);
  else if constexpr (is_number<B>) return where(c, a, full_typed<number_type<B>(A::element), typename A::shape_type>(b));
  else {
    using Both = common_shape<typename A::shape_type, typename B::shape_type>;
    if constexpr (!Both::exists) return make<ops::eq>(a, b);  // infer says what is wrong
    else {
      using To = common_shape<typename C::shape_type, typename Both::shape>;
      if constexpr (!To::exists) return make<ops::where>(c, conform<promote(A::element, B::element), typename Both::shape>(a), conform<promote(A::element, B::element), typename Both::shape>(b));
      else {
        constexpr dtype t = promote(A::element, B::element);
        return make<ops::where>(spread_typed<typename To::shape>(c), conform<t, typename To::shape>(a), conform<t, typename To::shape>(b));
      }
    }
  }
}
template <class A, class B> requires graph_operands<value, A, B> constexpr value where(value c, A a, B b) {
  if constexpr (is_number<A> && is_number<B>) return where(c, full_like(c.g, A::value, c.type().with(dtype::f32)), b);
  else if constexpr (is_number<A>) return where(c, full_like(c.g, A::value, b.type()), b);
  else if constexpr (is_number<B>) return where(c, a, full_like(c.g, B::value, a.type()));
  else {
    meta m;
    if (!broadcast_shapes(a.type(), b.type(), m) || !broadcast_shapes(c.type(), m, m)) throw "a rule made operands that do not broadcast";
    const dtype t = promote(a.type().type, b.type().type);
    return emit_words<ops::where>(nullptr, 0, nullptr, spread_to(c, m), spread_to(cast_to(a, t), m), spread_to(cast_to(b, t), m));
  }
}

}  // namespace thunder
