#pragma once
/// Matrix products: one call of BLAS where the batch can join the rows, otherwise one for each matrix of the batch. The 16-bit
/// types are converted to float by blocks, multiplied and accumulated in float, and rounded once (not at all, where the result is float).
#include <cstring>
#include <type_traits>

#include "../../core/math.hpp"
#include "arena.hpp"
#include "blas.hpp"
#include "memory.hpp"
#include "step.hpp"

namespace thunder::ops {
struct matmul;
}

namespace thunder::cpu {

/// (x: [.., n, k], y: [.., k, m] or [k, m]) -> [.., n, m]. words: 1 where an operand's last two dimensions are given transposed.
template <class Target> struct library_step<ops::matmul, Target> {
  using threads = typename Target::threads;
  static constexpr bool exists = true;
  static void run(const step_arguments& s) {
    with_dtype<dtype::f16>(s.inputs[0].type, [&](auto type) { multiply<type.value>(s); });
  }

 private:
  /// Multiply-adds below which a loop is faster than a call of BLAS.
  static constexpr std::int64_t tiny = 128;
  /// Multiply-adds above which one product is worth all threads.
  static constexpr std::int64_t large = std::int64_t{1} << 24;
  /// Elements of a block that is converted at a time.
  static constexpr std::int64_t block = std::int64_t{1} << 20;

  template <dtype T> static void multiply(const step_arguments& s) {
    using S = stored<T>;
    const array &x = s.inputs[0], &y = s.inputs[1], &z = s.outputs[0];
    const bool tx = s.words[0] != 0, ty = s.words[1] != 0;
    const std::int64_t batch = y.rank > 2 ? z.count(0, z.rank - 2) : 1;
    product<S> p{static_cast<const S*>(x.data), static_cast<const S*>(y.data), static_cast<S*>(z.data)};
    p.m = z.extents[z.rank - 2], p.n = z.extents[z.rank - 1], p.k = x.extents[x.rank - (tx ? 2 : 1)];
    p.a_transposed = tx, p.b_transposed = ty;
    const bool wide = z.type != T;  // c is of floats
    if (y.rank == 2 && x.rank > 2) p.m = z.count(0, z.rank - 1);  // one y for all: the batch joins the rows
    if (z.count() == 0) return;
    if (p.k == 0) return void(std::memset(z.data, 0, static_cast<std::size_t>(z.bytes())));
    auto matrix = [&](std::int64_t i) {
      product<S> q = p;
      q.a += i * p.m * p.k, q.b += i * p.k * p.n, q.c += i * p.m * p.n * (wide ? 2 : 1);
      matrix_product<T>(q, wide);
    };
    const std::int64_t work = p.m * p.n * p.k;
    const int team =
        batch > 1 && (work < large || batch % threads::available() == 0 || batch >= 4 * threads::available())
            ? threads_for<threads>(batch, batch * math::maximum((p.m * p.k + p.k * p.n + p.m * p.n) * size_of(T), work / 8))
            : 1;
    if (team == 1) {
      for (std::int64_t i = 0; i < batch; ++i) matrix(i);
    } else {
      threads::run(team, [&](int thread, int size) {
        const part mine(batch, thread, size);
        for (std::int64_t i = mine.begin; i < mine.end; ++i) matrix(i);
      });
    }
  }

  template <dtype T> static void matrix_product(const product<stored<T>>& p, bool wide = false) {
    if constexpr (T == dtype::f32 || T == dtype::f64) {
      if (p.m * p.n * p.k <= tiny) tiny_product(p);
      else if (p.n == 1) {
        std::memset(p.c, 0, static_cast<std::size_t>(p.m) * sizeof *p.c);
        blas_gemv(p.a, p.a_transposed ? p.k : p.m, p.a_transposed ? p.m : p.k, p.a_transposed, p.b, p.c);
      } else if (p.m == 1) {
        std::memset(p.c, 0, static_cast<std::size_t>(p.n) * sizeof *p.c);
        blas_gemv(p.b, p.b_transposed ? p.n : p.k, p.b_transposed ? p.k : p.n, !p.b_transposed, p.a, p.c);
      } else blas_gemm(p);
    } else if (p.a_transposed && !p.b_transposed) by_inner_blocks<T>(p, wide);
    else by_row_blocks<T>(p, wide);
  }

  template <class T> static void tiny_product(product<T> p) {
    const std::int64_t row = p.a_transposed ? 1 : p.k, column = p.a_transposed ? p.m : 1;
    for (std::int64_t i = 0; i < p.m; ++i) {
      const T* a = p.a + i * row;
      T* __restrict c = p.c + i * p.n;
      if (p.b_transposed) {
        for (std::int64_t j = 0; j < p.n; ++j) {
          T sum = 0;
          for (std::int64_t k = 0; k < p.k; ++k) sum += a[k * column] * p.b[j * p.k + k];
          c[j] = sum;
        }
      } else {
        for (std::int64_t j = 0; j < p.n; ++j) c[j] = a[0] * p.b[j];
        for (std::int64_t k = 1; k < p.k; ++k)
          for (std::int64_t j = 0; j < p.n; ++j) c[j] += a[k * column] * p.b[k * p.n + j];
      }
    }
  }

  // ---- 16-bit types
  static constexpr int lanes = Target::bytes / 4;
  template <dtype From, dtype To> static void convert(const void* from, void* to, std::int64_t i, std::int64_t end) {
    for (; i + lanes <= end; i += lanes) store<To, lanes>(to, i, load<From, lanes>(from, i));
    if (i < end) store<To, lanes>(to, i, load<From, lanes>(from, i, static_cast<int>(end - i)), static_cast<int>(end - i));
  }
  /// Both operands, or what is wanted of them, by one team.
  template <dtype T> static void to_float(const std::uint16_t* a, float* a_to, std::int64_t n, const std::uint16_t* b, float* b_to, std::int64_t m) {
    parallel_for<threads>(n + m, (n + m) * 6, [&](std::int64_t i, std::int64_t end, int) {
      if (i < n) convert<T, dtype::f32>(a, a_to, i, math::minimum(end, n));
      if (end > n) convert<T, dtype::f32>(b, b_to, math::maximum(i, n) - n, end - n);
    });
  }
  template <dtype T> static void from_float(const float* from, std::uint16_t* to, std::int64_t n) {
    parallel_for<threads>(n, n * 6, [&](std::int64_t i, std::int64_t end, int) { convert<dtype::f32, T>(from, to, i, end); });
  }
  static float* scratch(std::int64_t floats) {
    return static_cast<float*>(working_memory(purpose::matmul_operands, static_cast<std::size_t>(floats) * sizeof(float)));
  }

  static float* floats(void* c) { return static_cast<float*>(c); }

  /// b is converted once; rows of a and c by blocks. (A transposed a has no contiguous rows: one block.)
  template <dtype T> static void by_row_blocks(const product<std::uint16_t>& p, bool wide) {
    const std::int64_t rows = p.a_transposed ? p.m : math::minimum(p.m, math::maximum(std::int64_t{256}, block / math::maximum(p.k, p.n)));
    float* const b = scratch(p.k * p.n + rows * (p.k + (wide ? 0 : p.n)));
    float *const a = b + p.k * p.n, *const rounded = a + rows * p.k;
    for (std::int64_t i = 0; i < p.m; i += rows) {
      const std::int64_t m = math::minimum(rows, p.m - i);
      float* const c = wide ? floats(p.c) + i * p.n : rounded;
      to_float<T>(p.a + i * p.k, a, m * p.k, p.b, b, i == 0 ? p.k * p.n : 0);
      matrix_product<dtype::f32>({a, b, c, m, p.n, p.k, p.a_transposed, p.b_transposed, false});
      if (!wide) from_float<T>(c, p.c + i * p.n, m * p.n);
    }
  }
  /// Both are contiguous along the inner dimension's blocks: a weight's gradient, summed over the rows of a batch.
  template <dtype T> static void by_inner_blocks(const product<std::uint16_t>& p, bool wide) {
    const std::int64_t inner = math::minimum(p.k, math::maximum(std::int64_t{256}, block / math::maximum(p.m, p.n)));
    float* const a = scratch(inner * (p.m + p.n) + (wide ? 0 : p.m * p.n));
    float *const b = a + inner * p.m, *const c = wide ? floats(p.c) : b + inner * p.n;
    for (std::int64_t i = 0; i < p.k; i += inner) {
      const std::int64_t k = math::minimum(inner, p.k - i);
      to_float<T>(p.a + i * p.m, a, k * p.m, p.b + i * p.n, b, k * p.n);
      if (i == 0) matrix_product<dtype::f32>({a, b, c, p.m, p.n, k, true, false, false});
      else blas_gemm(product<float>{a, b, c, p.m, p.n, k, true, false, true});
    }
    if (!wide) from_float<T>(c, p.c, p.m * p.n);
  }
};

}  // namespace thunder::cpu
