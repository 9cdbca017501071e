// sort and top_k on the GPU against the definition.
#include <thunder/executors/cuda/sort.hpp>
#include <thunder/ops/sort.hpp>

#include "../sort.hpp"
#include "device_arrays.hpp"

namespace ops = thunder::ops;
namespace {

template <class Op> void check_step(const char* name, thunder::dtype t, const steps::extents& shape, std::int64_t word, bool descending, std::int64_t kept) {
  const steps::buffer x = steps::rows_to_sort(t, shape);
  steps::buffer y(t, steps::with_last(shape, kept)), index(thunder::dtype::i32, steps::with_last(shape, kept));
  const std::string what = steps::text(name, {&x}, {word});
  CHECK_MESSAGE(steps::run_on_device<Op>({&x}, {&y, &index}, {word}), what);
  CHECK_MESSAGE(steps::is_sorted(x, y, index, descending), what);
}
void check_rows(std::int64_t rows, std::int64_t n) {
  const thunder::dtype t = steps::all_types[steps::random(0, 6)];
  const std::int64_t down = steps::random(0, 1), k = steps::random(1, std::min<std::int64_t>(n, steps::random(0, 1) ? 1024 : 8));
  check_step<ops::sort>("sort", t, {rows, n}, down, down == 1, n);
  check_step<ops::top_k>("top_k", t, {rows, n}, k, true, k);
}

TEST_CASE("rows of any length, by each of the sorts") {
  if (!steps::have_device()) return;
  for (int i = 0; i < 100; ++i) {
    check_rows(steps::random(1, 500), steps::random(1, 256));
    check_rows(steps::random(1, 60), steps::random(257, 1100));
    check_rows(steps::random(1, 20), steps::random(1101, 5000));
  }
  for (int i = 0; i < 8; ++i) {
    check_rows(steps::random(5, 9), steps::random(4097, 20000));
    check_rows(1, steps::random(60000, 200000));
  }
}

}  // namespace
