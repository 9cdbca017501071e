#pragma once
// Random programs that are compiled: a graph follows from its number at compile time, and with it the program's steps and kernels. Run on
// the GPU (random_programs.cu) and on the emulated machine (emulated_random.cpp), against the interpreter in float64.
#include <thunder/examine/distance.hpp>
#include <thunder/executors/reference.hpp>
#include <thunder/thunder.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace random_programs {

using namespace thunder;

/// Its size at run time: program K has rows_of(K) of them.
inline constexpr dim rows = dim("rows");
constexpr std::int64_t rows_of(int number) {
  constexpr int all[]{0, 1, 3, 40, 65};
  return all[number % 5];
}

/// Rows of odd and even lengths, statistics of rows, sums of columns, every type; values stay within a few units, and no value jumps where
/// rounding moves its operands.
class generator {
 public:
  constexpr explicit generator(int number) : state_(static_cast<std::uint64_t>(number) * 0x9e3779b97f4a7c15u + 77) {}

  constexpr graph make() {
    constexpr int lengths[]{1, 2, 3, 7, 8, 24, 31, 32, 33, 64, 100, 257, 768, 1030}, heights[]{1, 2, 5, 17, 33, 64};
    const dim columns = dim(lengths[below(14)]), height = below(3) == 0 ? rows : dim(heights[below(6)]);
    const dtype type = some_type();
    add_input({type, 2, {height, columns}});
    add_input({below(2) ? type : some_type(), 2, {height, columns}});
    add_input({below(2) ? type : some_type(), 1, {columns}});
    if (below(2)) add_input({type, 2, {height, dim(1)}});
    if (below(3) == 0) add_input({type, 3, {dim(1 + below(3)), height, columns}});
    index_ = formal({below(2) ? dtype::i32 : dtype::i64, 1, {height}});
    key_ = formal({dtype::i64, 0, {}});
    for (int k = 4 + below(5); k > 0; --k) step();
    g_.input_count = formals_;
    g_.outputs.push(pool_.back().v.id);
    for (int k = 0; k < 2; ++k) g_.outputs.push(pick().v.id);
    return static_cast<graph&&>(g_);
  }

 private:
  struct entry {
    value v;
    double bound;  // of the absolute value
  };

  constexpr int below(int n) {  // SplitMix64 (Steele, Lea and Flood, OOPSLA 2014)
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u, z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return static_cast<int>(((z ^ z >> 31) >> 33) % static_cast<std::uint64_t>(n));
  }
  constexpr dtype some_type() {
    constexpr dtype all[]{dtype::f32, dtype::f32, dtype::f32, dtype::bf16, dtype::bf16, dtype::f16, dtype::f64};
    return all[below(7)];
  }
  constexpr value formal(const meta& m) {
    const std::int64_t w = formals_++;
    const int t = g_.intern(m);
    return {&g_, g_.put(table_of<ops::formal>(), &w, 1, nullptr, 0, &t, 1)};
  }
  constexpr void add_input(const meta& m) { pool_.push({formal(m), 2}); }
  constexpr entry pick() {  // often a late one, so that graphs are deep
    const int n = pool_.size(), back = below(below(2) ? 2 : n);
    return pool_[n - 1 - (back < n ? back : 0)];
  }
  constexpr value constant(double v, value x) { return full_like(&g_, v, x.type()); }
  /// Adds a value to the pool; one that may be large is made small.
  constexpr void keep(value v, double bound) {
    if (bound > 3) {
      const double c = 1.5 / bound;
      if (below(2)) v = tanh(v * constant(2 * c, v)), bound = 1;
      else v = v * constant(c, v), bound = 1.5;
    }
    pool_.push({v, bound});
  }
  /// A second operand for a pointwise op with x: of any shape that broadcasts with it.
  constexpr entry partner(const entry& x) {
    for (int k = 0; k < 8; ++k) {
      const entry e = pick();
      meta r;
      if (broadcast_shapes(x.v.type(), e.v.type().with(x.v.type().type), r) && r.rank <= 3) return {cast_to(e.v, x.v.type().type), e.bound};
    }
    return {x.v * constant(0.7, x.v) + constant(0.2, x.v), x.bound};
  }
  constexpr value positive(value x) { return x * x + constant(0.5, x); }
  template <class Op> constexpr value emit_op(std::initializer_list<value> x, std::initializer_list<std::int64_t> w = {}, const meta* target = nullptr) {
    list<int> ids;
    for (const value& v : x) ids.push(v.id);
    return emit<Op>(&g_, w.begin(), static_cast<int>(w.size()), ids.data(), ids.size(), target);
  }
  static constexpr bool is_static(const meta& m) {
    for (int i = 0; i < m.rank; ++i)
      if (m.d[i].a) return false;
    return true;
  }
  static constexpr std::int64_t elements(const meta& m) { return m.count().size; }

