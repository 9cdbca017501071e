#pragma once
/// A region: a fused group of statements as a canonical, locally numbered type. Content alone, so that equal regions
/// of different layers are one kernel. Executors instantiate their loops and kernels from it; nothing here runs.
///
/// The iteration space has one or more dimensions, row-major; the last one is the *row*. Every value says by a mask along
/// which of them it varies (bit d: dimension d); a buffer is contiguous over the dimensions of its mask. So broadcasting
/// needs no statement: softmax of [R, C] is
///
///     region<space<R, C>, pack<input<f32, 0b11>>, pack<output<7, f32, 0b11>>,
///            s<ops::max,  words<0b10>, f32, 0b01, 0>,      // value 1: over the row (dimension 1)
///            s<ops::sub,  words<>,     f32, 0b11, 0, 1>,   // value 2
///            s<ops::exp,  words<>,     f32, 0b11, 2>,      // value 3
///            s<ops::sum,  words<0b10>, f32, 0b01, 3>,      // value 4
///            s<ops::div,  words<>,     f32, 0b11, 3, 4>>   // value 5
///
/// Values are numbered inputs first, then statements in order; operands precede their users.
/// - A *reduction*'s first word is the mask of the dimensions it removes from the iteration space. Where that is the row alone,
///   its value can be used by later statements (a row program); where it holds another dimension, its value is used by
///   outputs only (a column or full reduction).
/// - An *indexed* statement (iota, random bits) takes the row-major linear index over the dimensions of its first word.
#include <cstdint>

#include "../core/dtype.hpp"
#include "../core/pack.hpp"

namespace thunder {

/// Extents of the iteration space: e >= 0 is static; e < 0 is the run-time extent number -1 - e of the call.
template <std::int64_t... Extents> struct space {};
/// A buffer that is read: element type, and the dimensions it varies along.
template <dtype T, unsigned Mask> struct input {};
/// A buffer that is written with value `Value`; Mask holds the value's mask (more bits: the value is broadcast when stored).
template <int Value, dtype T, unsigned Mask> struct output {};
/// One statement: its operation, attributes, result type, the dimensions it varies along, and operands.
template <class Op, class Words, dtype T, unsigned Mask, int... Operands> struct s {};

template <class Space, class Inputs, class Outputs, class... Statements> struct region {};

}  // namespace thunder
