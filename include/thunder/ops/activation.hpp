#pragma once
/// gelu, silu, softplus and swiglu: activations made of elementary functions.
#include "shape.hpp"

namespace thunder {

namespace ops {

/// x (1 + tanh(u)) / 2 with u = sqrt(2 / pi) (x + 0.044715 x^3), computed as x sigmoid(2u): cheaper, and it keeps its digits where
/// tanh(u) is almost -1.
struct gelu : pointwise_op<gelu> {
  static constexpr const char* name = "thunder.gelu";
  static constexpr auto evaluate(const auto& x) { return math::gelu(x); }
  /// Of a value of a graph, or of a number: executors that multiply by the slope after a product have it from here.
  template <class X> static constexpr X derivative(const X& x) {
    constexpr auto one = like<X>(1_c);
    constexpr auto slope = like<X>(number<bits_of(1.5957691216057308)>{});  // 2u = slope x + cubic x^3
    constexpr auto cubic = like<X>(number<bits_of(0.07135481627260025)>{});
    constexpr auto thrice = like<X>(number<bits_of(0.21406444881780076)>{});
    const X square = x * x, s = math::sigmoid(x * (slope + cubic * square));
    return s * (one + x * (one - s) * (slope + thrice * square));
  }
  static constexpr auto partials(auto, auto x) { return factors(derivative(x)); }

 private:
  template <class X, std::int64_t Bits> static constexpr auto like(number<Bits> c) {
    if constexpr (std::same_as<X, value>) return c;
    else return X(c.value);
  }
};

/// (x: floating [...]) -> [...]. Self::of(x) is the function, Self::derivative(y, x) its derivative, made of the same statements.
template <class Self> struct activation_op : composite_op<Self> {
  static constexpr void infer(const arguments& x, inference& r) {
    if (!is_floating(x[0].type)) return r.refuse(mistake::needs_floating);
    r.result = x[0];
  }
  static constexpr void decompose(auto c) { c.give(Self::of(c.operand(0))); }
  static constexpr void vjp(auto& c) { c.contribute(0, c.cotangent() * Self::derivative(c.result(), c.operand(0))); }
};
/// x (1 + erf(x / sqrt(2))) / 2
struct gelu_exact : activation_op<gelu_exact> {
  static constexpr const char* name = "thunder.gelu_exact";
  static constexpr value inner(auto x) { return 0.5_c * (1_c + thunder::erf(number<bits_of(0.7071067811865476)>{} * x)); }
  static constexpr value of(auto x) { return x * inner(x); }
  static constexpr value derivative(auto, auto x) {
    return inner(x) + x * (number<bits_of(0.3989422804014327)>{} * thunder::exp(-0.5_c * (x * x)));  // 1 / sqrt(2 pi)
  }
};
/// x sigmoid(x)
struct silu : activation_op<silu> {
  static constexpr const char* name = "thunder.silu";
  static constexpr value of(auto x) { return x * thunder::sigmoid(x); }
  static constexpr value derivative(auto y, auto x) {
    const value s = thunder::sigmoid(x);
    return s + y * (1_c - s);
  }
};
/// log(1 + exp(x))
struct softplus : activation_op<softplus> {
  static constexpr const char* name = "thunder.softplus";
  static constexpr value of(auto x) { return thunder::maximum(x, 0_c) + thunder::log1p(thunder::exp(-thunder::abs(x))); }
  static constexpr value derivative(auto, auto x) { return thunder::sigmoid(x); }
};

/// (gate: floating [...], x: [...]) -> [...]: silu(gate) x
struct swiglu : composite_op<swiglu> {
  static constexpr const char* name = "thunder.swiglu";
  static constexpr void infer(const arguments& x, inference& r) {
    if (!is_floating(x[0].type)) return r.refuse(mistake::needs_floating);
    if (x[0].type != x[1].type) return r.refuse(mistake::dtypes_differ);
    for (int i = 0; i < x[0].rank && x[0].rank == x[1].rank; ++i)
      if (!(x[0].d[i] == x[1].d[i])) return r.refuse(mistake::shapes_differ, x[0].d[i], x[1].d[i]);
    if (x[0].rank != x[1].rank) return r.refuse(mistake::shapes_differ, x[0].rank, x[1].rank);
    r.result = x[0];
  }
  static constexpr void decompose(auto c) { c.give(silu::of(c.operand(0)) * c.operand(1)); }
  static constexpr void vjp(auto& c) {
    const value gate = c.operand(0), y = silu::of(gate), ct = c.cotangent();
    if (c.wanted[0]) c.contribute(0, ct * c.operand(1) * silu::derivative(y, gate));
    if (c.wanted[1]) c.contribute(1, ct * y);
  }
};

}  // namespace ops

/// The Gaussian error linear unit in its tanh form, as in GPT-2. (x: floating [...]) -> [...]
template <operand X> constexpr auto gelu(X x) { return pointwise<ops::gelu>(x); }
/// The Gaussian error linear unit by the error function. (x: floating [...]) -> [...]
template <typed X> constexpr auto gelu_exact(X x) { return make<ops::gelu_exact>(x); }
/// x sigmoid(x), also called swish. (x: floating [...]) -> [...]
template <typed X> constexpr auto silu(X x) { return make<ops::silu>(x); }
/// log(1 + exp(x)), without overflow. (x: floating [...]) -> [...]
template <typed X> constexpr auto softplus(X x) { return make<ops::softplus>(x); }
/// silu(gate) x: the gated linear unit of Llama's MLP (Shazeer 2020), swiglu(matmul(x, w), matmul(x, v)).
/// (gate: floating [...], x: [...]) -> [...], equal shapes and element types
template <typed G, typed X> constexpr auto swiglu(G gate, X x) { return make<ops::swiglu>(gate, x); }

// ---- on values of a graph
template <graph_value X> constexpr value gelu(X x) { return graph_pointwise<ops::gelu>(x); }

}  // namespace thunder
