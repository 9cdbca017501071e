#pragma once
// Random well-typed graphs for property tests: small shapes, tame numbers (every value stays within a few units), every kind of op.
// All of it follows from a seed.
#include <thunder/executors/reference.hpp>
#include <thunder/ir/leaves.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace random_graphs {

using namespace thunder;

struct options {
  int statements = 10;              // choices of an op, each a few statements
  bool random_ops = true;           // draws from a key
  bool composites = true;
  dtype type = dtype::f64;          // of the inputs
};
/// A graph of rank-0 first result (a loss) and further results, with inputs for it.
struct sample {
  graph g;
  std::vector<reference_array> inputs;
  std::vector<std::string> log;     // what the generator chose
};

class generator {
 public:
  generator(std::uint64_t seed, options o) : random_(seed), options_(o) {}

  sample make() {
    const int floats = 1 + below(3);
    for (int k = 0; k < floats; ++k) {
      const meta m = random_shape();
      add_input(m, [&] { return uniform(-2, 2); });
      pool_.push_back({formal(m), 2});
    }
    const meta index = random_shape(2, 6).with(below(2) ? dtype::i64 : dtype::i32);
    add_input(index, [&] { return static_cast<double>(below(7) - 1); });  // sometimes outside of what is indexed
    index_ = formal(index);
    if (options_.random_ops) {
      add_input({dtype::i64, 0, {}}, [&] { return static_cast<double>(below(1 << 20)); });
      key_ = formal({dtype::i64, 0, {}});
    }
    s_.g.input_count = static_cast<int>(s_.inputs.size());
    for (int k = 0; k < options_.statements; ++k) step();
    finish();
    return std::move(s_);
  }

 private:
  struct entry {
    value v;
    double bound;  // of the absolute value
  };

  // ---- chance
  int below(int n) { return static_cast<int>(random_() % static_cast<std::uint64_t>(n)); }
  double uniform(double low, double high) { return low + (high - low) * static_cast<double>(random_() >> 11) * 0x1p-53; }
  /// Sizes 1 to 5, ranks 0 to 4, at most `most` elements.
  meta random_shape(int max_rank_wanted = 4, std::int64_t most = 60) {
    meta m{options_.type, below(max_rank_wanted + 1), {}};
    std::int64_t n = 1;
    for (int i = 0; i < m.rank; ++i) {
      const auto room = static_cast<int>(std::min<std::int64_t>(5, most / n));
      m.d[i] = dim(1 + below(std::max(room, 1)));
      n *= m.d[i].size;
    }
    return m;
  }
  entry pick() {  // often a late one, so that graphs are deep
    const int n = static_cast<int>(pool_.size());
    return pool_[static_cast<std::size_t>(std::max(0, n - 1 - below(below(2) ? 3 : n)))];
  }
  /// A value that p holds of, or none.
  template <class P> bool pick_where(P p, entry& e) {
    for (int k = 0; k < 8; ++k) {
      e = pick();
      if (p(e.v.type())) return true;
    }
    return false;
  }

