#pragma once
/// OpenBLAS: products of row-major matrices. The only header that includes cblas.h.
///
/// OpenBLAS's OpenMP build uses the threads of the OpenMP runtime, and one thread where it is called in a parallel region; so
/// products share the cores with our loops, and there is nothing to set.
#include <cblas.h>

#include <cstdint>
#include <limits>

#include "../../core/error.hpp"
#include "vec.hpp"

namespace thunder::cpu {

/// c = a b (+ c if `accumulate`), with c: [m, n] row-major. a: [m, k], or [k, m] if `a_transposed`; b: [k, n], or [n, k].
template <class T> struct product {
  const T* a;
  const T* b;
  T* c;
  std::int64_t m = 0, n = 0, k = 0;
  bool a_transposed = false, b_transposed = false, accumulate = false;
};

/// BLAS counts in int.
THUNDER_INLINE int blas_size(std::int64_t n) {
  if (n > std::numeric_limits<int>::max()) throw error("matmul: an extent of a matrix is over 2^31 - 1");
  return static_cast<int>(n);
}
THUNDER_INLINE CBLAS_TRANSPOSE blas_transpose(bool t) { return t ? CblasTrans : CblasNoTrans; }

/// All extents are positive.
template <class T> THUNDER_INLINE void blas_gemm(const product<T>& p) {
  const int m = blas_size(p.m), n = blas_size(p.n), k = blas_size(p.k), lda = p.a_transposed ? m : k,
            ldb = p.b_transposed ? k : n;
  const auto ta = blas_transpose(p.a_transposed), tb = blas_transpose(p.b_transposed);
  const T beta = p.accumulate ? T(1) : T(0);
  if constexpr (std::is_same_v<T, float>) cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, 1.0f, p.a, lda, p.b, ldb, beta, p.c, n);
  else cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, 1.0, p.a, lda, p.b, ldb, beta, p.c, n);
}
/// y += matrix x, or its transpose times x; the matrix is rows x columns.
template <class T>
THUNDER_INLINE void blas_gemv(const T* matrix, std::int64_t rows, std::int64_t columns, bool transposed, const T* x, T* y) {
  const int r = blas_size(rows), c = blas_size(columns);
  if constexpr (std::is_same_v<T, float>)
    cblas_sgemv(CblasRowMajor, blas_transpose(transposed), r, c, 1.0f, matrix, c, x, 1, 1.0f, y, 1);
  else cblas_dgemv(CblasRowMajor, blas_transpose(transposed), r, c, 1.0, matrix, c, x, 1, 1.0, y, 1);
}

}  // namespace thunder::cpu
