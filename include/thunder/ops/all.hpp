#pragma once
/// Every op, and a list of them: what an engine that meets ops at run time is made from. (During compilation an op is found by its
/// name, and nothing is registered.)
#include "index.hpp"
#include "matmul.hpp"
#include "matmul_epilogue.hpp"
#include "nn.hpp"
#include "random.hpp"
#include "scan.hpp"
#include "sort.hpp"

namespace thunder {

/// The op structs of thunder, leaves (formals, parameters, calls) aside.
using builtin_ops = pack<
    ops::add, ops::sub, ops::mul, ops::div, ops::neg, ops::abs, ops::sign, ops::maximum, ops::minimum, ops::eq, ops::ne, ops::lt, ops::le, ops::gt, ops::ge,
    ops::logical_and, ops::logical_or, ops::logical_not, ops::where,                                                              // arithmetic.hpp
    ops::exp, ops::expm1, ops::log, ops::log1p, ops::sqrt, ops::rsqrt, ops::sin, ops::cos, ops::tanh, ops::sigmoid, ops::erf, ops::relu, ops::pow,
    ops::floor, ops::ceil, ops::trunc, ops::round, ops::stop_gradient,                                                            // elementary.hpp
    ops::full, ops::cast, ops::broadcast, ops::reshape,                                                                           // broadcast.hpp
    ops::sum, ops::max, ops::min, ops::prod, ops::argmax, ops::extent, ops::mean,                                                      // reduce.hpp
    ops::transpose, ops::slice, ops::pad, ops::concatenate, ops::iota, ops::triangle,                                             // shape.hpp
    ops::take, ops::scatter_add, ops::dynamic_slice, ops::dynamic_update_slice, ops::matmul, ops::matmul_epilogue,                // index.hpp, matmul.hpp, ...
    ops::cumsum, ops::cumprod, ops::sort, ops::top_k, ops::scatter, ops::take_along_last,                                         // scan.hpp, sort.hpp
    ops::random_uniform, ops::random_normal, ops::fold_in,                                                                        // random.hpp
    ops::softmax, ops::log_softmax, ops::logsumexp, ops::var, ops::layer_norm, ops::rms_norm,                                     // softmax.hpp, norm.hpp
    ops::gelu, ops::gelu_exact, ops::silu, ops::softplus, ops::swiglu, ops::dropout, ops::cross_entropy_rows,                     // activation.hpp, ...
    ops::scaled_dot_product_attention, ops::scaled_dot_product_attention_gradient, ops::dropped_attention, ops::dropped_attention_gradient,  // attention.hpp
    ops::rope, ops::rotate_pairs>;                                                                                                // rope.hpp

/// The VJP rules of all, for `vjp` at run time.
using builtin_rules = rule_table<builtin_ops>;

}  // namespace thunder
