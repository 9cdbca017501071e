#pragma once
/// Matrix products through cuBLASLt; small ones of float by a kernel (small_product.hpp).
#include <cublasLt.h>

#include <algorithm>
#include <limits>
#include <map>

#include "../../ops/matmul_epilogue.hpp"
#include "divisor.hpp"
#include "packet.hpp"
#include "product_library.hpp"
#include "stream.hpp"
#include "strided.hpp"

namespace thunder::cuda {

inline void check(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS) throw device_error(std::string(what) + ": " + cublasLtGetStatusString(status));
}

/// Whether float products may round their operands to TF32 (10 bits). Off by default.
inline bool allow_tf32 = false;
/// Whether the algorithm of a product is chosen by timing. Off, it is the first that cuBLASLt proposes: the same in every run of a program.
inline bool time_products = true;

/// What an algorithm is chosen for: c = op(a) op(b), column-major as cuBLAS counts. Alignments are in bytes, strides in elements.
struct product_key {
  dtype type, result;
  bool transposed_a, transposed_b, tf32;
  epilogue after;
  bool biased;
  std::int64_t m, n, k, batch, stride_a, stride_b;
  int align_a, align_b, align_c;
  auto operator<=>(const product_key&) const = default;
};

/// A product with its descriptors and algorithm. Throws device_error when cuBLASLt cannot compute it.
class product {
 public:
  product(cublasLtHandle_t handle, const product_key& key) : handle_(handle), wide_(key.type == dtype::f64) {
    const cudaDataType_t t = data_type(key.type);
    const cublasComputeType_t c = wide_ ? CUBLAS_COMPUTE_64F : key.tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
    check(cublasLtMatmulDescCreate(&description_.of, c, wide_ ? CUDA_R_64F : CUDA_R_32F), "matmul: describing a product");
    describe(CUBLASLT_MATMUL_DESC_TRANSA, key.transposed_a ? CUBLAS_OP_T : CUBLAS_OP_N);
    describe(CUBLASLT_MATMUL_DESC_TRANSB, key.transposed_b ? CUBLAS_OP_T : CUBLAS_OP_N);
    lay_out(a_.of, t, key.m, key.k, key.transposed_a, key.batch, key.stride_a);
    lay_out(b_.of, t, key.k, key.n, key.transposed_b, key.batch, key.stride_b);
    lay_out(c_.of, data_type(key.result), key.m, key.n, false, key.batch, key.m * key.n);
    if (key.after != epilogue::none) {
      keeps_ = key.after == epilogue::gelu_kept || key.after == epilogue::gelu_slope;
      int what = key.after == epilogue::relu   ? CUBLASLT_EPILOGUE_RELU
                 : key.after == epilogue::gelu ? CUBLASLT_EPILOGUE_GELU
                 : key.after == epilogue::gelu_kept ? CUBLASLT_EPILOGUE_GELU_AUX
                                                    : CUBLASLT_EPILOGUE_DGELU;
      if (key.biased) what = key.after == epilogue::bias ? CUBLASLT_EPILOGUE_BIAS : what | CUBLASLT_EPILOGUE_BIAS;
      describe(CUBLASLT_MATMUL_DESC_EPILOGUE, static_cast<cublasLtEpilogue_t>(what));
      if (keeps_) describe(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, key.m);
    }

    owned<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy> preference;
    check(cublasLtMatmulPreferenceCreate(&preference.of), "matmul: stating preferences");
    auto prefer = [&](cublasLtMatmulPreferenceAttributes_t what, const auto& value) {
      check(cublasLtMatmulPreferenceSetAttribute(preference.of, what, &value, sizeof value), "matmul: stating preferences");
    };
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, workspace_bytes);
    // Partial sums meet in the type of the computation, in a fixed order.
    prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, std::uint32_t{CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE});
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, static_cast<std::uint32_t>(key.align_a));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, static_cast<std::uint32_t>(key.align_b));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, static_cast<std::uint32_t>(key.align_c));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, static_cast<std::uint32_t>(key.align_c));
    const cublasStatus_t status =
        cublasLtMatmulAlgoGetHeuristic(handle, description_.of, a_.of, b_.of, c_.of, c_.of, preference.of, most, candidates_, &count_);
    if (status != CUBLAS_STATUS_SUCCESS) count_ = 0;
    if (key.after != epilogue::none && count_ == 0) return;
    if (status == CUBLAS_STATUS_NOT_SUPPORTED || (status == CUBLAS_STATUS_SUCCESS && count_ == 0))
      throw device_error("matmul: cuBLASLt has no algorithm for " + std::to_string(key.batch) + " products of " + name_of(key.type) + " [" +
                         std::to_string(key.n) + ", " + std::to_string(key.k) + "] and [" + std::to_string(key.k) + ", " + std::to_string(key.m) + "]");
    check(status, "matmul: choosing an algorithm");
  }

  /// Whether cuBLASLt has it: it may lack an epilogue.
  bool exists() const { return count_ > 0; }
  /// The first call that no stream records chooses among the candidates. bias, kept: what the epilogue reads besides, and reads or writes.
  void run(const void* a, const void* b, void* c, cudaStream_t stream, const void* bias = nullptr, const void* kept = nullptr) {
    if (bias) describe(CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
    if (keeps_) describe(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, kept);
    const operands x{a, b, c, workspace(workspace_bytes), stream};
    if (count_ > 1 && time_products && !is_captured(stream)) choose(x);
    check(start(x, 0), "matmul");
  }

 private:
  static constexpr std::size_t workspace_bytes = 32 << 20;
  static constexpr int most = 8;
  template <class T, auto Destroy> struct owned {
    T of{};
    owned() = default;
    owned(const owned&) = delete;
    ~owned() {
      if (of) Destroy(of);
    }
  };
  struct operands {
    const void *a, *b;
    void *c, *work;
    cudaStream_t stream;
  };

  static cudaDataType_t data_type(dtype t) { return t == dtype::f64 ? CUDA_R_64F : t == dtype::f32 ? CUDA_R_32F : t == dtype::bf16 ? CUDA_R_16BF : CUDA_R_16F; }
  template <class T> void describe(cublasLtMatmulDescAttributes_t what, const T& value) {
    check(cublasLtMatmulDescSetAttribute(description_.of, what, &value, sizeof value), "matmul: describing a product");
  }
  static void lay_out(cublasLtMatrixLayout_t& l, cudaDataType_t t, std::int64_t rows, std::int64_t columns, bool transposed, std::int64_t batch, std::int64_t stride) {
    if (transposed) std::swap(rows, columns);
    check(cublasLtMatrixLayoutCreate(&l, t, static_cast<std::uint64_t>(rows), static_cast<std::uint64_t>(columns), rows), "matmul: describing a matrix");
    if (batch == 1) return;
    if (batch > 0x7fffffff) throw device_error("matmul: a batch of " + std::to_string(batch) + " products is too large for cuBLASLt");
    const auto count = static_cast<std::int32_t>(batch);
    check(cublasLtMatrixLayoutSetAttribute(l, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count), "matmul: describing a matrix");
    check(cublasLtMatrixLayoutSetAttribute(l, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &stride, sizeof stride), "matmul: describing a matrix");
  }
  static bool is_captured(cudaStream_t stream) {
    cudaStreamCaptureStatus status{};
    check(cudaStreamIsCapturing(stream, &status), "matmul: asking a stream");
    return status != cudaStreamCaptureStatusNone;
  }

  cublasStatus_t start(const operands& x, int candidate) const {
    static constexpr double numbers64[]{0, 1};
    static constexpr float numbers[]{0, 1};
    const void* const zero = wide_ ? static_cast<const void*>(numbers64) : numbers;
    const void* const one = wide_ ? static_cast<const void*>(numbers64 + 1) : numbers + 1;
    return cublasLtMatmul(handle_, description_.of, one, x.a, a_.of, x.b, b_.of, zero, x.c, c_.of, x.c, c_.of, &candidates_[candidate].algo, x.work, workspace_bytes, x.stream);
  }
  /// Times the candidates and keeps the fastest, as the only one. All of them write c, which is the product's own. They take turns, because a
  /// GPU at work lowers its clock: one after another, the first would win; the median over the turns counts.
  void choose(const operands& x) {
    owned<cudaEvent_t, cudaEventDestroy> begin, end;
    check(cudaEventCreate(&begin.of), "matmul: timing");
    check(cudaEventCreate(&end.of), "matmul: timing");
    /// Milliseconds of a call; infinite if the candidate fails.
    auto time = [&](int candidate, int calls) {
      check(cudaEventRecord(begin.of, x.stream), "matmul: timing");
      for (int i = 0; i < calls; ++i)
        if (start(x, candidate) != CUBLAS_STATUS_SUCCESS) return std::numeric_limits<float>::infinity();
      check(cudaEventRecord(end.of, x.stream), "matmul: timing");
      check(cudaEventSynchronize(end.of), "matmul: timing");
      float ms = 0;
      check(cudaEventElapsedTime(&ms, begin.of, end.of), "matmul: timing");
      return ms / static_cast<float>(calls);
    };
    constexpr int turns = 5;
    float once[most], times[most][turns];
    for (int i = 0; i < count_; ++i) time(i, 1), once[i] = time(i, 1);  // the first call loads its kernel
    const float least = *std::min_element(once, once + count_);
    for (int t = 0; t < turns; ++t)
      for (int i = 0; i < count_; ++i)
        times[i][t] = once[i] > 1.3f * least ? once[i] : time(i, std::clamp(static_cast<int>(0.5f / (once[i] + 0.01f)), 1, 16));
    int best = 0;
    for (int i = 0; i < count_; ++i) {
      std::sort(times[i], times[i] + turns);
      if (times[i][turns / 2] < 0.99f * times[best][turns / 2]) best = i;  // among equals the first
    }
    std::swap(candidates_[0], candidates_[best]);
    count_ = 1;
  }

  cublasLtHandle_t handle_;
  bool wide_, keeps_ = false;
  owned<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy> description_;
  owned<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy> a_, b_, c_;
  cublasLtMatmulHeuristicResult_t candidates_[most]{};
  int count_ = 0;
};

