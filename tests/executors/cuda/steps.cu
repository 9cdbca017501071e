// The library steps of the GPU against those of the CPU, bit for bit (products: to rounding), over random shapes, every element type, and
// buffers that begin at any element.
#include <thunder/executors/cpu/library.hpp>
#include <thunder/executors/cuda/finite.hpp>
#include <thunder/executors/cuda/library.hpp>

#include "../rotation.hpp"
#include "device_arrays.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

using namespace steps;
namespace ops = thunder::ops;
namespace {

template <class Op> void compare(const char* name, const std::vector<const buffer*>& in, dtype type, const extents& shape, const std::vector<std::int64_t>& words) {
  buffer expected(type, shape), got(type, shape);
  run<Op>(in, expected, words);
  const bool guarded = run_on_device<Op>(in, {&got}, words);
  const std::string what = text(name, in, words);
  CHECK_MESSAGE(guarded, what);
  CHECK_MESSAGE(got.equals(expected), what);
}

std::int64_t random_extent() {
  constexpr std::int64_t usual[]{1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31, 32, 33, 64, 65, 100, 130};
  return usual[random(0, 16)];
}
extents random_shape(int least_rank, int most_rank, std::int64_t most = 20000) {
  extents e;
  std::int64_t n = 1;
  for (auto rank = random(least_rank, most_rank); rank > 0; --rank) {
    auto d = random(0, 60) ? random_extent() : 0;
    if (n * d > most) d = 1;
    e.push_back(d), n *= std::max<std::int64_t>(d, 1);
  }
  return e;
}
dtype random_type() { return all_types[random(0, 6)]; }
constexpr int rounds = 400;

TEST_CASE("transpose") {
  for (int i = 0; have_device() && i < rounds; ++i) {
    const extents shape = random_shape(0, 6);
    buffer x(random_type(), shape);
    x.fill_bits();
    std::vector<std::int64_t> axes(shape.size());
    std::iota(axes.begin(), axes.end(), 0);
    std::shuffle(axes.begin(), axes.end(), generator());
    extents result;
    for (auto a : axes) result.push_back(shape[static_cast<std::size_t>(a)]);
    compare<ops::transpose>("transpose", {&x}, x.type(), result, axes);
  }
}
TEST_CASE("slice") {
  for (int i = 0; have_device() && i < rounds; ++i) {
    const extents shape = random_shape(1, 6);
    if (std::count(shape.begin(), shape.end(), 0)) continue;
    buffer x(random_type(), shape);
    x.fill_bits();
    const std::size_t rank = shape.size();
    std::vector<std::int64_t> words(3 * rank);
    extents result;
    for (std::size_t d = 0; d < rank; ++d) {
      const bool whole = random(0, 1) == 0;
      const auto begin = whole ? 0 : random(0, shape[d] - 1), end = whole ? shape[d] : random(begin + 1, shape[d]), stride = whole ? 1 : random(1, 3);
      words[d] = begin, words[rank + d] = end, words[2 * rank + d] = stride;
      result.push_back((end - begin + stride - 1) / stride);
    }
    compare<ops::slice>("slice", {&x}, x.type(), result, words);
  }
}
TEST_CASE("pad") {
  for (int i = 0; have_device() && i < rounds; ++i) {
    const extents shape = random_shape(1, 6, 2000);
    buffer x(random_type(), shape);
    x.fill_bits();
    const std::size_t rank = shape.size();
    std::vector<std::int64_t> words(3 * rank);
    extents result;
    std::int64_t count = 1;
    for (std::size_t d = 0; d < rank; ++d) {
      if (random(0, 1) && count < 50000) words[d] = random(0, 8), words[rank + d] = random(0, 8), words[2 * rank + d] = random(0, 2) ? 0 : random(1, 3);
      result.push_back(words[d] + shape[d] + (shape[d] > 0 ? (shape[d] - 1) * words[2 * rank + d] : 0) + words[rank + d]);
      count *= std::max<std::int64_t>(result.back(), 1);
    }
    compare<ops::pad>("pad", {&x}, x.type(), result, words);
  }
}
TEST_CASE("broadcast") {
  for (int i = 0; have_device() && i < rounds; ++i) {
    const extents shape = random_shape(1, 6);
    const auto mask = random(0, (1 << shape.size()) - 1);
    extents operand;
    for (std::size_t d = 0; d < shape.size(); ++d)
      if (mask >> d & 1) operand.push_back(shape[d]);
    buffer x(random_type(), operand);
    x.fill_bits();
    compare<ops::broadcast>("broadcast", {&x}, x.type(), shape, {mask});
  }
}
TEST_CASE("concatenate and reshape") {
  for (int i = 0; have_device() && i < rounds; ++i) {
    extents shape = random_shape(1, 6, 5000);
    const auto axis = static_cast<std::size_t>(random(0, static_cast<int>(shape.size()) - 1));
    const dtype t = random_type();
    std::vector<buffer> parts;
    std::int64_t sum = 0;
    for (auto k = random(1, 4); k > 0; --k) {
      shape[axis] = random(0, 9);
      sum += shape[axis];
      parts.emplace_back(t, shape).fill_bits();
    }
    shape[axis] = sum;
    std::vector<const buffer*> in;
    for (const buffer& b : parts) in.push_back(&b);
    compare<ops::concatenate>("concatenate", in, t, shape, {static_cast<std::int64_t>(axis)});
    compare<ops::reshape>("reshape", {in[0]}, t, {in[0]->count()}, {});
  }
}

struct table_case {
  std::int64_t n;
  extents index, row;
};
const table_case tables[]{{1, {}, {}},          {1, {7}, {}},       {7, {100}, {1}},      {64, {3, 5}, {3}},    {100, {64}, {7}},     {10, {64}, {4}},
                          {7, {2, 3, 4}, {2, 8}}, {5, {1}, {100}},  {100, {0}, {7}},      {64, {400}, {100}},   {3, {3000}, {65}},    {300, {3000}, {64}},
                          {2, {500}, {1100}},   {1, {700}, {768}},  {70000, {7}, {1}},    {20000, {3000}, {}}, {70000, {5000}, {2}}, {3, {5}, {0}}};
extents joined(extents a, const extents& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
/// Some indices are outside of the table.
buffer random_index(dtype t, const extents& shape, std::int64_t n) {
  buffer b(t, shape);
  b.fill([&](std::int64_t) { return static_cast<double>(random(0, 19) ? random(0, n - 1) : random(-5, n + 5)); });
  return b;
}
TEST_CASE("take") {
  for (const table_case& c : tables)
    for (const dtype t : all_types) {
      if (!have_device()) return;
      buffer x(t, joined({c.n}, c.row));
      x.fill_bits();
      const buffer index = random_index(random(0, 1) ? dtype::i32 : dtype::i64, c.index, c.n);
      compare<ops::take>("take", {&x, &index}, t, joined(c.index, c.row), {});
    }
  if (!have_device()) return;
  const buffer empty(dtype::f32, {0, 5});
  const buffer index = random_index(dtype::i32, {9}, 1);
  compare<ops::take>("take", {&empty, &index}, dtype::f32, {9, 5}, {});  // zeros
}
TEST_CASE("dynamic_slice and dynamic_update_slice") {
  for (int i = 0; have_device() && i < rounds; ++i) {
    extents shape = random_shape(1, 5), part = shape;
    const auto axis = static_cast<std::size_t>(random(0, static_cast<std::int64_t>(shape.size()) - 1));
    if (shape[axis] == 0) shape[axis] = 5;
    part[axis] = random(1, shape[axis]);
    const dtype t = random_type();
    buffer x(t, shape), update(t, part), start(random(0, 1) ? dtype::i32 : dtype::i64, {});
    x.fill_bits(), update.fill_bits(), start.set(0, static_cast<double>(random(-2, shape[axis] + 1)));
    compare<ops::dynamic_slice>("dynamic_slice", {&x, &start}, t, part, {static_cast<std::int64_t>(axis), part[axis]});
    compare<ops::dynamic_update_slice>("dynamic_update_slice", {&x, &update, &start}, t, shape, {static_cast<std::int64_t>(axis)});
  }
}

TEST_CASE("scatter_add adds up in order") {
  for (const table_case& c : tables)
    for (const dtype t : {dtype::i32, dtype::i64, dtype::f16, dtype::bf16, dtype::f32, dtype::f64}) {
      if (!have_device()) return;
      const buffer index = random_index(random(0, 1) ? dtype::i32 : dtype::i64, c.index, c.n);
      buffer rows(t, joined(c.index, c.row));
      rows.fill([&](std::int64_t) { return static_cast<double>(random(-100000, 100000)) / 300; });
      compare<ops::scatter_add>("scatter_add", {&index, &rows}, t, joined({c.n}, c.row), {});
    }
}

TEST_CASE("scatter of different rows") {
  for (int i = 0; have_device() && i < 100; ++i) {
    const std::int64_t n = random(1, 3000), count = random(1, n);
    const extents row = random_shape(0, 2, 300);
    std::vector<std::int64_t> order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), generator());
    buffer index(random(0, 1) ? dtype::i32 : dtype::i64, {count}), rows(random_type(), joined({count}, row));
    index.fill([&](std::int64_t k) { return static_cast<double>(order[static_cast<std::size_t>(k)]); });
    rows.fill_bits();
    compare<ops::scatter>("scatter", {&index, &rows}, rows.type(), joined({n}, row), {});
  }
}

