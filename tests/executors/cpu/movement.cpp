// The steps that move bytes, against one element at a time, over random shapes, every element type, and sizes that use threads,
// tiles and stores past the caches.
#include <thunder/executors/cpu/movement.hpp>

#include "arrays.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <string>

using namespace steps;
namespace ops = thunder::ops;
namespace {

/// Elements of `from` by the operand's coordinates for the result's, or zeros where there are none.
using place = std::function<bool(const extents& result, extents& operand)>;
buffer moved(const buffer& x, dtype t, const extents& shape, const place& p) {
  buffer y(t, shape);
  const auto bytes = static_cast<std::size_t>(thunder::size_of(t));
  for (std::int64_t i = 0; i < y.count(); ++i) {
    extents at;
    char* const to = y.data() + static_cast<std::size_t>(i) * bytes;
    if (p(coordinates(y.header(), i), at))
      std::memcpy(to, x.data() + static_cast<std::size_t>(linear(x.header(), at)) * bytes, bytes);
    else std::memset(to, 0, bytes);
  }
  return y;
}
template <class Op>
void check(const buffer& x, const extents& shape, const std::vector<std::int64_t>& words, const place& p,
           const std::string& what) {
  const buffer expected = moved(x, x.type(), shape, p);
  buffer y(x.type(), shape), z(x.type(), shape);
  run<Op>({&x}, y, words);
  run<Op, serial_target>({&x}, z, words);
  CHECK_MESSAGE(y.equals(expected), what);
  CHECK_MESSAGE(z.equals(expected), what);
}
std::string text(const char* name, const buffer& x, const std::vector<std::int64_t>& words) {
  std::string s = std::string(name) + " of " + thunder::name_of(x.type()) + " [";
  for (int d = 0; d < x.header().rank; ++d) s += " " + std::to_string(x.header().extents[d]);
  s += " ], words";
  for (auto w : words) s += " " + std::to_string(w);
  return s;
}
std::int64_t random_extent() {
  constexpr std::int64_t usual[]{1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31, 32, 33, 64, 65, 100};
  return usual[random(0, 15)];
}
extents random_shape(int lowest_rank = 0, std::int64_t most = 30000) {
  extents e;
  std::int64_t n = 1;
  for (auto rank = random(lowest_rank, 6); rank > 0; --rank) {
    auto d = random_extent();
    if (n * d > most) d = 1;
    e.push_back(d), n *= d;
  }
  return e;
}
dtype random_type() { return all_types[random(0, 6)]; }

void check_transpose(dtype t, const extents& shape, const std::vector<std::int64_t>& order) {
  buffer x(t, shape);
  x.fill_bits();
  extents to;
  for (auto o : order) to.push_back(shape[static_cast<std::size_t>(o)]);
  check<ops::transpose>(x, to, order, [&](const extents& r, extents& at) {
    at.resize(r.size());
    for (std::size_t d = 0; d < r.size(); ++d) at[static_cast<std::size_t>(order[d])] = r[d];
    return true;
  }, text("transpose", x, order));
}

TEST_CASE("transpose: every size of a matrix near a tile, every element type") {
  for (const dtype t : {dtype::b8, dtype::bf16, dtype::f32, dtype::f64})
    for (const std::int64_t n : {1, 2, 7, 15, 16, 17, 32, 63, 64, 65, 100})
      for (const std::int64_t m : {1, 3, 7, 16, 31, 64, 100}) check_transpose(t, {n, m}, {1, 0});
}
TEST_CASE("transpose: all orders of up to four axes, random orders of more") {
  for (int rank = 0; rank <= 4; ++rank) {
    std::vector<std::int64_t> order(static_cast<std::size_t>(rank));
    std::iota(order.begin(), order.end(), 0);
    do {
      extents shape{5, 7, 3, 9};
      shape.resize(order.size());
      check_transpose(random_type(), shape, order);
    } while (std::next_permutation(order.begin(), order.end()));
  }
  for (int i = 0; i < 200; ++i) {
    const extents shape = random_shape();
    std::vector<std::int64_t> order(shape.size());
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), generator());
    check_transpose(random_type(), shape, order);
  }
}
TEST_CASE("transpose: sizes that use threads") {
  check_transpose(dtype::f32, {513, 700}, {1, 0});
  check_transpose(dtype::bf16, {1000, 555}, {1, 0});
  check_transpose(dtype::f32, {8, 64, 12, 64}, {0, 2, 1, 3});  // attention heads: whole rows move
  check_transpose(dtype::f32, {8, 64, 12, 64}, {0, 2, 3, 1});
  check_transpose(dtype::f32, {8, 3, 10000}, {0, 2, 1});
  check_transpose(dtype::f32, {20000, 3, 5}, {0, 2, 1});
  check_transpose(dtype::i64, {300, 2, 301}, {2, 1, 0});
}

