#pragma once
/// What may follow a product on a GPU as a part of it.
#include "../../core/dtype.hpp"
#include "../../ops/matmul_epilogue.hpp"
#include "small_product.hpp"

namespace thunder::cuda {

/// For the pass product_epilogues: whether a product with this epilogue is better than the product, and then a region. Measured
/// on an H100, blocks of 16384 x 768 x 3072 (bench/gpu/epilogues.cu): for floats, cuBLASLt's products with gelu's
/// operand kept, or times its slope, take 3% longer than the regions do, 10% with TF32. (gelu alone is no slower than a region for
/// floats, and faster with TF32, which is decided when a program runs.)
struct product_library {
  static constexpr const char* name = "cuda";
  /// [rows, inner] times [inner, columns]; -1 where an extent is known at run time only.
  static constexpr bool has(epilogue what, dtype type, std::int64_t rows, std::int64_t columns, std::int64_t inner) {
    if (type == dtype::f32 && rows >= 0 && columns >= 0 && inner >= 0 && small_product::suits(rows, columns, inner, 1))
      return true;
    if (columns >= 0 && columns % 8 != 0) return false;
    return type != dtype::f32 || what == epilogue::bias || what == epilogue::relu || what == epilogue::gelu;
  }
  /// Whether cuBLASLt computes it as exactly as kernels do. Its gelu has an error of 5e-6: too much for floats, unless their
  /// products' operands are rounded to TF32. Its relu passes a NaN on in all algorithms for half types and floats, but makes 0 of
  /// it in some for TF32 (seen with 13.1).
  static bool is_exact(epilogue what, dtype type, bool tf32) {
    if (type != dtype::f32 || what == epilogue::bias) return true;
    return what == epilogue::relu ? !tf32 : tf32;
  }
};

}  // namespace thunder::cuda
