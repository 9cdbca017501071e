#pragma once
/// Steps that move bytes: transpose, slice, broadcast, concatenate, reshape, pad.
#include "strided.hpp"

namespace thunder::ops {
struct transpose;
struct slice;
struct broadcast;
struct concatenate;
struct reshape;
struct pad;
}  // namespace thunder::ops

namespace thunder::cuda {

/// The same elements in the same order.
template <class Machine> struct library_step<ops::reshape, Machine> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s, cudaStream_t stream) { copy_bytes(s.outputs[0].data, s.inputs[0].data, s.outputs[0].bytes(), stream); }
};

/// words: for each result axis, the operand's axis.
template <class Machine> struct library_step<ops::transpose, Machine> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s, cudaStream_t stream) {
    const array &x = s.inputs[0], &y = s.outputs[0];
    if (y.count() == 0) return;
    const byte_strides from(x), to(y);
    copy_nest c(size_of(x.type));
    for (int d = 0; d < y.rank; ++d) c.add(y.extents[d], from.of[s.words[d]], to.of[d]);
    copy_strided<false, true>(y.begin(), x.begin(), c, stream);
  }
};

/// words: begins, ends, strides.
template <class Machine> struct library_step<ops::slice, Machine> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s, cudaStream_t stream) {
    const array &x = s.inputs[0], &y = s.outputs[0];
    if (y.count() == 0) return;
    const byte_strides from(x), to(y);
    copy_nest c(size_of(x.type));
    std::int64_t first = 0;
    for (int d = 0; d < y.rank; ++d) {
      first += s.words[d] * from.of[d];
      c.add(y.extents[d], s.words[2 * x.rank + d] * from.of[d], to.of[d]);
    }
    copy_strided<false, false>(y.begin(), x.begin() + first, c, stream);
  }
};

/// words: the mask of the result's axes that the operand has.
template <class Machine> struct library_step<ops::broadcast, Machine> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s, cudaStream_t stream) {
    const array &x = s.inputs[0], &y = s.outputs[0];
    if (y.count() == 0) return;
    const byte_strides from(x), to(y);
    copy_nest c(size_of(x.type));
    for (int d = 0, k = 0; d < y.rank; ++d) c.add(y.extents[d], s.words[0] >> d & 1 ? from.of[k++] : 0, to.of[d]);
    copy_strided<false, false>(y.begin(), x.begin(), c, stream);
  }
};

/// words: the axis.
template <class Machine> struct library_step<ops::concatenate, Machine> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s, cudaStream_t stream) {
    const array& y = s.outputs[0];
    const int axis = static_cast<int>(s.words[0]), element = size_of(y.type);
    const std::int64_t outer = y.count(0, axis), inner = y.count(axis + 1, y.rank), row = y.extents[axis] * inner * element;
    char* to = y.begin();
    for (int k = 0; k < s.input_count; ++k) {
      const std::int64_t part = s.inputs[k].extents[axis] * inner;
      if (outer * part == 0) continue;
      copy_nest c(element);
      c.add(outer, part * element, row);
      c.add(part, element, element);
      copy_strided<false, false>(to, s.inputs[k].begin(), c, stream);
      to += part * element;
    }
  }
};

/// words: widths before, widths after, zeros between two elements.
template <class Machine> struct library_step<ops::pad, Machine> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s, cudaStream_t stream) {
    const array &x = s.inputs[0], &y = s.outputs[0];
    if (y.count() == 0) return;
    if (x.count() == 0) return check(cudaMemsetAsync(y.data, 0, static_cast<std::size_t>(y.bytes()), stream), "pad: clearing");
    const byte_strides from(x), to(y);
    copy_nest c(size_of(x.type));
    for (int d = 0; d < y.rank; ++d) {
      const std::int64_t n = x.extents[d], step = n > 1 ? s.words[2 * x.rank + d] + 1 : 1;
      c.add({y.extents[d], from.of[d], to.of[d], s.words[d], n, step});
    }
    copy_strided<true, false>(y.begin(), x.begin(), c, stream);
  }
};

}  // namespace thunder::cuda