  constexpr void step() {
    const entry e = pick();
    const value x = e.v;
    const double b = e.bound;
    const meta m = x.type();
    const std::int64_t last = m.rank > 0 ? std::int64_t{1} << (m.rank - 1) : 0;
    switch (below(32)) {
      case 0: { const entry f = partner(e); return keep(x + f.v, b + f.bound); }
      case 1: { const entry f = partner(e); return keep(x - f.v, b + f.bound); }
      case 2: { const entry f = partner(e); return keep(x * f.v, b * f.bound); }
      case 3: { const entry f = partner(e); return keep(x / positive(f.v), 2 * b); }
      case 4: { const entry f = partner(e); return keep(below(2) ? maximum(x, f.v) : minimum(x, f.v), b > f.bound ? b : f.bound); }
      case 5: return keep(below(2) ? exp(minimum(x, constant(1, x))) : sigmoid(x), 2.8);
      case 6: return keep(below(2) ? sin(x) : cos(x), 1);
      case 7: return keep(below(2) ? sqrt(positive(x)) : log(positive(x)), b + 1);
      case 8: return keep(gelu(x), b);
      case 9: return keep(where(x > constant(0, x), x, x * constant(0.1, x)), b);
      case 10:  // a row's statistics and what becomes of it
      case 11: return last ? keep(emit_op<ops::softmax>({x}, {last}), 1) : keep(abs(x), b);
      case 12: return last ? keep(emit_op<ops::logsumexp>({x}, {last}), b + 7) : keep(erf(x), 1);
      case 13: return last ? keep(mean(x, last), b) : keep(-x, b);
      case 14: return last ? keep(below(2) ? max(x, last) : emit_op<ops::min>({x}, {last}), b) : keep(silu_of(x), b);
      case 15: return last ? keep(x - expand(mean(x, last), last, m), 2 * b) : keep(x * x, b * b);
      case 16:
      case 17:
        if (!last || m.d[m.rank - 1].a) return keep(tanh(x), 1);
        return keep(norm(x, m), 3);
      case 18: return m.rank > 1 ? keep(mean(x, 1), b) : keep(round_trip(x), b);            // over the first dimension
      case 19: return m.rank > 1 ? keep(sum(x, 1) * constant_of(0.01, x, 1), b) : keep(round_trip(x), b);
      case 20: return keep(mean(x, all_axes(m.rank)), b);
      case 21: return keep(cast_to(x, some_type()), b);
      case 22:
      case 23:
      case 24: return move(e);
      case 25:
      case 26:
      case 27: return product(e);
      case 28:
      case 29: return take(e);
      case 30: {  // a mask of indices
        if (!last) return keep(x, b);
        const value i = iota_like(&g_, m.with(dtype::i32), below(m.rank));
        return keep(where(i < constant(3, i), x, constant(-0.5, x)), b);
      }
      default: return keep(x * cast_to(uniform_like(key_, m.with(dtype::f32)), m.type), b);
    }
  }
  constexpr value silu_of(value x) { return x * sigmoid(x); }
  constexpr value round_trip(value x) { return cast_to(cast_to(x, dtype::f32) * constant(0.5, cast_to(x, dtype::f32)), x.type().type); }
  /// A constant of the shape that is left of x without some axes.
  constexpr value constant_of(double v, value x, std::int64_t axes) { return full_like(&g_, v, mean(x, axes).type()); }
  constexpr value norm(value x, const meta& m) {
    const value row = row_like(m);
    return below(2) ? emit_op<ops::layer_norm>({x, row, row}, {bits_of(0.1)}) : emit_op<ops::rms_norm>({x, row}, {bits_of(0.1)});
  }
  /// A row's length of numbers between -1 and 1.
  constexpr value row_like(const meta& m) {
    const meta r{m.type, 1, {m.d[m.rank - 1]}};
    for (int k = 0; k < 4; ++k)
      if (const entry e = pool_[below(pool_.size())]; e.v.type() == r) return sin(e.v);
    return sin(cast_to(iota_like(&g_, r.with(dtype::i32), 0), m.type));
  }
  constexpr void move(const entry& e) {
    const value x = e.v;
    const meta m = x.type();
    if (m.rank < 2) return keep(-x, e.bound);
    const int axis = m.rank - 1 - (is_static(m) ? below(2) : 0);
    const std::int64_t n = m.d[axis].size;
    if (m.d[axis].a) return keep(-x, e.bound);
    std::int64_t w[3 * max_rank]{};
    switch (below(5)) {
      case 0: {
        for (int i = 0; i < m.rank; ++i) w[i] = i;
        w[m.rank - 1] = m.rank - 2, w[m.rank - 2] = m.rank - 1;
        return keep(emit_words<ops::transpose>(w, m.rank, nullptr, x), e.bound);
      }
      case 1: {
        const std::int64_t begin = below(static_cast<int>(n));
        for (int i = 0; i < m.rank; ++i) w[m.rank + i] = -1, w[2 * m.rank + i] = 1;
        w[axis] = begin, w[m.rank + axis] = begin + 1 + below(static_cast<int>(n - begin)), w[2 * m.rank + axis] = 1 + below(2);
        return keep(emit_words<ops::slice>(w, 3 * m.rank, nullptr, x), e.bound);
      }
      case 2: {
        w[axis] = below(3), w[m.rank + axis] = below(3);
        return keep(emit_words<ops::pad>(w, 3 * m.rank, nullptr, x), e.bound);
      }
      case 3: {
        w[0] = axis;
        return keep(emit_words<ops::concatenate>(w, 1, nullptr, x, sin(x)), e.bound > 1 ? e.bound : 1);
      }
      default: {
        if (!is_static(m)) return keep(x * x, e.bound * e.bound);
        return keep(reshape_to(x, {m.type, 1, {m.count()}}), e.bound);
      }
    }
  }
  constexpr void product(const entry& e) {
    const value x = e.v;
    const meta m = x.type();
    if (m.rank != 2 || m.type == dtype::f64 || elements({m.type, 1, {m.d[1]}}) > 300) return keep(x * x, e.bound * e.bound);
    const value y = cast_to(sin(cast_to(iota_like(&g_, {dtype::i32, 2, {m.d[1], dim(16)}}, 0), dtype::f32)), m.type);
    const std::int64_t w[]{0, 0};
    keep(emit_words<ops::matmul>(w, 2, nullptr, x, y), e.bound * static_cast<double>(m.d[1].size));
  }
  constexpr void take(const entry& e) {
    const value x = e.v;
    const meta m = x.type(), rows_type = index_.type();
    if (m.rank == 2 && m.d[0] == rows_type.d[0] && below(2)) {  // a gradient of an embedding
      const meta to{m.type, 2, {dim(5), m.d[1]}};
      return keep(emit_op<ops::scatter_add>({index_, x}, {}, &to), e.bound * 65);
    }
    if (m.rank < 1 || m.rank > 2) return keep(-x, e.bound);
    keep(emit_words<ops::take>(nullptr, 0, nullptr, x, index_), e.bound);
  }