  // ---- building
  value formal(const meta& m) {
    const std::int64_t w = formals_++;
    const int t = s_.g.intern(m);
    return {&s_.g, s_.g.put(table_of<ops::formal>(), &w, 1, nullptr, 0, &t, 1)};
  }
  template <class F> void add_input(const meta& m, F f) {
    std::vector<std::int64_t> e;
    for (int i = 0; i < m.rank; ++i) e.push_back(m.d[i].size);
    reference_array x(m.type, e);
    for (auto& v : x.reals) v = f();
    for (auto& v : x.integers) v = static_cast<std::int64_t>(f());
    s_.inputs.push_back(x);
  }
  value constant_like(double v, value x) { return full_like(&s_.g, v, x.type()); }
  /// Adds a value to the pool; one that may be large is made small.
  void keep(const char* name, value v, double bound) {
    s_.log.push_back(name);
    if (bound > 3) {
      const double c = 1.5 / bound;
      switch (below(4)) {
        case 0: v = sin(v), bound = 1; break;
        case 1: v = tanh(v * constant_like(2 * c, v)), bound = 1; break;
        case 2: v = sigmoid(v), bound = 1; break;
        default: v = v * constant_like(c, v), bound = 1.5;
      }
    }
    pool_.push_back({v, bound});
  }
  static std::int64_t elements(const meta& m) { return m.count().size; }
  std::int64_t some_axes(const meta& m) { return m.rank == 0 ? 0 : (below(4) == 0 ? all_axes(m.rank) : std::int64_t{1} << below(m.rank) | std::int64_t{1} << below(m.rank)); }
  static std::int64_t count_of(const meta& m, std::int64_t axes) {
    std::int64_t n = 1;
    for (int i = 0; i < m.rank; ++i)
      if (axes >> i & 1) n *= m.d[i].size;
    return n;
  }
  /// A second operand for a pointwise op with x: of any shape that broadcasts with it.
  entry partner(const entry& x) {
    entry e;
    if (pick_where([&](const meta& m) { meta r; return broadcast_shapes(x.v.type(), m, r) && elements(r) <= 120; }, e)) return e;
    return {x.v * constant_like(0.7, x.v) + constant_like(0.2, x.v), x.bound};
  }
  value positive(value x) { return x * x + constant_like(0.5, x); }
  value emit_axes(const op_info* op, value x, std::int64_t axes) { return {&s_.g, s_.g.emit(op, &axes, 1, &x.id, 1)}; }
  template <class Op> value composite(std::initializer_list<value> x, std::initializer_list<std::int64_t> w = {}) {
    std::vector<int> ids;
    for (auto v : x) ids.push_back(v.id);
    return emit<Op>(&s_.g, w.begin(), static_cast<int>(w.size()), ids.data(), static_cast<int>(ids.size()));
  }
  /// x along a shape with another last extents, or as is: a matrix of rank 2 and more.
  value with_rank(value x, int rank) {
    meta m = x.type();
    if (m.rank >= rank) return x;
    meta to{m.type, rank, {}};
    for (int i = 0; i < rank; ++i) to.d[i] = i < rank - m.rank ? dim(1) : m.d[i - (rank - m.rank)];
    return reshape_to(x, to);
  }
  /// A value of a shape, from what the pool holds: its elements repeated or cut.
  value shaped(value x, const meta& to) {
    const std::int64_t n = elements(x.type()), want = elements(to);
    meta flat{to.type, 1, {}};
    flat.d[0] = dim(n);
    value y = reshape_to(x, flat);
    if (n < want) {
      meta rows{to.type, 2, {}};
      rows.d[0] = dim((want + n - 1) / n), rows.d[1] = dim(n);
      flat.d[0] = dim(rows.d[0].size * n);
      y = reshape_to(broadcast_to(y, rows, 0b10), flat);
    }
    if (flat.d[0].size > want) {
      const std::int64_t w[]{0, want, 1};
      y = emit_words<ops::slice>(w, 3, nullptr, y);
    }
    return reshape_to(y, to);
  }

