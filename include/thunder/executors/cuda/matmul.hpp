#pragma once
/// Matrix products through cuBLASLt.
#include <cublasLt.h>

#include <map>
#include <tuple>

#include "../../runtime/cuda.hpp"
#include "step.hpp"

namespace thunder::ops {
struct matmul;
}  // namespace thunder::ops

namespace thunder::cuda {

inline void check(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS) throw device_error(std::string(what) + ": " + cublasLtGetStatusString(status));
}

/// Whether float products may round their operands to TF32 (10 bits). Off by default.
inline bool allow_tf32 = false;

/// One product with its descriptors and algorithm, resolved once for a shape: c = op(a) op(b), batched, column-major as cuBLAS counts.
struct product_key {
  dtype type;
  bool transposed_a, transposed_b, tf32;
  std::int64_t m, n, k, batch, stride_a, stride_b;
  auto operator<=>(const product_key&) const = default;
};
class product {
 public:
  product(cublasLtHandle_t handle, const product_key& key) {
    const cudaDataType_t t = key.type == dtype::f32 ? CUDA_R_32F : key.type == dtype::f64 ? CUDA_R_64F : key.type == dtype::bf16 ? CUDA_R_16BF : CUDA_R_16F;
    const bool wide = key.type == dtype::f64;
    const cublasComputeType_t c = wide ? CUBLAS_COMPUTE_64F : key.type == dtype::f32 && key.tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
    check(cublasLtMatmulDescCreate(&description_, c, wide ? CUDA_R_64F : CUDA_R_32F), "matmul: describing a product");
    const cublasOperation_t ta = key.transposed_a ? CUBLAS_OP_T : CUBLAS_OP_N, tb = key.transposed_b ? CUBLAS_OP_T : CUBLAS_OP_N;
    set(CUBLASLT_MATMUL_DESC_TRANSA, ta), set(CUBLASLT_MATMUL_DESC_TRANSB, tb);
    make(&a_, t, key.transposed_a ? key.k : key.m, key.transposed_a ? key.m : key.k, key.batch, key.stride_a);
    make(&b_, t, key.transposed_b ? key.n : key.k, key.transposed_b ? key.k : key.n, key.batch, key.stride_b);
    make(&c_, t, key.m, key.n, key.batch, key.m * key.n);
    cublasLtMatmulPreference_t preference = nullptr;
    check(cublasLtMatmulPreferenceCreate(&preference), "matmul: preferences");
    std::size_t most = workspace_bytes;
    check(cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &most, sizeof most), "matmul: preferences");
    int found = 0;
    const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(handle, description_, a_, b_, c_, c_, preference, 1, &choice_, &found);
    cublasLtMatmulPreferenceDestroy(preference);
    check(status, "matmul: choosing an algorithm");
    if (found == 0) throw device_error("matmul: cuBLASLt has no algorithm for this product");
  }
  product(const product&) = delete;
  ~product() {
    if (c_) cublasLtMatrixLayoutDestroy(c_);
    if (b_) cublasLtMatrixLayoutDestroy(b_);
    if (a_) cublasLtMatrixLayoutDestroy(a_);
    if (description_) cublasLtMatmulDescDestroy(description_);
  }
  void run(cublasLtHandle_t handle, const void* a, const void* b, void* c, bool wide, cudaStream_t stream) const {
    const double one64 = 1, zero64 = 0;
    const float one = 1, zero = 0;
    check(cublasLtMatmul(handle, description_, wide ? static_cast<const void*>(&one64) : &one, a, a_, b, b_, wide ? static_cast<const void*>(&zero64) : &zero, c, c_, c, c_, &choice_.algo,
                         workspace(workspace_bytes), workspace_bytes, stream),
          "matmul");
  }
  static constexpr std::size_t workspace_bytes = 32 << 20;

 private:
  template <class T> void set(cublasLtMatmulDescAttributes_t what, const T& value) { check(cublasLtMatmulDescSetAttribute(description_, what, &value, sizeof value), "matmul: describing a product"); }
  static void make(cublasLtMatrixLayout_t* l, cudaDataType_t t, std::int64_t rows, std::int64_t columns, std::int64_t batch, std::int64_t stride) {
    check(cublasLtMatrixLayoutCreate(l, t, static_cast<std::uint64_t>(rows), static_cast<std::uint64_t>(columns), rows), "matmul: describing a matrix");
    if (batch == 1) return;
    const auto count = static_cast<std::int32_t>(batch);
    check(cublasLtMatrixLayoutSetAttribute(*l, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count), "matmul: describing a matrix");
    check(cublasLtMatrixLayoutSetAttribute(*l, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &stride, sizeof stride), "matmul: describing a matrix");
  }
  cublasLtMatmulDesc_t description_ = nullptr;
  cublasLtMatrixLayout_t a_ = nullptr, b_ = nullptr, c_ = nullptr;
  cublasLtMatmulHeuristicResult_t choice_{};
};

/// (x: [.., n, k], y: [.., k, m] or [k, m]) -> [.., n, m]. words: 1 where an operand's last two dimensions are given transposed.
template <> struct library_step<ops::matmul> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s, cudaStream_t stream) {
    const array &x = s.inputs[0], &y = s.inputs[1], &z = s.outputs[0];
    const int r = x.rank;
    std::int64_t n = x.extents[r - 2], k = x.extents[r - 1];
    if (s.words[0]) std::swap(n, k);
    const std::int64_t m = z.extents[z.rank - 1];
    std::int64_t batch = x.count(0, r - 2);
    if (z.count() == 0) return;
    if (k == 0) return check(cudaMemsetAsync(z.data, 0, static_cast<std::size_t>(z.bytes()), stream), "matmul: clearing");
    const bool shared = y.rank == 2 && batch > 1;  // one right operand for all
    if (shared && !s.words[0]) n *= batch, batch = 1;
    // Row-major z = x y is column-major z' = y' x'.
    const product_key key{z.type, s.words[1] != 0, s.words[0] != 0, allow_tf32, m, n, k, batch, shared ? 0 : k * m, n * k};
    state& mine = own();
    auto found = mine.products.find(key);
    if (found == mine.products.end()) found = mine.products.try_emplace(key, mine.handle, key).first;
    found->second.run(mine.handle, y.data, x.data, z.data, z.type == dtype::f64, stream);
  }

 private:
  struct state {
    cublasLtHandle_t handle = nullptr;
    std::map<product_key, product> products;
    state() { check(cublasLtCreate(&handle), "matmul: starting cuBLASLt"); }
    ~state() {
      products.clear();
      cublasLtDestroy(handle);
    }
  };
  static state& own() {
    static thread_local state s;
    return s;
  }
};

}  // namespace thunder::cuda