/// The products that a thread has met on one device.
class products {
 public:
  static product& find(const product_key& key) {
    static thread_local products known[16];
    int d = 0;
    check(cudaGetDevice(&d), "cuda: which device is current");
    products& mine = known[d & 15];
    if (!mine.handle_) check(cublasLtCreate(&mine.handle_), "matmul: starting cuBLASLt");
    return mine.of_.try_emplace(key, mine.handle_, key).first->second;
  }
  ~products() {
    of_.clear();
    if (handle_) cublasLtDestroy(handle_);
  }

 private:
  cublasLtHandle_t handle_ = nullptr;
  std::map<product_key, product> of_;
};

/// (x: [.., n, k], y: [.., k, m] or [k, m]) -> [.., n, m]. words: 1 where an operand's last two dimensions are given transposed. Float is
/// multiplied as float (see allow_tf32); 16-bit types accumulate in float, and the result may be float.
template <class Machine> struct library_step<ops::matmul, Machine> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s, cudaStream_t stream) { multiply(s.inputs[0], s.inputs[1], s.outputs[0], s.words, stream); }
  /// Whether it did; `after` may be something that cuBLASLt cannot do here. bias, kept: what that needs (product::run).
  static bool multiply(const array& x, const array& y, const array& z, const std::int64_t* words, cudaStream_t stream,
                       epilogue after = epilogue::none, const void* bias = nullptr, void* kept = nullptr) {
    const bool transposed = words[0] != 0, shared = y.rank < x.rank;  // shared: one y for the whole batch
    const std::int64_t k = x.extents[x.rank - (transposed ? 2 : 1)], m = z.extents[z.rank - 1];
    std::int64_t n = z.extents[z.rank - 2], batch = z.count(0, z.rank - 2);
    if (z.count() == 0) return true;
    const bool alone = after == epilogue::none;
    if (k == 0 && alone) check(cudaMemsetAsync(z.data, 0, static_cast<std::size_t>(z.bytes()), stream), "matmul: clearing");
    if (k == 0) return alone;
    if (shared && !transposed) n *= batch, batch = 1;  // the batch joins the rows
    if (x.type == dtype::f32 && !allow_tf32 && small_product::suits(n, m, k, batch)) {
      small_product p{x.data, y.data, z.data, static_cast<int>(n), static_cast<int>(m), static_cast<int>(k), static_cast<int>(batch), n * k, shared ? 0 : k * m, transposed, words[1] != 0};
      p.wide = (n | m | k) % 4 == 0 && (address(x.data) | address(y.data)) % 16 == 0;
      p.after = after, p.third = after == epilogue::gelu_slope ? kept : bias, p.kept = kept;
      gpu_stream{stream}.start<small_product_kernel<Machine>>(static_cast<unsigned>(p.blocks()), p);
      return true;
    }
    auto aligned = [](const array& a) { return widest_unit(address(a.data)); };
    if (!alone && !product_library::is_exact(after, x.type, allow_tf32)) return false;
    if (!alone && (batch > 1 || m % 8 != 0 || aligned(z) < 16 || address(bias) % 16 != 0 || address(kept) % 16 != 0)) return false;
    // Row-major z = x y is column-major z' = y' x'.
    product& p = products::find({x.type, z.type, words[1] != 0, transposed, x.type == dtype::f32 && allow_tf32, after, bias != nullptr, m, n, k, batch, shared ? 0 : k * m, n * k, aligned(y), aligned(x), aligned(z)});
    if (!p.exists()) return false;
    p.run(y.data, x.data, z.data, stream, bias, kept);
    return true;
  }
};