  // ---- one choice
  void step() {
    const entry e = pick();
    const value x = e.v;
    const double b = e.bound;
    const int choice = below(options_.composites ? 40 : 26);
    switch (choice) {
      case 0: { const entry f = partner(e); return keep("add", x + f.v, b + f.bound); }
      case 1: { const entry f = partner(e); return keep("sub", x - f.v, b + f.bound); }
      case 2: { const entry f = partner(e); return keep("mul", x * f.v, b * f.bound); }
      case 3: { const entry f = partner(e); return keep("div", x / positive(f.v), 2 * b); }
      case 4: { const entry f = partner(e); return keep("maximum", below(2) ? maximum(x, f.v) : minimum(x, f.v), std::max(b, f.bound)); }
      case 5: return unary(e);
      case 6: return unary(e);
      case 7: return unary(e);
      case 8: { const entry f = partner(e); return keep("where", where(x > f.v, x * constant_like(0.5, x), f.v), std::max(b, f.bound)); }
      case 9: {
        const entry f = partner(e);
        const value low = x < f.v, high = x <= f.v, c = below(2) ? logical_and(low, !high) : logical_or(low, high);
        return keep("logic", where(c, 0.5_c, x), std::max(b, 1.0));
      }
      case 10: { const std::int64_t a = some_axes(x.type()); return keep("sum", sum(x, a), b * static_cast<double>(count_of(x.type(), a))); }
      case 11: { const std::int64_t a = some_axes(x.type()); return keep("mean", mean(x, a), b); }
      case 12: { const std::int64_t a = some_axes(x.type()); return keep("max", a && below(2) ? emit_axes(table_of<ops::min>(), x, a) : max(x, a), b); }
      case 13: return reshape(e);
      case 14: return transpose(e);
      case 15: return slice(e);
      case 16: return pad(e);
      case 17: return concatenate(e);
      case 18: return expand_new_axis(e);
      case 19: return product(e);
      case 20: return below(2) ? product(e) : scan(e);
      case 21: return take(e);
      case 22: return scatter(e);
      case 23: return cast(e);
      case 24: {
        const entry f = partner(e);
        return keep("pow", pow(positive(x), below(2) ? f.v : constant_like(1.5, f.v)), std::pow(std::max(2.0, b * b + 0.5), std::max(f.bound, 1.5)));
      }
      case 25:
        if (!options_.random_ops) return unary(e);
        return keep("uniform", x * uniform_like(key_, x.type().with(below(2) ? dtype::f64 : dtype::f32)), b);
      default: return neural(e, choice - 26);
    }
  }
  void scan(const entry& e) {
    const meta m = e.v.type();
    if (m.rank == 0) return unary(e);
    const int axis = below(m.rank);
    const bool reverse = below(2) == 1;
    if (below(2)) keep("cumsum", ops::cumsum::along(e.v, axis, reverse), e.bound * static_cast<double>(count_of(m, std::int64_t{1} << axis)));
    else keep("cumprod", ops::cumprod::along(sin(e.v), axis, reverse), 1);
  }
  void unary(const entry& e) {
    const value x = e.v;
    const double b = e.bound;
    switch (below(19)) {
      case 0: return keep("neg", -x, b);
      case 1: return keep("exp", exp(x), std::exp(b));
      case 2: return keep("expm1", expm1(x), std::exp(b));
      case 3: return keep("log", log(positive(x)), std::log(b * b + 2));
      case 4: return keep("log1p", log1p(positive(x)), std::log(b * b + 2));
      case 5: return keep("sqrt", sqrt(positive(x)), b + 1);
      case 6: return keep("rsqrt", rsqrt(positive(x)), 1.5);
      case 7: return keep("sin", sin(x), 1);
      case 8: return keep("cos", cos(x), 1);
      case 9: return keep("tanh", tanh(x), 1);
      case 10: return keep("sigmoid", sigmoid(x), 1);
      case 11: return keep("erf", erf(x), 1);
      case 12: return keep("relu", relu(x), b);
      case 13: return keep("abs", abs(x), b);
      case 14: return keep("sign", x + sign(x), b + 1);
      case 15: return keep("floor", below(2) ? x - floor(x) : ceil(x) * x, b * b + 1);
      case 16: return keep("round", below(2) ? x * round(x) : trunc(x) + x, b * b + b + 1);
      case 17: return keep("square", x * x, b * b);
      default: return keep("product with a constant", 0.75_c * x - 0.25_c, b + 1);
    }
  }
  void reshape(const entry& e) {
    const meta m = e.v.type();
    std::int64_t n = elements(m);
    meta to{m.type, 0, {}};
    while (n > 1 && to.rank < 3) {
      std::int64_t f = 1 + below(static_cast<int>(n));
      while (n % f) --f;
      to.d[to.rank++] = dim(f), n /= f;
    }
    if (n > 1 || below(4) == 0) to.d[to.rank++] = dim(n);
    keep("reshape", reshape_to(e.v, to), e.bound);
  }
  void transpose(const entry& e) {
    const int rank = e.v.type().rank;
    std::int64_t w[max_rank]{0, 1, 2, 3, 4, 5};
    std::shuffle(w, w + rank, random_);
    keep("transpose", emit_words<ops::transpose>(w, rank, nullptr, e.v), e.bound);
  }
  void slice(const entry& e) {
    const meta m = e.v.type();
    std::int64_t w[3 * max_rank]{};
    for (int i = 0; i < m.rank; ++i) {
      const int n = static_cast<int>(m.d[i].size), begin = below(n), end = begin + 1 + below(n - begin);
      const bool whole = below(3) == 0;
      w[i] = whole ? 0 : begin, w[m.rank + i] = whole || (end == n && below(2)) ? -1 : end, w[2 * m.rank + i] = whole ? 1 : 1 + below(3);
    }
    keep("slice", emit_words<ops::slice>(w, 3 * m.rank, nullptr, e.v), e.bound);
  }
  void pad(const entry& e) {
    const meta m = e.v.type();
    if (m.rank == 0) return;
    std::int64_t w[3 * max_rank]{};
    const int i = below(m.rank);
    w[i] = below(3), w[m.rank + i] = below(3), w[2 * m.rank + i] = below(2);
    if (elements(m) > 60) return;
    keep("pad", emit_words<ops::pad>(w, 3 * m.rank, nullptr, e.v), e.bound);
  }
  void concatenate(const entry& e) {
    const meta m = e.v.type();
    if (m.rank == 0 || elements(m) > 60) return;
    const int axis = below(m.rank);
    meta other = m;
    other.d[axis] = dim(1 + below(2));
    const entry f = pick();
    const std::int64_t w = axis;
    const value y = shaped(f.v, other);
    const value r = below(3) ? emit_words<ops::concatenate>(&w, 1, nullptr, e.v, y) : emit_words<ops::concatenate>(&w, 1, nullptr, y, e.v, y);
    keep("concatenate", r, std::max(e.bound, f.bound));
  }
  void expand_new_axis(const entry& e) {
    const meta m = e.v.type();
    if (m.rank > 3 || elements(m) > 40) return;
    const int axis = below(m.rank + 1);
    meta to{m.type, 0, {}};
    for (int i = 0; i <= m.rank; ++i) to.d[to.rank++] = i == axis ? dim(1 + below(3)) : m.d[i < axis ? i : i - 1];
    keep("broadcast", expand(e.v, std::int64_t{1} << axis, to), e.bound);
  }
  void product(const entry& e) {
    const value x = with_rank(e.v, 2);
    const meta m = x.type();
    const int rank = m.rank;
    const bool shared = rank > 2 && below(2), tx = !shared && below(2), ty = below(2);
    const dim inner = m.d[rank - (tx ? 2 : 1)], columns = dim(1 + below(4));
    meta n{m.type, 0, {}};
    if (!shared)
      for (int i = 0; i < rank - 2; ++i) n.d[n.rank++] = m.d[i];
    n.d[n.rank++] = ty ? columns : inner, n.d[n.rank++] = ty ? inner : columns;
    const entry f = pick();
    const std::int64_t w[]{tx, ty};
    keep("matmul", emit_words<ops::matmul>(w, 2, nullptr, x, shaped(f.v, n)), e.bound * f.bound * static_cast<double>(inner.size));
  }
  void take(const entry& e) {
    const value x = with_rank(e.v, 1);
    if (elements(x.type()) > 40 || x.type().rank - 1 + index_.type().rank > max_rank) return;
    keep("take", emit_words<ops::take>(nullptr, 0, nullptr, x, index_), e.bound);
  }
  void scatter(const entry& e) {
    meta rows = index_.type().with(e.v.type().type), to{rows.type, 1, {}};
    to.d[0] = dim(1 + below(5));
    if (below(2)) rows.d[rows.rank++] = dim(1 + below(3)), to.d[to.rank++] = rows.d[rows.rank - 1];
    keep("scatter_add", emit_words<ops::scatter_add>(nullptr, 0, &to, index_, shaped(e.v, rows)), e.bound * 6);
  }
  void cast(const entry& e) {
    switch (below(3)) {
      case 0: return keep("cast of bool", e.v * cast_to(e.v > 0.1_c, e.v.type().type), e.bound);
      case 1: return keep("cast through f32", cast_to(cast_to(e.v, dtype::f32) * constant_like(0.5, cast_to(e.v, dtype::f32)), e.v.type().type), e.bound);
      default: return keep("cast of an integer", e.v * sin(cast_to(cast_to(e.v * 3_c, dtype::i32) + cast_to(e.v, dtype::i32), e.v.type().type)), e.bound);
    }
  }
  void neural(const entry& e, int choice) {
    const value x = with_rank(e.v, 1);
    const meta m = x.type();
    const std::int64_t a = std::max<std::int64_t>(some_axes(m), 1);
    const auto n = static_cast<double>(count_of(m, a));
    const double b = e.bound;
    meta row{m.type, 1, {}};
    row.d[0] = m.d[m.rank - 1];
    switch (choice) {
      case 0: return keep("softmax", composite<ops::softmax>({x}, {a}), 1);
      case 1: return keep("log_softmax", composite<ops::log_softmax>({x}, {a}), 2 * b + std::log(n));
      case 2: return keep("logsumexp", composite<ops::logsumexp>({x}, {a}), b + std::log(n));
      case 3: return keep("var", composite<ops::var>({x}, {a}), 4 * b * b);
      case 4: return keep("mean", composite<ops::mean>({x}, {a}), b);
      case 5:
      case 6: {
        const entry g = pick(), h = pick();
        return keep("layer_norm", composite<ops::layer_norm>({x, shaped(g.v, row), shaped(h.v, row)}, {bits_of(0.1)}), std::sqrt(n) * g.bound + h.bound + 2);
      }
      case 7: {
        const entry g = pick();
        return keep("rms_norm", composite<ops::rms_norm>({x, shaped(g.v, row)}, {bits_of(0.1)}), std::sqrt(n) * g.bound + 2);
      }
      case 8: return keep("gelu", gelu(x), b);
      case 9: return keep("gelu_exact", composite<ops::gelu_exact>({x}), b);
      case 10: return keep("silu", composite<ops::silu>({x}), b);
      case 11: return keep("softplus", composite<ops::softplus>({x}), b + 1);
      case 12: {
        const meta i = index_.type();
        meta l = i.with(m.type);
        l.d[l.rank++] = dim(5);
        const value labels = minimum(maximum(index_, 0_c), 4_c);
        return keep("cross_entropy_rows", composite<ops::cross_entropy_rows>({shaped(x, l), labels}), 2 * b + 2);
      }
      default:
        if (!options_.random_ops) return unary(e);
        return keep("dropout", composite<ops::dropout>({x, composite<ops::fold_in>({key_, full_like(&s_.g, below(5), {dtype::i64, 0, {}})})}, {bits_of(0.3)}), 2 * b);
    }
  }