TEST_CASE("slice") {
  for (int i = 0; i < 400; ++i) {
    buffer x(random_type(), random_shape(0, i < 380 ? 30000 : 1000000));
    x.fill_bits();
    const int rank = x.header().rank;
    const auto n = static_cast<std::size_t>(rank);
    std::vector<std::int64_t> w(3 * n);
    extents to(n);
    for (std::size_t d = 0; d < n; ++d) {
      const std::int64_t e = x.header().extents[d];
      w[d] = 0, w[n + d] = -1, w[2 * n + d] = 1;
      if (random(0, 1)) w[d] = random(0, e - 1), w[n + d] = random(0, 1) ? -1 : random(w[d] + 1, e), w[2 * n + d] = random(1, 3);
      to[d] = ((w[n + d] < 0 ? e : w[n + d]) - w[d] + w[2 * n + d] - 1) / w[2 * n + d];
    }
    check<ops::slice>(x, to, w, [&](const extents& r, extents& at) {
      at = r;
      for (std::size_t d = 0; d < n; ++d) at[d] = w[d] + r[d] * w[2 * n + d];
      return true;
    }, text("slice", x, w));
  }
}

void check_pad(const buffer& x, const std::vector<std::int64_t>& w) {
  const auto n = static_cast<std::size_t>(x.header().rank);
  extents to(n);
  for (std::size_t d = 0; d < n; ++d) {
    const std::int64_t e = x.header().extents[d];
    to[d] = w[d] + e + (e > 0 ? (e - 1) * w[2 * n + d] : 0) + w[n + d];
  }
  check<ops::pad>(x, to, w, [&](const extents& r, extents& at) {
    at = r;
    for (std::size_t d = 0; d < n; ++d) {
      const std::int64_t i = r[d] - w[d], step = w[2 * n + d] + 1;
      if (i < 0 || i % step || i / step >= x.header().extents[d]) return false;
      at[d] = i / step;
    }
    return true;
  }, text("pad", x, w));
}
TEST_CASE("pad") {
  for (int i = 0; i < 400; ++i) {
    buffer x(random_type(), random_shape(0, 3000));
    x.fill_bits();
    const auto n = static_cast<std::size_t>(x.header().rank);
    std::vector<std::int64_t> w(3 * n);
    std::int64_t size = x.count();
    for (std::size_t d = 0; d < n; ++d)
      if (size < 20000 && random(0, 2) == 0) w[d] = random(0, 3), w[n + d] = random(0, 3), w[2 * n + d] = random(0, 2), size *= 4;
    check_pad(x, w);
  }
  buffer row(dtype::f32, {200000}), column(dtype::bf16, {2000, 100}), stretched(dtype::f32, {1, 100000});
  check_pad(row.fill_bits(), {7, 5, 0});
  check_pad(column.fill_bits(), {0, 50, 0, 50, 0, 0});
  check_pad(stretched.fill_bits(), {0, 3, 0, 2, 0, 2});
}

TEST_CASE("broadcast: any mask") {
  for (int i = 0; i < 400; ++i) {
    const extents shape = random_shape(0, i < 380 ? 30000 : 1000000);
    const std::int64_t mask = random(0, (std::int64_t{1} << shape.size()) - 1);
    extents from;
    for (std::size_t d = 0; d < shape.size(); ++d)
      if (mask >> d & 1) from.push_back(shape[d]);
    buffer x(random_type(), from);
    x.fill_bits();
    check<ops::broadcast>(x, shape, {mask}, [&](const extents& r, extents& at) {
      for (std::size_t d = 0; d < r.size(); ++d)
        if (mask >> d & 1) at.push_back(r[d]);
      return true;
    }, text("broadcast", x, {mask}));
  }
}

