#pragma once
/// The first index of the largest element along one axis. A NaN counts as larger than all numbers.
#include "packet.hpp"
#include "strided.hpp"

namespace thunder::ops {
struct argmax;
}

namespace thunder::cuda {

/// How threads share the search: 2^columns_log of them stand at neighbouring columns, 2^parts_log share the elements of one column, and what
/// is left of a block takes other rows (outer positions).
struct argmax_grid {
  std::int64_t outer, n, inner;
  int columns_log = 0, parts_log = 0, threads = 256;
  divisor across;  // blocks along the columns
  argmax_grid(std::int64_t outer_count, std::int64_t length, std::int64_t inner_count, int processors)
      : outer(outer_count), n(length), inner(inner_count) {
    while (columns_log < 5 && std::int64_t{1} << columns_log < inner) ++columns_log;
    across = divisor((inner + (std::int64_t{1} << columns_log) - 1) >> columns_log);
    if (outer * across.by < 2 * processors) threads = 1024;  // few searches: they should be short
    while (threads >> (columns_log + parts_log) > 1 && std::int64_t{1} << parts_log < n) ++parts_log;
  }
  int rows() const { return threads >> (columns_log + parts_log); }
  unsigned blocks() const { return launched_blocks((outer + rows() - 1) / rows() * across.by); }
};

/// a before b: it is larger, or equal and earlier.
template <class N> THUNDER_DEVICE bool before(N a, std::int32_t at, N b, std::int32_t other) {
  const bool a_nan = a != a, b_nan = b != b, same = a == b || (a_nan && b_nan);
  return same ? at < other : a > b || a_nan;
}
template <dtype T, class Machine> __global__ void __launch_bounds__(1024)
argmax_kernel(const __grid_constant__ argmax_grid g, const void* x, std::int32_t* result) {
  using one = packet<Machine, T, 1>;
  using number = typename one::number;
  constexpr int ahead = 8;  // loads under way together
  __shared__ number numbers[1024];
  __shared__ std::int32_t indices[1024];
  const int thread = static_cast<int>(threadIdx.x), parts = 1 << g.parts_log, part = thread >> g.columns_log & (parts - 1);
  std::int64_t down = blockIdx.x;
  const std::int64_t column = (g.across.split(down) << g.columns_log) + (thread & ((1 << g.columns_log) - 1));
  const std::int64_t row = down * (g.threads >> (g.columns_log + g.parts_log)) + (thread >> (g.columns_log + g.parts_log));
  const bool mine = row < g.outer && column < g.inner && part < g.n;
  number best{};
  std::int32_t index = 0x7fffffff;  // of no element
  if (mine) {
    const std::int64_t start = row * g.n * g.inner + column;
    one v[ahead];
    auto load = [&](int k, std::int64_t i) { v[k].template load<false>(x, start + i * g.inner); };
    auto look = [&](int k, std::int64_t i) {
      const number y = v[k].get(0, 0u);
      if (y > best || (y != y && best == best)) best = y, index = static_cast<std::int32_t>(i);
    };
    std::int64_t i = part;
    load(0, i), best = v[0].get(0, 0u), index = part;
    for (i += parts; i + (ahead - 1) * std::int64_t{parts} < g.n; i += ahead * std::int64_t{parts}) {
#pragma unroll
      for (int k = 0; k < ahead; ++k) load(k, i + k * std::int64_t{parts});
#pragma unroll
      for (int k = 0; k < ahead; ++k) look(k, i + k * std::int64_t{parts});
    }
    for (; i < g.n; i += parts) load(0, i), look(0, i);
  }
  numbers[thread] = best, indices[thread] = index;
  for (int half = parts / 2; half > 0; half /= 2) {
    __syncthreads();
    if (part >= half) continue;
    const int other = thread + (half << g.columns_log);
    if (indices[other] != 0x7fffffff && before(numbers[other], indices[other], best, index))
      numbers[thread] = best = numbers[other], indices[thread] = index = indices[other];
  }
  if (mine && part == 0) result[row * g.inner + column] = index;
}

/// words: the axis.
template <class Machine> struct library_step<ops::argmax, Machine> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s, cudaStream_t stream) {
    with_dtype(s.inputs[0].type, [&](auto type) { search<type.value>(s, stream); });
  }

 private:
  template <dtype T> static void search(const step_arguments& s, cudaStream_t stream) {
    const array& x = s.inputs[0];
    const int axis = static_cast<int>(s.words[0]);
    if (x.count() == 0) return;
    const argmax_grid g(x.count(0, axis), x.extents[axis], x.count(axis + 1, x.rank), properties().processors);
    argmax_kernel<T, Machine><<<g.blocks(), static_cast<unsigned>(g.threads), 0, stream>>>(g, x.data, static_cast<std::int32_t*>(s.outputs[0].data));
    check(cudaGetLastError(), "argmax: starting the search");
  }
};

}  // namespace thunder::cuda
