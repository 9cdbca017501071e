// simplify: every identity by itself, and random graphs (THUNDER_GRAPHS of them, 10,000 by default) before and after.
#include "random_graphs.hpp"

#include <thunder/ir/print.hpp>
#include <thunder/ir/verify.hpp>
#include <thunder/transforms/simplify.hpp>

#include <doctest/doctest.h>

#include <cmath>

using namespace thunder;

namespace {

double difference(const reference_array& a, const reference_array& b) {
  if (a.type != b.type || a.extents != b.extents || a.integers != b.integers) return INFINITY;
  double d = 0;
  for (std::size_t i = 0; i < a.reals.size(); ++i)
    if (a.reals[i] != b.reals[i]) {
      const double e = std::abs(a.reals[i] - b.reals[i]) / (1 + std::abs(a.reals[i]));
      d = e <= d ? d : e != e ? INFINITY : e;
    }
  return d;
}
int live_count(const graph& g) {
  const list<bool> live = live_nodes(g.view());
  int n = 0;
  for (bool l : live) n += l;
  return n;
}

/// A cast that goes before a transpose, in a graph of n types: whether it is well formed.
constexpr bool moved_cast(int n) {
  graph g;
  value last{};
  for (int i = 0; i < n; ++i) {
    const std::int64_t w = g.input_count++;
    const int type = g.intern(meta{dtype::f32, 2, {dim(i + 3), dim(2)}});
    last = {&g, g.put(table_of<ops::formal>(), &w, 1, nullptr, 0, &type, 1)};
    g.outputs.push(last.id);
  }
  const std::int64_t axes[]{1, 0};
  g.outputs.push(cast_to(emit_words<ops::transpose>(axes, 2, nullptr, last), dtype::bf16).id);
  const graph s = simplify(g.view());
  return find_violation(s.view()) == nullptr;
}
template <int... N> constexpr bool moved_casts(std::integer_sequence<int, N...>) { return (moved_cast(N + 10) && ...); }
static_assert(moved_casts(std::make_integer_sequence<int, 8>()));  // the table of types grows at 16

struct builder {
  graph g;
  value input(std::initializer_list<int> extents, dtype t = dtype::f64) {
    meta m{t, 0, {}};
    for (int e : extents) m.d[m.rank++] = dim(e);
    const std::int64_t w = g.input_count++;
    const int type = g.intern(m);
    return {&g, g.put(table_of<ops::formal>(), &w, 1, nullptr, 0, &type, 1)};
  }
  value full(double v, std::initializer_list<int> extents, dtype t = dtype::f64) {
    meta m{t, 0, {}};
    for (int e : extents) m.d[m.rank++] = dim(e);
    return full_like(&g, v, m);
  }
  value transpose(value x, std::initializer_list<std::int64_t> axes) { return emit_words<ops::transpose>(axes.begin(), static_cast<int>(axes.size()), nullptr, x); }
  value matmul(value x, value y, std::int64_t tx = 0, std::int64_t ty = 0) {
    const std::int64_t w[]{tx, ty};
    return emit_words<ops::matmul>(w, 2, nullptr, x, y);
  }
  /// What the value becomes: a formal, or the statements that are left beside formals.
  std::string becomes(value v) {
    g.outputs.push(v.id);
    const graph s = simplify(g.view());
    g.outputs.clear();
    CHECK(find_violation(s.view()) == nullptr);
    const list<bool> live = live_nodes(s.view());
    std::string r;
    if (const node& last = s.producer(s.outputs[0]); last.op->id == table_of<ops::formal>()->id) return "%" + std::to_string(s.word(last, 0));
    for (int i = 0; i < s.nodes.size(); ++i) {
      const node& n = s.nodes[i];
      if (!live[i] || n.op->id == table_of<ops::formal>()->id) continue;
      std::string name = n.op->name + sizeof("thunder.") - 1;
      if (n.op->id == table_of<ops::full>()->id) {
        char digits[32];
        std::snprintf(digits, sizeof digits, "%.9g", std::bit_cast<double>(s.word(n, 0)));
        name = digits;
      }
      r += (r.empty() ? "" : " ") + name;
      if (n.op->id != table_of<ops::full>()->id)
        for (int k = 0; k < n.words; ++k) r += (k ? "," : ":") + std::to_string(s.word(n, k));
    }
    return r;
  }
};

}  // namespace