TEST_CASE("concatenate") {
  for (int i = 0; i < 300; ++i) {
    extents shape = random_shape(1, i < 280 ? 5000 : 300000);
    const auto axis = static_cast<std::size_t>(random(0, static_cast<std::int64_t>(shape.size()) - 1));
    const dtype t = random_type();
    std::vector<buffer> x;
    std::vector<std::int64_t> owner, first;
    for (auto k = random(1, 4); k > 0; --k) {
      shape[axis] = random(0, 9) ? random_extent() % 12 + 1 : 0;
      x.emplace_back(t, shape);
      x.back().fill_bits();
      for (std::int64_t e = 0; e < shape[axis]; ++e) owner.push_back(static_cast<std::int64_t>(x.size()) - 1), first.push_back(e);
    }
    shape[axis] = static_cast<std::int64_t>(owner.size());
    buffer y(t, shape), expected(t, shape);
    const auto bytes = static_cast<std::size_t>(thunder::size_of(t));
    for (std::int64_t e = 0; e < expected.count(); ++e) {
      extents at = coordinates(expected.header(), e);
      const buffer& from = x[static_cast<std::size_t>(owner[static_cast<std::size_t>(at[axis])])];
      at[axis] = first[static_cast<std::size_t>(at[axis])];
      std::memcpy(expected.data() + static_cast<std::size_t>(e) * bytes,
                  from.data() + static_cast<std::size_t>(linear(from.header(), at)) * bytes, bytes);
    }
    std::vector<const buffer*> in;
    for (auto& b : x) in.push_back(&b);
    run<ops::concatenate>(in, y, {static_cast<std::int64_t>(axis)});
    CHECK(y.equals(expected));
  }
}

TEST_CASE("reshape copies, and leaves a result in place") {
  for (const std::int64_t n : {0, 1, 7, 100, 300001}) {
    buffer x(dtype::bf16, {n}), y(dtype::bf16, {1, n});
    x.fill_bits();
    run<ops::reshape>({&x}, y, {});
    CHECK(std::memcmp(x.data(), y.data(), static_cast<std::size_t>(2 * n)) == 0);
    run<ops::reshape>({&x}, x, {});
  }
}

TEST_CASE("full and iota: every element type") {
  for (const dtype t : all_types)
    for (const extents& shape : {extents{}, {1}, {7}, {3, 5}, {64, 1, 100}, {2, 0, 3}, {700, 301}}) {
      for (const double v : {0.0, 1.0, -3.0, 0.5}) {
        buffer y(t, shape), expected(t, shape);
        run<ops::full>({}, y, {std::bit_cast<std::int64_t>(v)});
        CHECK(y.equals(expected.fill([&](std::int64_t) { return v; })));
      }
      for (std::size_t axis = 0; axis < shape.size() && t != dtype::b8; ++axis) {
        buffer y(t, shape), expected(t, shape);
        run<ops::iota>({}, y, {static_cast<std::int64_t>(axis)});
        CHECK(y.equals(expected.fill([&](std::int64_t i) { return static_cast<double>(coordinates(y.header(), i)[axis]); })));
      }
    }
}

TEST_CASE("results that are stored past the caches") {
  const std::int64_t n = 3000, m = 3072;  // 36 MB
  buffer x(dtype::f32, {n, m}), y(dtype::f32, {m, n}), z(dtype::f32, {n, m}), all(dtype::f32, {n * m}), rows(dtype::f32, {n, m});
  x.fill([](std::int64_t i) { return static_cast<double>(i % 100003); });
  run<ops::transpose>({&x}, y, {1, 0});
  run<ops::transpose>({&y}, z, {1, 0});
  CHECK(z.equals(x));
  for (const std::int64_t i : {0, 1, 1499, 2999})
    for (const std::int64_t j : {0, 1, 15, 16, 3071}) CHECK(y[j * n + i] == x[i * m + j]);
  run<ops::reshape>({&x}, all, {});
  CHECK(all.equals(x));
  const double one = 1;
  run<ops::full>({}, all, {std::bit_cast<std::int64_t>(one)});
  bool ones = true;
  for (std::int64_t i = 0; i < n * m; ++i) ones = ones && all[i] == 1;
  CHECK(ones);
  buffer row(dtype::f32, {m}), column(dtype::f32, {n});
  row.fill([](std::int64_t i) { return static_cast<double>(i); }),
      column.fill([](std::int64_t i) { return static_cast<double>(i); });
  auto mismatches = [&](auto expected) {
    std::int64_t bad = 0;
    for (std::int64_t i = 0; i < n * m; ++i) bad += rows[i] != static_cast<double>(expected(i));
    return bad;
  };
  run<ops::broadcast>({&row}, rows, {2});
  CHECK(mismatches([&](std::int64_t i) { return i % m; }) == 0);
  run<ops::broadcast>({&column}, rows, {1});
  CHECK(mismatches([&](std::int64_t i) { return i / m; }) == 0);
}

}  // namespace