TEST_CASE("argmax") {
  for (int i = 0; have_device() && i < rounds; ++i) {
    extents shape = random_shape(1, 6);
    const auto axis = static_cast<std::size_t>(random(0, static_cast<int>(shape.size()) - 1));
    if (shape[axis] == 0) shape[axis] = 1;
    if (i % 20 == 0) shape = {random(1, 3), random(3000, 9000)};
    const std::size_t at = i % 20 == 0 ? 1 : axis;
    const dtype t = random_type();
    buffer x(t, shape);
    const auto kinds = random(1, 40);
    x.fill([&](std::int64_t) { return static_cast<double>(random(-kinds, kinds)); });
    if (thunder::is_floating(t) && random(0, 2) == 0)
      for (std::int64_t k = 0; k < x.count(); ++k) {
        if (random(0, 30) == 0) x.set(k, std::numeric_limits<double>::quiet_NaN());
        if (random(0, 9) == 0) x.set(k, -std::numeric_limits<double>::infinity());
      }
    extents result = shape;
    result.erase(result.begin() + static_cast<std::ptrdiff_t>(at));
    compare<ops::argmax>("argmax", {&x}, dtype::i32, result, {static_cast<std::int64_t>(at)});
  }
}

TEST_CASE("rotate_pairs") {
  using namespace rotation_tests;
  for (const sample& c : samples)
    for (const dtype t : {dtype::f16, dtype::bf16, dtype::f32, dtype::f64})
      for (const std::int64_t style : {0, 1}) {
        if (!have_device()) return;
        const operands in(c, t);
        const auto back = random(0, 1);
        buffer y(t, c.x);
        CHECK(run_on_device<ops::rotate_pairs>({&in.x, &in.cosine, &in.sine}, {&y}, {style, back}));
        CHECK_MESSAGE(in.error_of(y, style, back) < 1, c.text(t, style, back));
      }
}