  graph g_;
  list<entry> pool_;
  value index_, key_;
  int formals_ = 0;
  std::uint64_t state_;
};

template <int Number> struct maker {
  static constexpr digest key = mix(7919, static_cast<digest>(Number));
  static constexpr flattened make() { return {generator(Number).make(), {}}; }
  static constexpr graph_size guess() { return {192, 384, 512, 192, 96, 8, 0, 3, 0}; }
};
template <int... K> result_names<digest{K * 0}...> no_names(std::integer_sequence<int, K...>);

/// The program's steps, with buffers of their own, on the device of Executor.
template <int Number, class Executor> struct random_program {
  using body = stored_body<maker<Number>>;
  static constexpr auto& graph = body::view;
  using plan = typename registered_plan<planned<body, decltype(no_names(std::make_integer_sequence<int, graph.output_count>{})), 0, false, fuel::unlimited>>::type;
  using steps = step_list<Executor, plan>;

  static void run(const std::vector<reference_array>& inputs, const bindings& sizes, std::vector<reference_array>& results) {
    constexpr int slots = plan::data.size.slots;
    std::int64_t bytes[slots]{}, offsets[slots]{};
    for (int i = 0; i < slots; ++i) bytes[i] = bytes_of(plan::graph.types[plan::data.slots[i].type], sizes);
    const std::int64_t arena = place_slots(plan::data.slots, slots, bytes, offsets);
    std::vector<storage> memory;
    auto make = [&](std::int64_t n) {
      memory.push_back(Executor::allocate(static_cast<std::size_t>(n) + 16));
      const std::vector<char> poison(static_cast<std::size_t>(n) + 16, '\x7f');
      copy_bytes(memory.back().data(), Executor::where, poison.data(), device::cpu, poison.size());
      return static_cast<char*>(memory.back().data());
    };
    char* const between = make(arena);
    void* where[slots]{};
    std::vector<char> host;
    for (int i = 0; i < slots; ++i) {
      const slot_info& s = plan::data.slots[i];
      where[i] = s.where == slot_info::arena ? between + offsets[i] : make(bytes[i]);
      if (s.where != slot_info::formal) continue;
      host.resize(static_cast<std::size_t>(bytes[i]));
      from_reference(inputs[static_cast<std::size_t>(s.index)], host.data());
      copy_bytes(where[i], Executor::where, host.data(), device::cpu, host.size());
    }
    Executor executor;
    steps::run(executor, where, sizes, leading_steps<plan, 0, plan::data.size.steps>());
    for (int k = 0; k < plan::data.size.results; ++k) {
      const meta& m = graph.type(graph.outputs[k]);
      std::vector<std::int64_t> extents;
      for (int d = 0; d < m.rank; ++d) extents.push_back(sizes.extent(m.d[d]));
      host.resize(static_cast<std::size_t>(bytes_of(m, sizes)));
      copy_bytes(host.data(), device::cpu, where[plan::data.results[k]], Executor::where, host.size());
      results.push_back(to_reference(host.data(), m.type, extents.data(), m.rank));
    }
  }
  static std::int64_t bytes_of(const meta& m, const bindings& sizes) {
    std::int64_t n = size_of(m.type);
    for (int d = 0; d < m.rank; ++d) n *= sizes.extent(m.d[d]);
    return n;
  }
};

