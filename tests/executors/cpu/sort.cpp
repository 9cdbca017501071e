// sort and top_k against the definition, in every element type; scatter against take.
#include <thunder/executors/cpu/gather.hpp>
#include <thunder/executors/cpu/sort.hpp>
#include <thunder/ops/sort.hpp>

#include "../sort.hpp"

using namespace steps;
namespace ops = thunder::ops;
namespace {

template <class Op, class Target> bool sorts(const buffer& x, const extents& shape, std::int64_t word, bool descending) {
  const buffer y(x.type(), shape), index(dtype::i32, shape);
  const thunder::array out[]{y.header(), index.header()};
  cpu::library_step<Op, Target>::run({&x.header(), 1, out, 2, &word, 1});
  return y.guarded() && index.guarded() && is_sorted(x, y, index, descending);
}

TEST_CASE("every element type and order") {
  const std::vector<extents> shapes{{1}, {2}, {37}, {3, 1}, {0, 5}, {5, 0}, {4, 100}, {2, 3, 700}};
  for (const extents& shape : shapes)
    for (const dtype t : all_types) {
      const buffer x = rows_to_sort(t, shape);
      CHECK(sorts<ops::sort, cpu::default_target>(x, shape, 0, false));
      CHECK(sorts<ops::sort, serial_target>(x, shape, 1, true));
      for (const std::int64_t k : {1, 3, 90})
        if (k <= shape.back()) CHECK(sorts<ops::top_k, cpu::default_target>(x, with_last(shape, k), k, true));
    }
}
TEST_CASE("long rows on several threads") {
  const extents shape{5, 20000};
  const buffer x = rows_to_sort(dtype::f32, shape);
  CHECK(sorts<ops::sort, cpu::default_target>(x, shape, 1, true));
  CHECK(sorts<ops::top_k, cpu::default_target>(x, {5, 50}, 50, true));
}
TEST_CASE("scatter puts rows back that take picked") {
  for (const dtype t : all_types)
    for (const extents& row : std::vector<extents>{{}, {2}, {7}}) {
      extents all{40}, some{25};
      all.insert(all.end(), row.begin(), row.end()), some.insert(some.end(), row.begin(), row.end());
      buffer x(t, some), y(t, all), back(t, some), index(dtype::i32, {25});
      x.fill_bits();
      index.fill([](std::int64_t i) { return static_cast<double>(i * 7 % 40); });
      run<ops::scatter>({&index, &x}, y, {});
      run<ops::take>({&y, &index}, back, {});
      CHECK(back.equals(x));
      const std::int64_t columns = y.header().count(1, y.header().rank);
      for (std::int64_t i = 0; i < columns; ++i) CHECK(y[25 * 7 % 40 * columns + i] == 0);
    }
}

}  // namespace
