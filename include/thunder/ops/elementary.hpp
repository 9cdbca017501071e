#pragma once
/// Elementary functions of floating-point numbers.
#include "arithmetic.hpp"

namespace thunder {

namespace ops {

struct exp : pointwise_op<exp> {
  static constexpr const char* name = "thunder.exp";
  static constexpr auto evaluate(const auto& x) { return math::exp(x); }
  static constexpr auto partials(auto y, auto) { return factors(y); }
};
struct expm1 : pointwise_op<expm1> {
  static constexpr const char* name = "thunder.expm1";
  static constexpr auto evaluate(const auto& x) { return math::expm1(x); }
  static constexpr auto partials(auto y, auto) { return factors(y + 1_c); }
};
struct log : pointwise_op<log> {
  static constexpr const char* name = "thunder.log";
  static constexpr auto evaluate(const auto& x) { return math::log(x); }
  static constexpr auto partials(auto, auto x) { return factors(1_c / x); }
};
struct log1p : pointwise_op<log1p> {
  static constexpr const char* name = "thunder.log1p";
  static constexpr auto evaluate(const auto& x) { return math::log1p(x); }
  static constexpr auto partials(auto, auto x) { return factors(1_c / (x + 1_c)); }
};
struct sqrt : pointwise_op<sqrt> {
  static constexpr const char* name = "thunder.sqrt";
  static constexpr int cost = 4;
  static constexpr auto evaluate(const auto& x) { return math::sqrt(x); }
  static constexpr auto partials(auto y, auto) { return factors(0.5_c / y); }
};
/// 1 / sqrt(x)
struct rsqrt : pointwise_op<rsqrt> {
  static constexpr const char* name = "thunder.rsqrt";
  static constexpr int cost = 4;
  static constexpr auto evaluate(const auto& x) { return math::rsqrt(x); }
  static constexpr auto partials(auto y, auto) { return factors(-0.5_c * (y * y * y)); }
};
struct sin : pointwise_op<sin> {
  static constexpr const char* name = "thunder.sin";
  static constexpr auto evaluate(const auto& x) { return math::sin(x); }
  static constexpr auto partials(auto, auto x) { return factors(thunder::cos(x)); }
};
struct cos : pointwise_op<cos> {
  static constexpr const char* name = "thunder.cos";
  static constexpr auto evaluate(const auto& x) { return math::cos(x); }
  static constexpr auto partials(auto, auto x) { return factors(-thunder::sin(x)); }
};
struct tanh : pointwise_op<tanh> {
  static constexpr const char* name = "thunder.tanh";
  static constexpr auto evaluate(const auto& x) { return math::tanh(x); }
  static constexpr auto partials(auto y, auto) { return factors(1_c - y * y); }
};
/// 1 / (1 + exp(-x))
struct sigmoid : pointwise_op<sigmoid> {
  static constexpr const char* name = "thunder.sigmoid";
  static constexpr auto evaluate(const auto& x) { return math::sigmoid(x); }
  static constexpr auto partials(auto y, auto) { return factors(y * (1_c - y)); }
};
struct erf : pointwise_op<erf> {
  static constexpr const char* name = "thunder.erf";
  static constexpr auto evaluate(const auto& x) { return math::erf(x); }
  static constexpr auto partials(auto, auto x) { return factors(number<bits_of(1.1283791670955126)>{} * thunder::exp(-(x * x))); }  // 2 / sqrt(pi)
};
/// max(x, 0); its derivative at 0 is 0.
struct relu : pointwise_op<relu> {
  static constexpr const char* name = "thunder.relu";
  static constexpr int cost = 1;
  template <class T> static constexpr T evaluate(const T& x) { return math::maximum(x, T(0)); }
  static constexpr void vjp(auto& c) { c.contribute(0, thunder::where(c.result() > 0_c, c.cotangent(), 0_c)); }
};
/// a to the power b. The derivative by b is 0 where a = 0.
struct pow : pointwise_op<pow> {
  static constexpr const char* name = "thunder.pow";
  static constexpr auto evaluate(const auto& a, const auto& b) { return math::pow(a, b); }
  static constexpr void vjp(auto& c) {
    const value a = c.operand(0), b = c.operand(1), ct = c.cotangent();
    if (c.wanted[0]) c.contribute(0, ct * b * thunder::pow(a, b - 1_c));
    if (c.wanted[1]) c.contribute(1, thunder::where(a == 0_c, 0_c, ct * c.result() * thunder::log(a)));
  }
};

template <class Self> struct step_op : pointwise_op<Self> {  // derivative 0 almost everywhere
  static constexpr int cost = 4;
  static constexpr auto partials(auto, auto) { return factors(zero{}); }
};
struct floor : step_op<floor> {
  static constexpr const char* name = "thunder.floor";
  static constexpr auto evaluate(const auto& x) { return math::floor(x); }
};
struct ceil : step_op<ceil> {
  static constexpr const char* name = "thunder.ceil";
  static constexpr auto evaluate(const auto& x) { return math::ceil(x); }
};
struct trunc : step_op<trunc> {
  static constexpr const char* name = "thunder.trunc";
  static constexpr auto evaluate(const auto& x) { return math::trunc(x); }
};
/// To the nearest integer, ties to even.
struct round : step_op<round> {
  static constexpr const char* name = "thunder.round";
  static constexpr auto evaluate(const auto& x) { return math::round(x); }
};
/// x, through which no cotangent passes.
struct stop_gradient : step_op<stop_gradient> {
  static constexpr const char* name = "thunder.stop_gradient";
  static constexpr int cost = 1;
  static constexpr typing types = typing::arithmetic;
  static constexpr auto evaluate(const auto& x) { return x; }
};

}  // namespace ops

template <operand X> constexpr auto exp(X x) { return pointwise<ops::exp>(x); }
template <operand X> constexpr auto expm1(X x) { return pointwise<ops::expm1>(x); }
template <operand X> constexpr auto log(X x) { return pointwise<ops::log>(x); }
template <operand X> constexpr auto log1p(X x) { return pointwise<ops::log1p>(x); }
template <operand X> constexpr auto sqrt(X x) { return pointwise<ops::sqrt>(x); }
template <operand X> constexpr auto rsqrt(X x) { return pointwise<ops::rsqrt>(x); }
template <operand X> constexpr auto sin(X x) { return pointwise<ops::sin>(x); }
template <operand X> constexpr auto cos(X x) { return pointwise<ops::cos>(x); }
template <operand X> constexpr auto tanh(X x) { return pointwise<ops::tanh>(x); }
template <operand X> constexpr auto sigmoid(X x) { return pointwise<ops::sigmoid>(x); }
template <operand X> constexpr auto erf(X x) { return pointwise<ops::erf>(x); }
template <operand X> constexpr auto relu(X x) { return pointwise<ops::relu>(x); }
template <operand X> constexpr auto floor(X x) { return pointwise<ops::floor>(x); }
template <operand X> constexpr auto ceil(X x) { return pointwise<ops::ceil>(x); }
template <operand X> constexpr auto trunc(X x) { return pointwise<ops::trunc>(x); }
template <operand X> constexpr auto round(X x) { return pointwise<ops::round>(x); }
template <operand X> constexpr auto stop_gradient(X x) { return pointwise<ops::stop_gradient>(x); }
template <operand X> constexpr auto square(X x) { return x * x; }
template <class A, class B> requires operands<A, B> constexpr auto pow(A a, B b) { return pointwise<ops::pow>(a, b); }

// ---- on values of a graph
template <graph_value X> constexpr value exp(X x) { return graph_pointwise<ops::exp>(x); }
template <graph_value X> constexpr value expm1(X x) { return graph_pointwise<ops::expm1>(x); }
template <graph_value X> constexpr value log(X x) { return graph_pointwise<ops::log>(x); }
template <graph_value X> constexpr value log1p(X x) { return graph_pointwise<ops::log1p>(x); }
template <graph_value X> constexpr value sqrt(X x) { return graph_pointwise<ops::sqrt>(x); }
template <graph_value X> constexpr value rsqrt(X x) { return graph_pointwise<ops::rsqrt>(x); }
template <graph_value X> constexpr value sin(X x) { return graph_pointwise<ops::sin>(x); }
template <graph_value X> constexpr value cos(X x) { return graph_pointwise<ops::cos>(x); }
template <graph_value X> constexpr value tanh(X x) { return graph_pointwise<ops::tanh>(x); }
template <graph_value X> constexpr value sigmoid(X x) { return graph_pointwise<ops::sigmoid>(x); }
template <graph_value X> constexpr value erf(X x) { return graph_pointwise<ops::erf>(x); }
template <graph_value X> constexpr value relu(X x) { return graph_pointwise<ops::relu>(x); }
template <graph_value X> constexpr value floor(X x) { return graph_pointwise<ops::floor>(x); }
template <graph_value X> constexpr value ceil(X x) { return graph_pointwise<ops::ceil>(x); }
template <graph_value X> constexpr value trunc(X x) { return graph_pointwise<ops::trunc>(x); }
template <graph_value X> constexpr value round(X x) { return graph_pointwise<ops::round>(x); }
template <graph_value X> constexpr value stop_gradient(X x) { return graph_pointwise<ops::stop_gradient>(x); }
template <class A, class B> requires graph_operands<A, B> constexpr value pow(A a, B b) { return graph_pointwise<ops::pow>(a, b); }

}  // namespace thunder