TEST_CASE("arithmetic with constants") {
  builder b;
  const value x = b.input({2, 3}), zero = b.full(0, {2, 3}), one = b.full(1, {2, 3}), two = b.full(2, {2, 3});
  CHECK(b.becomes(x + zero) == "%0");
  CHECK(b.becomes(zero + x) == "%0");
  CHECK(b.becomes(x - zero) == "%0");
  CHECK(b.becomes(zero - x) != "%0");
  CHECK(b.becomes(x * one) == "%0");
  CHECK(b.becomes(one * x) == "%0");
  CHECK(b.becomes(x / one) == "%0");
  CHECK(b.becomes(one / x) != "%0");
  CHECK(b.becomes(-(-x)) == "%0");
  CHECK(b.becomes(pow(x, one)) == "%0");
  CHECK(b.becomes(pow(x, two)) == "mul");
  CHECK(b.becomes(where(x > zero, x, x)) == "%0");
  CHECK(b.becomes(x * zero) != "%0");  // not exact for infinities and NaN
  CHECK(b.becomes(two + two) == "4");
  CHECK(b.becomes(two * two - one) == "3");
  CHECK(b.becomes(one / two) == "0.5");
  CHECK(b.becomes(-two) == "-2");
}

TEST_CASE("a division by a power of two is a product, by another number it stays") {
  builder b;
  const value x = b.input({4}), i = b.input({4}, dtype::i32);
  CHECK(b.becomes(x / b.full(8, {4})) == "0.125 mul");
  CHECK(b.becomes(x / b.full(10, {4})).find("div") != std::string::npos);
  CHECK(b.becomes(x / b.full(0, {4})).find("div") != std::string::npos);
  CHECK(b.becomes(i / b.full(8, {4}, dtype::i32)).find("div") != std::string::npos);
}

TEST_CASE("folding rounds as the program would, and leaves the types alone whose arithmetic is not that of double") {
  builder b;
  const value tenth = b.full(0.1, {}, dtype::f32), third = b.full(0.3, {}, dtype::f32);
  b.g.outputs.push((tenth * third).id);
  const graph s = simplify(b.g.view());
  const float product = 0.1f * 0.3f;
  CHECK(std::bit_cast<double>(s.word(s.producer(s.outputs[0]), 0)) == static_cast<double>(product));
  builder c;
  c.g.outputs.push(cast_to(c.full(0.1, {}, dtype::f32), dtype::f64).id);
  const graph widened = simplify(c.g.view());
  CHECK(std::bit_cast<double>(widened.word(widened.producer(widened.outputs[0]), 0)) == static_cast<double>(0.1f));
  builder h;
  CHECK(h.becomes(h.full(0.1, {}, dtype::bf16) + h.full(1, {}, dtype::bf16)).find("add") != std::string::npos);
  CHECK(h.becomes(h.full(1.5, {}, dtype::bf16) + h.full(1, {}, dtype::bf16)) == "2.5");
  CHECK(h.becomes(h.full(256, {}, dtype::bf16) + h.full(1, {}, dtype::bf16)).find("add") != std::string::npos);  // 257 has nine bits
  CHECK(h.becomes(h.full(2048, {}, dtype::f16) + h.full(1, {}, dtype::f16)).find("add") != std::string::npos);
  builder w;  // i32 wraps and truncates
  CHECK(w.becomes(w.full(2e9, {}, dtype::i32) + w.full(2e9, {}, dtype::i32)).find("add") != std::string::npos);
  CHECK(w.becomes(w.full(7, {}, dtype::i64) / w.full(2, {}, dtype::i64)).find("div") != std::string::npos);
}

TEST_CASE("casts") {
  builder b;
  const value x = b.input({3}, dtype::f32), d = b.input({3}, dtype::f64), i = b.input({3}, dtype::i32), h = b.input({3}, dtype::bf16), f = b.input({3}, dtype::f16);
  CHECK(b.becomes(cast_to(cast_to(x, dtype::f64), dtype::f32)) == "%0");
  CHECK(b.becomes(cast_to(cast_to(h, dtype::f32), dtype::bf16)) == "%3");
  CHECK(b.becomes(cast_to(cast_to(d, dtype::f32), dtype::f64)) != "%1");  // rounds
  CHECK(b.becomes(cast_to(cast_to(h, dtype::f16), dtype::bf16)) != "%3");
  CHECK(b.becomes(cast_to(cast_to(f, dtype::bf16), dtype::f16)) != "%4");
  CHECK(b.becomes(cast_to(cast_to(i, dtype::f32), dtype::i32)) != "%2");  // 2^24 + 1
  CHECK(b.becomes(cast_to(cast_to(x, dtype::i32), dtype::f32)) != "%0");  // truncates
  CHECK(b.becomes(cast_to(b.full(2, {3}, dtype::f32), dtype::f64)) == "2");
  CHECK(b.becomes(cast_to(b.full(3, {3}, dtype::i32), dtype::f32)) == "3");
  CHECK(b.becomes(cast_to(b.full(2.5, {3}, dtype::i32), dtype::f32)).find("cast") != std::string::npos);  // holds 2
  CHECK(b.becomes(cast_to(b.full(1, {3}, dtype::bf16), dtype::f32)) == "1");
  CHECK(b.becomes(cast_to(b.full(-0.375, {3}, dtype::f32), dtype::f16)) == "-0.375");
  CHECK(b.becomes(cast_to(b.full(0.1, {3}, dtype::bf16), dtype::f32)).find("cast") != std::string::npos);
  CHECK(b.becomes(cast_to(b.full(0.1, {3}, dtype::f64), dtype::bf16)).find("cast") != std::string::npos);
}