/// Numbers for an argument: reals between -2 and 2; indices, a few of which are out of range.
inline reference_array argument(const meta& m, const bindings& sizes, std::int64_t which) {
  std::vector<std::int64_t> extents;
  for (int d = 0; d < m.rank; ++d) extents.push_back(sizes.extent(m.d[d]));
  reference_array x(m.type, extents);
  for (std::size_t i = 0; i < x.reals.size(); ++i) x.reals[i] = rounded_to(m.type, static_cast<double>(random_word(which, static_cast<std::int64_t>(i)) >> 8) * 0x1p-22 - 2);
  for (std::size_t i = 0; i < x.integers.size(); ++i) x.integers[i] = static_cast<std::int64_t>(random_word(which, static_cast<std::int64_t>(i)) % 7) - 1;
  return x;
}
/// What rounding of 16-bit values between and in the kernels may do, and of sums in float.
inline double allowed(const graph_view& g) {
  double most = 1e-10;
  for (int i = 0; i < g.type_count; ++i) {
    const dtype t = g.types[i].type;
    most = std::max(most, t == dtype::bf16 ? 0.1 : t == dtype::f16 ? 0.02 : t == dtype::f32 ? 1e-4 : 0);
  }
  return most;
}

template <int Number, class Executor> void check() {
  using program = random_program<Number, Executor>;
  constexpr auto& g = program::graph;
  bindings sizes;
  sizes.bind(rows.a, rows_of(Number));
  std::vector<reference_array> inputs(static_cast<std::size_t>(g.input_count)), got;
  for (int i = 0; i < g.node_count; ++i)
    if (const node& n = g.nodes[i]; n.op->id == table_of<ops::formal>()->id) inputs[static_cast<std::size_t>(g.word(n, 0))] = argument(g.type(n.result), sizes, g.word(n, 0) + 8 * Number);
  std::string problem;
  double worst = 0;
  try {
    const auto expected = interpret(g, inputs, {}, {.sizes = sizes});
    program::run(inputs, sizes, got);
    for (std::size_t k = 0; k < expected.size(); ++k) worst = std::max(worst, distance_of(got[k], expected[k]).error);
  } catch (const std::exception& e) {
    problem = e.what();
  }
  CHECK_MESSAGE((problem.empty() && worst <= allowed(g)), "program ", Number, ": ", problem, " distance ", worst, ", allowed ", allowed(g), "\n", print(g));
}
template <class Executor, int First, int... K> void check_all(std::integer_sequence<int, K...>) { (check<First + K, Executor>(), ...); }
#ifdef __CUDACC__
template <int First, int Count> void check_on_device() {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) return;
  check_all<thunder::cuda::executor, First>(std::make_integer_sequence<int, Count>());
}
#endif

}  // namespace random_programs
