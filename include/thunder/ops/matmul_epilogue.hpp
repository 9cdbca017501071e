#pragma once
/// A matrix product and what comes right after it, as one statement. No function makes one: an executor whose library has such products asks
/// for the pass that finds them (transforms/product_epilogues.hpp).
#include "activation.hpp"
#include "elementary.hpp"
#include "matmul.hpp"

namespace thunder {

/// What follows the product u = x y, or u = x y + bias.
enum class epilogue : std::uint8_t {
  none,
  bias,        // u
  relu,        // relu(u)
  gelu,        // gelu(u)
  gelu_kept,   // u, and gelu(u)
  gelu_slope,  // u gelu'(at)
};

/// What the epilogue makes of one number of the product, and of the third operand's (0 without one): computed with `Real`, whose functions are
/// an executor's. For gelu_kept it is gelu's result.
template <class Real> constexpr Real after_product(epilogue what, const Real& u, const Real& third) {
  if (what == epilogue::gelu_slope) return u * ops::gelu::derivative(third);
  const Real sum = u + third;
  return what == epilogue::bias ? sum : what == epilogue::relu ? ops::relu::evaluate(sum) : ops::gelu::evaluate(sum);
}

namespace ops {

/// (x: [.., n, k], y: [.., k, m] or [k, m], bias: [m] or at: [.., n, m]) -> [.., n, m], for gelu_kept twice. words: matmul's two, and which
/// epilogue. bias needs and gelu_slope has a third operand, the others may have a bias. Computed in float. Results are rounded once, or, by an
/// executor that has to do it in two steps, the product before that, too.
struct matmul_epilogue : op_base<matmul_epilogue> {
  static constexpr const char* name = "thunder.matmul_epilogue";
  static constexpr op_kind kind = op_kind::contraction;
  static constexpr epilogue what(const std::int64_t* words) { return static_cast<epilogue>(words[2]); }
  static constexpr void infer(const arguments& x, inference& r) {
    const epilogue e = what(x.words);
    const bool activates = e == epilogue::relu || e == epilogue::gelu || e == epilogue::gelu_kept;
    const bool known = e > epilogue::none && e <= epilogue::gelu_slope;
    if (!known || (x.count != 3 && !(x.count == 2 && activates))) return r.refuse(mistake::matmul_rank, x.count, 3);
    arguments product = x;
    product.count = 2, product.word_count = 2;
    matmul::infer(product, r);
    if (r.error != mistake::none) return;
    const meta& z = r.result;
    if (e == epilogue::gelu_slope && !(x[2] == z)) return r.refuse(mistake::dtypes_differ);
    if (e != epilogue::gelu_slope && x.count == 3 && !(x[2].type == z.type && x[2].rank == 1 && x[2].d[0] == z.d[z.rank - 1]))
      return r.refuse(mistake::dtypes_differ);
    if (e == epilogue::gelu_kept) r.more.push(z);
  }
};

}  // namespace ops
}  // namespace thunder
