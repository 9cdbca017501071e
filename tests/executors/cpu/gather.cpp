// take, scatter_add, dynamic slices and argmax against a loop over single elements.
#include <thunder/executors/cpu/argmax.hpp>
#include <thunder/executors/cpu/gather.hpp>

#include "arrays.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace steps;
namespace ops = thunder::ops;
namespace {

struct table_case {
  std::int64_t n;
  extents index, row;
};
const table_case tables[]{{1, {}, {}},         {1, {7}, {}},       {7, {100}, {1}},        {64, {3, 5}, {3}},
                          {100, {64}, {7}},    {10, {64}, {4}},    {7, {2, 3, 4}, {2, 8}}, {5, {1}, {100}},
                          {100, {0}, {7}},     {64, {400}, {100}}, {3, {5000}, {2, 65}},   {1000, {5000}, {64}},
                          {2, {1000}, {1100}}, {1, {3000}, {768}}, {100000, {7}, {1}},     {20000, {30000}, {}}};
extents joined(extents a, const extents& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
std::int64_t row_of(const buffer& index, std::int64_t i, std::int64_t n) {
  return std::clamp(static_cast<std::int64_t>(index[i]), std::int64_t{0}, n - 1);
}
/// Some indices are outside of the table.
buffer random_index(dtype t, const extents& shape, std::int64_t n) {
  buffer b(t, shape);
  b.fill([&](std::int64_t) { return static_cast<double>(random(0, 19) ? random(0, n - 1) : random(-5, n + 5)); });
  return b;
}

TEST_CASE("take: every element type, both index types, clamped") {
  for (const table_case& c : tables)
    for (const dtype t : all_types)
      for (const dtype it : {dtype::i32, dtype::i64}) {
        buffer x(t, joined({c.n}, c.row)), y(t, joined(c.index, c.row)), z(t, joined(c.index, c.row)),
            expected(t, joined(c.index, c.row));
        x.fill_bits();
        const buffer index = random_index(it, c.index, c.n);
        const auto row = static_cast<std::size_t>(x.header().count(1, x.header().rank) * thunder::size_of(t));
        for (std::int64_t i = 0; i < index.count(); ++i)
          std::memcpy(expected.data() + static_cast<std::size_t>(i) * row,
                      x.data() + static_cast<std::size_t>(row_of(index, i, c.n)) * row, row);
        run<ops::take>({&x, &index}, y, {});
        run<ops::take, serial_target>({&x, &index}, z, {});
        CHECK(y.equals(expected));
        CHECK(z.equals(expected));
      }
}
TEST_CASE("take: stored past the caches") {
  buffer x(dtype::f32, {100, 750}), y(dtype::f32, {12000, 750});
  x.fill([](std::int64_t i) { return static_cast<double>(i); });
  const buffer index = random_index(dtype::i32, {12000}, 100);
  run<ops::take>({&x, &index}, y, {});
  bool right = true;
  for (std::int64_t i = 0; i < y.count(); ++i)
    right = right && y[i] == static_cast<double>(row_of(index, i / 750, 100) * 750 + i % 750);
  CHECK(right);
}

/// Sums in ascending order, in the precision that the executor uses.
template <class Sum> buffer scattered(const buffer& index, const buffer& rows, dtype t, const extents& shape) {
  buffer y(t, shape);
  const std::int64_t columns = y.header().count(1, y.header().rank);
  std::vector<Sum> sum(static_cast<std::size_t>(y.count()));
  for (std::int64_t i = 0; i < index.count(); ++i)
    for (std::int64_t c = 0; c < columns; ++c)
      sum[static_cast<std::size_t>(row_of(index, i, shape[0]) * columns + c)] += static_cast<Sum>(rows[i * columns + c]);
  return std::move(y.fill([&](std::int64_t i) { return static_cast<double>(sum[static_cast<std::size_t>(i)]); }));
}
TEST_CASE("scatter_add: every element type, both index types, any number of threads give the same bits") {
  for (const table_case& c : tables)
    for (const dtype t : {dtype::i32, dtype::i64, dtype::f16, dtype::bf16, dtype::f32, dtype::f64})
      for (const dtype it : {dtype::i32, dtype::i64}) {
        const extents shape = joined({c.n}, c.row);
        buffer rows(t, joined(c.index, c.row)), y(t, shape), z(t, shape);
        rows.fill(
            [&](std::int64_t) { return static_cast<double>(random(-1000, 1000)) * (thunder::is_floating(t) ? 1.0 / 768 : 1.0); });
        const buffer index = random_index(it, c.index, c.n);
        const buffer expected = t == dtype::f64                      ? scattered<double>(index, rows, t, shape)
                                : t == dtype::i64 || t == dtype::i32 ? scattered<std::int64_t>(index, rows, t, shape)
                                                                     : scattered<float>(index, rows, t, shape);
        run<ops::scatter_add>({&index, &rows}, y, {});
        run<ops::scatter_add, serial_target>({&index, &rows}, z, {});
        CHECK(y.equals(z));
        std::int64_t bad = 0;  // by value: an untouched zero and a sum of zeros may differ in sign
        for (std::int64_t i = 0; i < y.count(); ++i) bad += !(y[i] == expected[i]);
        CHECK_MESSAGE(bad == 0, thunder::name_of(t), " ", c.n, " rows");
      }
}
TEST_CASE("scatter_add: integers wrap around") {
  buffer index(dtype::i32, {2}), rows(dtype::i32, {2}), y(dtype::i32, {1});
  index.fill([](std::int64_t) { return 0.0; }), rows.fill([](std::int64_t) { return 2147483647.0; });
  run<ops::scatter_add>({&index, &rows}, y, {});
  CHECK(y[0] == -2);
}

/// A part of `m` elements of one axis.
struct part_case {
  extents shape;
  int axis;
  std::int64_t m;
};
TEST_CASE("dynamic_slice and dynamic_update_slice: every element type, both index types, clamped, in place") {
  for (const part_case& c : {part_case{{7}, 0, 3}, {{5, 1}, 1, 1}, {{3, 100, 5}, 1, 1}, {{3, 100, 5}, 1, 64}, {{4, 8, 16, 3}, 2, 16}, {{0, 3}, 1, 2}, {{50, 60}, 0, 17}})
    for (const dtype t : all_types)
      for (const dtype it : {dtype::i32, dtype::i64})
        for (const std::int64_t start : {-3, 0, 2, 1000}) {
          extents part = c.shape;
          part[static_cast<std::size_t>(c.axis)] = c.m;
          const std::int64_t first = std::clamp<std::int64_t>(start, 0, c.shape[static_cast<std::size_t>(c.axis)] - c.m);
          buffer x(t, c.shape), update(t, part), read(t, part), written(t, c.shape), expected(t, c.shape), index(it, {});
          x.fill_bits(), update.fill_bits(), index.set(0, static_cast<double>(start));
          std::memcpy(expected.data(), x.data(), static_cast<std::size_t>(x.header().bytes()));
          const auto size = static_cast<std::size_t>(thunder::size_of(t));
          run<ops::dynamic_slice>({&x, &index}, read, {c.axis, c.m});
          bool right = true;
          for (std::int64_t i = 0; i < update.count(); ++i) {
            extents at = coordinates(update.header(), i);
            at[static_cast<std::size_t>(c.axis)] += first;
            const auto there = static_cast<std::size_t>(linear(x.header(), at)) * size, here = static_cast<std::size_t>(i) * size;
            right = right && std::memcmp(read.data() + here, x.data() + there, size) == 0;
            std::memcpy(expected.data() + there, update.data() + here, size);
          }
          CHECK(right);
          run<ops::dynamic_update_slice>({&x, &update, &index}, written, {c.axis});
          CHECK(written.equals(expected));
          run<ops::dynamic_update_slice, serial_target>({&x, &update, &index}, x, {c.axis});
          CHECK(x.equals(expected));
        }
}

std::int32_t naive_argmax(const buffer& x, std::int64_t first, std::int64_t n, std::int64_t stride) {
  std::int64_t best = 0;
  for (std::int64_t i = 1; i < n; ++i) {
    const double v = x[first + i * stride], b = x[first + best * stride];
    if (std::isnan(b)) break;
    if (std::isnan(v) || v > b) best = i;
  }
  return static_cast<std::int32_t>(best);
}
TEST_CASE("argmax: any axis, every element type, ties, NaN, infinities") {
  for (const extents& shape : {extents{1},
                               {7},
                               {64},
                               {100},
                               {3, 1},
                               {1, 3},
                               {5, 7, 9},
                               {64, 10},
                               {2, 100, 65},
                               {100, 1, 7},
                               {300, 1000},
                               {1000, 3, 100},
                               {2, 2, 2, 2, 2, 2}})
    for (const dtype t : all_types)
      for (int variant = 0; variant < 3; ++variant) {
        buffer x(t, shape);
        x.fill([&](std::int64_t) {
          const double v = static_cast<double>(random(-variant * 3 - 1, variant * 3 + 1));
          if (!thunder::is_floating(t)) return v;
          const auto special = random(0, 300);
          return special == 0 && variant ? std::numeric_limits<double>::quiet_NaN()
                 : special < 5           ? (special % 2 ? 1 : -1) * std::numeric_limits<double>::infinity()
                                         : v;
        });
        for (int axis = 0; axis < x.header().rank; ++axis) {
          extents to = shape;
          to.erase(to.begin() + axis);
          buffer y(dtype::i32, to);
          run<ops::argmax>({&x}, y, {axis});
          const std::int64_t n = shape[static_cast<std::size_t>(axis)], inner = x.header().count(axis + 1, x.header().rank);
          std::int64_t bad = 0;
          for (std::int64_t i = 0; i < y.count(); ++i)
            bad += y[i] != naive_argmax(x, i / inner * n * inner + i % inner, n, inner);
          CHECK_MESSAGE(bad == 0, thunder::name_of(t), " axis ", axis, " of ", x.count());
        }
      }
}

}  // namespace