TEST_CASE("finite") {
  for (int i = 0; have_device() && i < 100; ++i) {
    constexpr dtype types[]{dtype::f16, dtype::bf16, dtype::f32, dtype::f64, dtype::i32};
    const dtype t = types[random(0, 4)];
    buffer x(t, {random(0, 3000)});
    x.fill([](std::int64_t k) { return static_cast<double>(k % 100); });
    const bool spoiled = x.count() > 0 && random(0, 1) && thunder::is_floating(t);
    if (spoiled) x.set(random(0, x.count() - 1), random(0, 1) ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN());
    const device_buffer there(x, random(0, 1) ? random(0, 9) : 0);
    CHECK(thunder::cuda::device_finite(there.header().data, t, there.header().bytes()) == !spoiled);
  }
}

TEST_CASE("matmul") {
  for (int i = 0; have_device() && i < 150; ++i) {
    constexpr dtype types[]{dtype::f16, dtype::bf16, dtype::f32, dtype::f64};
    const dtype t = types[random(0, 3)];
    const bool transposed_x = random(0, 1), transposed_y = random(0, 1), shared = !transposed_x && random(0, 1);
    extents batch;
    for (auto k = random(0, 2); k > 0; --k) batch.push_back(random(1, 4));
    const auto n = random_extent(), m = random_extent(), k = random(0, 30) ? random_extent() : 0;
    buffer x(t, joined(batch, transposed_x ? extents{k, n} : extents{n, k}));
    buffer y(t, joined(shared ? extents{} : batch, transposed_y ? extents{m, k} : extents{k, m}));
    for (buffer* b : {&x, &y}) b->fill([](std::int64_t) { return static_cast<double>(random(-1000, 1000)) / 1000; });
    const std::vector<std::int64_t> words{transposed_x, transposed_y};
    buffer expected(t, joined(batch, {n, m})), got(t, joined(batch, {n, m}));
    run<ops::matmul>({&x, &y}, expected, words);
    CHECK(run_on_device<ops::matmul>({&x, &y}, {&got}, words));
    const double rounding = t == dtype::f16 ? 0x1p-10 : t == dtype::bf16 ? 0x1p-7 : t == dtype::f32 ? 1e-6 : 1e-14;
    double most = 0;
    for (std::int64_t e = 0; e < got.count(); ++e) most = std::max(most, std::abs(got[e] - expected[e]) / (1 + std::abs(expected[e])));
    CHECK_MESSAGE(most <= rounding * std::sqrt(static_cast<double>(k + 1)), text("matmul", {&x, &y}, words), ": ", most);
  }
}

}  // namespace