TEST_CASE("half types move and multiply as such") {
  builder b;
  const value h = b.input({2, 3, 4}, dtype::bf16), f = b.input({2, 4, 5}, dtype::bf16), x = b.input({2, 3, 4}, dtype::f32), g = b.input({2, 4, 5}, dtype::f16), q = b.input({2, 5, 4}, dtype::bf16);
  const value i = b.input({3}, dtype::i32);
  auto wide = [](value v) { return cast_to(v, dtype::f32); };
  auto half = [](value v) { return cast_to(v, dtype::bf16); };
  const meta flat{dtype::f32, 2, {6, 4}};
  CHECK(b.becomes(b.transpose(wide(h), {1, 0, 2})) == "transpose:1,0,2 cast:5");
  CHECK(b.becomes(half(reshape_to(b.transpose(wide(h), {1, 0, 2}), flat))) == "transpose:1,0,2 reshape");
  CHECK(b.becomes(half(b.transpose(x, {1, 0, 2}))) == "cast:4 transpose:1,0,2");
  CHECK(b.becomes(half(emit_words<ops::take>(nullptr, 0, nullptr, x, i))) == "take cast:4");  // a few rows of a table
  CHECK(b.becomes(b.transpose(cast_to(x, dtype::f64), {1, 0, 2})) == "cast:6 transpose:1,0,2");  // no half type
  const value moved = b.transpose(x, {1, 0, 2});
  CHECK(b.becomes(wide(half(moved)) + moved).find("transpose:1,0,2 cast:4") != std::string::npos);  // needed in float, too
  CHECK(b.becomes(b.matmul(wide(h), wide(f))) == "matmul:0,0,5");
  CHECK(b.becomes(b.matmul(wide(h), b.transpose(wide(q), {0, 2, 1}))) == "matmul:0,1,5");
  CHECK(b.becomes(half(b.matmul(wide(h), wide(f)))) == "matmul:0,0");
  CHECK(b.becomes(b.matmul(wide(h), wide(g))).find("matmul:0,0,5") == std::string::npos);  // two half types
  CHECK(b.becomes(cast_to(b.matmul(wide(h), wide(f)), dtype::f16)) == "matmul:0,0,5 cast:3");
}

TEST_CASE("broadcasts, reshapes and transposes of each other") {
  builder b;
  const value x = b.input({2, 3});
  const meta m3{dtype::f64, 3, {4, 2, 3}}, m4{dtype::f64, 4, {5, 4, 2, 3}}, flat{dtype::f64, 1, {6}}, other{dtype::f64, 2, {3, 2}};
  CHECK(b.becomes(broadcast_to(broadcast_to(x, m3, 0b110), m4, 0b1110)) == "broadcast:12");
  CHECK(b.becomes(broadcast_to(x, x.type(), 0b11)) == "%0");
  CHECK(b.becomes(broadcast_to(b.full(3, {2, 3}), m3, 0b110)) == "3");
  CHECK(b.becomes(reshape_to(reshape_to(x, flat), other)) == "reshape");
  CHECK(b.becomes(reshape_to(reshape_to(x, flat), x.type())) == "%0");
  CHECK(b.becomes(reshape_to(b.full(3, {2, 3}), flat)) == "3");
  const auto type = [](std::initializer_list<int> extents) {
    meta m{dtype::i32, 0, {}};
    for (int e : extents) m.d[m.rank++] = dim(e);
    return m;
  };
  const auto counted = [&](std::initializer_list<int> from, int axis, std::initializer_list<int> to) { return b.becomes(reshape_to(iota_like(&b.g, type(from), axis), type(to))); };
  CHECK(counted({5}, 0, {5, 1}) == "iota:0");
  CHECK(counted({1, 5, 1, 5}, 3, {5, 1, 5, 1}) == "iota:2");
  CHECK(counted({5, 4}, 0, {20}) == "iota:0 reshape");
  const value y = b.input({2, 3, 4});
  CHECK(b.becomes(b.transpose(y, {0, 1, 2})) == "%1");
  CHECK(b.becomes(b.transpose(b.transpose(y, {1, 2, 0}), {2, 0, 1})) == "%1");
  CHECK(b.becomes(b.transpose(b.transpose(y, {1, 2, 0}), {1, 2, 0})) == "transpose:2,0,1");
}

