#pragma once
/// What an op is made of. An op is one struct that says everything about itself: its name, the types of its results (`infer`),
/// its reference function (`evaluate`), and its rules. A user's own op is the same struct in the user's namespace.
///
///     struct cube : thunder::pointwise_op<cube> {
///       static constexpr const char* name = "mine.cube";
///       static constexpr auto evaluate(auto x) { return x * x * x; }
///       static constexpr auto partials(auto y, auto x) { return thunder::factors(3_c * x * x); }
///     };
///     constexpr auto cubed(thunder::operand auto x) { return thunder::pointwise<cube>(x); }
#include <bit>
#include <concepts>

#include "../core/math.hpp"
#include "../ir/refuse.hpp"
#include "../ir/value.hpp"

namespace thunder {

// ---- numbers that a type can see
/// A constant of no element type of its own: it takes that of what it meets (bf16 * 0.5_c is bf16).
template <std::int64_t Bits> struct number {
  static constexpr double value = std::bit_cast<double>(Bits);
  constexpr number<std::bit_cast<std::int64_t>(-std::bit_cast<double>(Bits))> operator-() const { return {}; }
  /// Only to say what is wrong with `s = s + x` where s began as 0_c.
  template <class X> constexpr number& operator=(X) {
    if constexpr (!is_invalid<X>) make<refused<mistake::assignment, sizeof(X)>>();
    return *this;
  }
};
constexpr std::int64_t bits_of(double v) { return std::bit_cast<std::int64_t>(v); }
/// constant<2>, constant<-1>, and ratio<1, 3>: numbers from integers.
template <auto V> inline constexpr number<bits_of(static_cast<double>(V))> constant{};
template <std::int64_t P, std::int64_t Q> inline constexpr number<bits_of(static_cast<double>(P) / static_cast<double>(Q))> ratio{};

/// A number that options hold: of an op, a layer, an optimizer. (clang 14 takes no floating-point template argument: it is kept as bits.)
struct setting {
  std::int64_t bits;
  bool spelled = false;
  constexpr setting(double v) : bits(bits_of(v)) {}
  /// Both members: how nvcc spells a setting that is part of a template argument in the code for the host. With one member it would call
  /// the constructor above with the bits.
  constexpr setting(std::int64_t b, bool s) : bits(b), spelled(s) {}
};

/// The square root of x >= 0, by Newton's method: the same bits with every compiler (std::sqrt is no constant with all of them), at most one
/// place from the nearest.
constexpr double square_root(double x) {
  double r = x > 1 ? x : 1;
  for (double next = (r + x / r) / 2; next < r; next = (r + x / r) / 2) r = next;
  return x == 0 ? 0 : r;
}

/// A decimal text; exact for at most 15 digits and powers of ten up to 22 in size (both factors are exact doubles).
constexpr double decimal(const char* s) {
  double m = 0, p = 1;
  int e = 0, x = 0, sign = 1, digits = 0;
  bool dot = false;
  for (; *s && *s != 'e' && *s != 'E'; ++s) {
    if (*s == '.') dot = true;
    else if (*s != '\'') {
      if (*s < '0' || *s > '9') throw "a _c literal is a decimal number, such as 0.5_c or 1e-5_c";
      m = m * 10 + (*s - '0'), digits += m > 0, e -= dot;
    }
  }
  if (*s) {
    ++s;
    if (*s == '-') sign = -1, ++s;
    else if (*s == '+') ++s;
    for (; *s; ++s) x = x * 10 + (*s - '0');
  }
  e += sign * x;
  if (digits > 15 || e < -22 || e > 22) throw "a _c literal holds at most 15 digits and a power of ten from -22 to 22";
  for (int i = 0; i < (e < 0 ? -e : e); ++i) p *= 10;
  return e < 0 ? m / p : m * p;
}
namespace literals {
/// 0.5_c: a constant that a trace can see.
template <char... C> constexpr auto operator""_c() {
  constexpr char text[]{C..., 0};
  return number<bits_of(decimal(text))>{};
}
}  // namespace literals
using namespace literals;

template <std::int64_t B> struct role_of<number<B>> : std::integral_constant<int, role::number> {};
template <> struct role_of<value> : std::integral_constant<int, role::graph_value> {};
template <class X> concept is_number = role_of<X>::value == role::number;
/// What the ops take in user code: an expression or a number that a type can see.
template <class X> concept operand = role_of<X>::value >= role::number;
/// At least one real operand; a plain number beside it is caught with a sentence.
template <class... X> concept operands = ((role_of<X>::value >= role::plain_number) && ...) && (operand<X> || ...);
/// What the same ops take in the rules: values of a graph, and numbers. Their result type is spelled out, because rules call each
/// other in circles.
template <class X> concept graph_value = role_of<X>::value == role::graph_value;
template <class... X> concept graph_operands = (graph_value<X> || ...) && ((graph_value<X> || is_number<X>) && ...);

// Only to say what is wrong with `s += x`.
template <operand A, operand B> constexpr A& operator+=(A& a, B b) { return a = a + b; }
template <operand A, operand B> constexpr A& operator-=(A& a, B b) { return a = a - b; }
template <operand A, operand B> constexpr A& operator*=(A& a, B b) { return a = a * b; }
template <operand A, operand B> constexpr A& operator/=(A& a, B b) { return a = a / b; }

// ---- axes
template <int... I> struct axes_c {};
/// Axes, counted from 0, or from the end with -1: sum(x, axis<0, 1>).
template <int... I> inline constexpr axes_c<I...> axis{};
inline constexpr std::int64_t no_axis = -1, repeated_axis = -2;
/// Axes as a mask; no_axis or repeated_axis where that is the mistake.
template <int... I> constexpr std::int64_t axes_mask(int rank, axes_c<I...>) {
  std::int64_t mask = 0;
  for (int i : {I..., rank}) {
    if (i == rank) break;
    if (i < 0) i += rank;
    if (i < 0 || i >= rank) return no_axis;
    if (mask >> i & 1) return repeated_axis;
    mask |= std::int64_t{1} << i;
  }
  if (((I == rank) || ...)) return no_axis;
  return mask;
}
/// The one axis that is meant, or -1.
constexpr int one_axis(int rank, int i) { return i < 0 ? (i + rank < 0 ? -1 : i + rank) : i < rank ? i : -1; }

// ---- kinds of ops
/// The base of all: nothing special.
template <class Self> struct op_base {
  static constexpr bool has_target = false, in_place = false, is_pointwise = false, is_reduction = false, is_indexed = false;
  static constexpr unsigned autocast = 0;  // a mask of the operands that autocast gives a half type: of products
  static constexpr int cost = 16;  // pointwise and indexed ops: vector instructions for a vector of elements, roughly
  static constexpr bool has_vjp() {
    return requires(vjp_context& c) { Self::vjp(c); };
  }
  static constexpr void (*decompose_rule())(graph&, int, list<int>&) { return nullptr; }
  static constexpr void call_vjp(vjp_context& c) {
    if constexpr (requires { Self::vjp(c); }) Self::vjp(c);
  }
};

/// Which element types a pointwise op takes and gives.
enum class typing : std::uint8_t { arithmetic, floating, comparison, logical, selection };
struct one {};        // partial derivatives that need no product
struct minus_one {};
struct zero {};
template <class... F> struct factor_list;
template <> struct factor_list<> {};
template <class F, class... Rest> struct factor_list<F, Rest...> {
  F first;
  factor_list<Rest...> rest;
};
/// The partial derivatives of a pointwise op, one for each operand.
template <class... F> constexpr factor_list<F...> factors(F... f) {
  if constexpr (sizeof...(F) == 0) return {};
  else return [](auto a, auto... r) { return factor_list<F...>{a, factors(r...)}; }(f...);
}

template <class Self> struct pointwise_op : op_base<Self> {
  static constexpr op_kind kind = op_kind::pointwise;
  static constexpr bool is_pointwise = true;
  static constexpr typing types = typing::floating;

  // (x: [...], ...) -> [...], all of one shape and element type
  static constexpr void infer(const arguments& x, inference& r) {
    constexpr int first = Self::types == typing::selection ? 1 : 0;
    const meta& m = x[first];
    for (int k = 0; k < x.count; ++k) {
      const meta& o = x[k];
      if (&o == &m) continue;  // graphs and expressions hold a type once
      if (o.rank != m.rank) return r.refuse(mistake::shapes_differ, m.rank, o.rank);
      for (int i = 0; i < m.rank; ++i)
        if (!(o.d[i] == m.d[i])) return r.refuse(o.d[i].named() && m.d[i].named() ? mistake::named_dims_differ : mistake::shapes_differ, m.d[i], o.d[i]);
      if (k > first && o.type != m.type) return r.refuse(mistake::dtypes_differ);
    }
    if (Self::types == typing::floating && !is_floating(m.type)) return r.refuse(mistake::needs_floating);
    if (Self::types == typing::arithmetic && m.type == dtype::b8) return r.refuse(mistake::needs_arithmetic);
    if (Self::types == typing::logical && m.type != dtype::b8) return r.refuse(mistake::needs_bool);
    if (Self::types == typing::selection && x[0].type != dtype::b8) return r.refuse(mistake::needs_bool);
    r.result = m;
    if (Self::types == typing::comparison) r.result.type = dtype::b8;
  }

  static constexpr bool has_vjp() {
    return op_base<Self>::has_vjp() || requires(value v) { Self::partials(v, v); } || requires(value v) { Self::partials(v, v, v); };
  }
  static constexpr void call_vjp(vjp_context& c) {
    if constexpr (requires { Self::vjp(c); }) Self::vjp(c);
    else vjp_from_partials(c);
  }

 private:
  template <class V, class F> static constexpr value product(V ct, F f) {
    if constexpr (std::same_as<F, one>) return ct;
    else if constexpr (std::same_as<F, minus_one>) return -ct;
    else return ct * f;
  }
  template <class... F> static constexpr void spread_factors(vjp_context& c, int k, factor_list<F...> f) {
    if constexpr (sizeof...(F) > 0) {
      if constexpr (!std::same_as<decltype(f.first), zero>)
        if (c.wanted[k]) c.contribute(k, product(c.cotangent(), f.first));
      spread_factors(c, k + 1, f.rest);
    }
  }
  static constexpr void vjp_from_partials(vjp_context& c) {
    if constexpr (requires(value v) { Self::partials(v, v); }) spread_factors(c, 0, Self::partials(c.result(), c.operand(0)));
    else if constexpr (requires(value v) { Self::partials(v, v, v); }) spread_factors(c, 0, Self::partials(c.result(), c.operand(0), c.operand(1)));
  }
};

/// A composite: one statement that an executor may claim whole; `decompose(node, x...)` says what it means otherwise.
template <class Self> struct composite_op : op_base<Self> {
  static constexpr op_kind kind = op_kind::composite;
  static constexpr void (*decompose_rule())(graph&, int, list<int>&) { return &decompose_into; }

 private:
  static constexpr void decompose_into(graph& g, int at, list<int>& out) { Self::decompose(decomposition{&g, at, &out}); }

 public:
  struct decomposition {
    graph* g;
    int at;
    list<int>* out;
    constexpr value operand(int k) const { return {g, g->operand(g->nodes[at], k)}; }
    constexpr int operand_count() const { return g->nodes[at].operands; }
    constexpr std::int64_t word(int k) const { return g->word(g->nodes[at], k); }
    constexpr double real(int k) const { return std::bit_cast<double>(word(k)); }
    constexpr meta result_type(int k = 0) const { return g->type(g->nodes[at].result + k); }
    constexpr void give(value v) const { out->push(v.id); }
  };
};

/// The VJP rules of a list of ops. A template, so that a program that asks for none pays for none.
template <class Ops> struct rule_table;
template <class... Op> struct rule_table<pack<Op...>> {
  static constexpr int count = sizeof...(Op);
  static constexpr vjp_rule data[sizeof...(Op) + 1]{{digest_of(Op::name), &Op::call_vjp}..., {0, nullptr}};
};

}  // namespace thunder