/// What follows a product, where cuBLASLt does not do it: in place.
struct product_end {
  array z, third, gelu_of_z;  // gelu_of_z: of gelu_kept
  epilogue what;
  bool wide;  // rows begin at multiples of 16 bytes
  divisor columns;
};
template <class Machine, dtype T, int Count> THUNDER_DEVICE void end_product(const product_end& x, std::int64_t i) {
  const bool two = x.what == epilogue::gelu_kept;
  std::int64_t row = i;
  const std::int64_t column = x.columns.split(row);
  packet<Machine, T, Count> z, third{};
  typename packet<Machine, T, Count>::number sum[Count], end[Count];
  z.template load<false>(x.z.data, i);
  if (x.third.data) third.template load<false>(x.third.data, x.what == epilogue::gelu_slope ? i : column);
#pragma unroll
  for (int j = 0; j < Count; ++j) {
    const real<Machine, false> u = plain(z.get(j, 0u)), t = plain(third.get(j, 0u));
    sum[j] = (u + t).v, end[j] = after_product(x.what, u, t).v;
  }
  z.set(end), z.store(two ? x.gelu_of_z.data : x.z.data, i);
  if (two) z.set(sum), z.store(x.z.data, i);
}
template <class Machine, dtype T> __global__ void __launch_bounds__(256) end_products(const __grid_constant__ product_end x, std::int64_t units) {
  constexpr int most = 16 / size_of(T);
  const std::int64_t i = std::int64_t{blockIdx.x} * 256 + threadIdx.x;
  if (i >= units) return;
  if (x.wide) end_product<Machine, T, most>(x, i * most);
  else end_product<Machine, T, 1>(x, i);
}