  /// The loss: the last values and one earlier, each with different weights for its elements.
  void finish() {
    value loss{&s_.g, -1};
    std::vector<entry> ends(pool_.end() - std::min<std::ptrdiff_t>(3, static_cast<std::ptrdiff_t>(pool_.size())), pool_.end());
    ends.push_back(pick());
    for (const auto& e : ends) {
      const meta m = e.v.type();
      meta flat{m.type, 1, {}};
      flat.d[0] = m.count();
      const value w = sin(iota_like(&s_.g, flat, 0) * constant_like(1.3, reshape_to(e.v, flat)) + constant_like(0.4, reshape_to(e.v, flat)));
      const value term = sum(reshape_to(e.v, flat) * w, 1);
      loss = loss.exists() ? loss + term : term;
    }
    s_.g.outputs.push(loss.id);
    for (const auto& e : ends) s_.g.outputs.push(e.v.id);
  }

  std::mt19937_64 random_;
  options options_;
  sample s_;
  std::vector<entry> pool_;
  value index_, key_;
  int formals_ = 0;
};

/// The graph's values hold a pointer to the graph that they were made in; only ids remain meaningful in the sample.
inline sample make(std::uint64_t seed, options o = {}) { return generator(seed, o).make(); }

/// A graph as text, one statement a line.
inline std::string text(const graph_view& g) {
  std::string r;
  for (int i = 0; i < g.node_count; ++i) {
    const node& n = g.nodes[i];
    r += "  %" + std::to_string(n.result) + " = " + n.op->name + "(";
    for (int k = 0; k < n.operands; ++k) r += (k ? ", %" : "%") + std::to_string(g.operand(n, k));
    r += ") <";
    for (int k = 0; k < n.words; ++k) r += (k ? ", " : "") + std::to_string(g.word(n, k));
    const meta& m = g.type(n.result);
    r += std::string(">  ") + name_of(m.type) + "[";
    for (int d = 0; d < m.rank; ++d) r += std::string(d ? ", " : "") + spelled(m.d[d]).text;
    r += "]\n";
  }
  r += "  results:";
  for (int k = 0; k < g.output_count; ++k) r += " %" + std::to_string(g.outputs[k]);
  return r + "\n";
}

/// How many graphs a property test takes: THUNDER_GRAPHS, or 10,000.
inline int count() {
  const char* s = std::getenv("THUNDER_GRAPHS");
  return s ? std::atoi(s) : 10000;
}

}  // namespace random_graphs