TEST_CASE("the sum over what only repeats is a product") {
  builder b;
  const value x = b.input({3});
  const meta m{dtype::f64, 2, {5, 3}}, cube{dtype::f64, 3, {5, 3, 4}};
  CHECK(b.becomes(sum(broadcast_to(x, m, 0b10), 0b01)).find("mul") != std::string::npos);
  CHECK(b.becomes(sum(broadcast_to(x, cube, 0b010), 0b101)).find("mul") != std::string::npos);
  CHECK(b.becomes(sum(broadcast_to(x, m, 0b10), 0b10)).find("sum") != std::string::npos);  // over what varies
  CHECK(b.becomes(sum(broadcast_to(x, cube, 0b010), 0b001)).find("sum") != std::string::npos);  // over a part of it only
  const value i = b.input({3}, dtype::i32);
  CHECK(b.becomes(sum(broadcast_to(i, m.with(dtype::i32), 0b10), 0b01)).find("sum") != std::string::npos);
}

TEST_CASE("a transposed operand is a flag of the product") {
  builder b;
  const value x = b.input({4, 2, 3}), y = b.input({4, 2, 5}), z = b.input({4, 5, 3}), w = b.input({5, 3}), v = b.input({2, 7}), p = b.input({3, 2, 4}), q = b.input({4, 3, 5});
  CHECK(b.becomes(b.matmul(b.transpose(x, {0, 2, 1}), y)) == "matmul:1,0");
  CHECK(b.becomes(b.matmul(x, b.transpose(z, {0, 2, 1}))) == "matmul:0,1");
  CHECK(b.becomes(b.matmul(x, b.transpose(w, {1, 0}))) == "matmul:0,1");
  CHECK(b.becomes(b.matmul(b.transpose(x, {0, 2, 1}), b.transpose(q, {0, 2, 1}), 1, 1)) == "matmul:0,0");
  CHECK(b.becomes(b.matmul(b.transpose(x, {0, 2, 1}), v)) == "transpose:0,2,1 matmul:0,0");  // a transposed x has a y of the same rank
  CHECK(b.becomes(b.matmul(b.transpose(p, {2, 1, 0}), y, 1, 0)) == "transpose:2,1,0 matmul:1,0");  // not a swap of the last two
}

TEST_CASE("equal statements meet, dead ones go") {
  builder b;
  const value x = b.input({3}), y = b.input({3});
  CHECK(b.becomes((x + y) * (x + y)) == "add mul");
  CHECK(b.becomes(exp(x + b.full(0, {3})) * exp(x * b.full(1, {3}))) == "exp mul");
  const value dead = sin(x);
  CHECK(dead.exists());
  CHECK(b.becomes(x + y) == "add");
}

TEST_CASE("random graphs mean the same") {
  const int graphs = random_graphs::count();
  for (int seed = 0; seed < graphs; ++seed) {
    random_graphs::options o;
    o.statements = 2 + seed % 14;
    const auto s = random_graphs::make(static_cast<std::uint64_t>(seed), o);
    const graph primitive = decompose(s.g.view(), [](const op_info&) { return true; });
    const graph once = simplify(primitive.view()), twice = simplify(once.view()), thrice = simplify(twice.view());
    REQUIRE(find_violation(once.view()) == nullptr);
    const auto expected = interpret(s.g.view(), s.inputs), simplified = interpret(twice.view(), s.inputs);
    double d = expected.size() == simplified.size() ? 0 : INFINITY;
    for (std::size_t k = 0; k < expected.size() && d < 1; ++k) d = std::max(d, difference(expected[k], simplified[k]));
    CHECK_MESSAGE(d < 1e-9, "seed ", seed, ": difference ", d, "\n", print(primitive.view()), print(twice.view()));
    CHECK_MESSAGE(live_count(thrice) == live_count(twice), "seed ", seed, ": a third pass changes something\n", print(twice.view()), print(thrice.view()));
  }
}