/// A product of floats or half types and what follows it (ops/matmul_epilogue.hpp).
template <class Machine> struct library_step<ops::matmul_epilogue, Machine> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s, cudaStream_t stream) {
    using product = library_step<ops::matmul, Machine>;
    const epilogue what = ops::matmul_epilogue::what(s.words);
    const bool two = what == epilogue::gelu_kept, slope = what == epilogue::gelu_slope;
    const array &x = s.inputs[0], &y = s.inputs[1], third = s.input_count > 2 ? s.inputs[2] : array{}, &z = s.outputs[0], &last = s.outputs[two ? 1 : 0];
    if (product::multiply(x, y, last, s.words, stream, what, slope ? nullptr : third.data, slope ? third.data : two ? z.data : nullptr)) return;
    product::multiply(x, y, z, s.words, stream);
    const std::int64_t columns = z.extents[z.rank - 1], unit = 16 / size_of(z.type);
    const bool wide = columns % unit == 0 && (address(z.data) | address(third.data) | address(last.data)) % 16 == 0;
    const product_end end{z, third, last, what, wide, divisor(columns)};
    const std::int64_t units = z.count() / (wide ? unit : 1);
    auto start = [&]<dtype T>() { end_products<Machine, T><<<static_cast<unsigned>((units + 255) / 256), 256, 0, stream>>>(end, units); };
    z.type == dtype::f32 ? start.template operator()<dtype::f32>() : z.type == dtype::bf16 ? start.template operator()<dtype::bf16>() : start.template operator()<dtype::f16>();
    check(cudaGetLastError(), "matmul: what follows it");
  }
};

}  // namespace thunder::cuda
