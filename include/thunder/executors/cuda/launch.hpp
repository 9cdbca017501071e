#pragma once
/// The kernels of a region, and with how many blocks each of them runs. A Device starts them: the GPU (stream.hpp) or the emulated one
/// (emulation.hpp).
///
/// A Device has
///
///     using machine = ...;                                                       // gpu or emulated
///     template <class Kernel> int resident(int shared);                          // blocks that it holds at once, with so many bytes of shared memory each
///     int shared_room(int blocks);                                               // bytes of it that each of so many blocks of a multiprocessor can have
///     void* workspace(std::size_t bytes);                                        // memory that the kernels of one call share
///     template <class Kernel> void start(unsigned blocks, const Kernel::arguments&, int shared);  // after the kernels before it
#include <string>

#include "../../core/error.hpp"
#include "kernel.hpp"

namespace thunder::cuda {

// ---- kernels. min_blocks: an SM should hold at least so many (0: as it comes); shared: bytes.
template <class Text> struct direct_kernel {
  using arguments = typename Text::arguments;
  static constexpr int threads = Text::shape.threads(), min_blocks = Text::shape.blocks, shared = Text::shared_bytes;
  THUNDER_DEVICE static void run(const arguments& a) { Text::direct(a); }
};
template <class Text> struct pointwise_kernel {
  using arguments = typename Text::arguments;
  static constexpr int threads = Text::shape.threads(), min_blocks = 0, shared = 0;
  THUNDER_DEVICE static void run(const arguments& a) { Text::pointwise(a); }
};
template <class Text> struct persistent_kernel {
  using arguments = typename Text::arguments;
  static constexpr int threads = Text::shape.threads(), min_blocks = Text::shape.blocks, shared = Text::shared_bytes;
  THUNDER_DEVICE static void run(const arguments& a) {
    if constexpr (Text::shape.flat) Text::flat(a);
    else Text::persistent(a);
  }
};
/// Its shared memory depends on the device.
template <class Text> struct wide_kernel {
  using arguments = typename Text::arguments;
  static constexpr int threads = Text::shape.threads(), min_blocks = Text::shape.blocks, shared = Text::ring_offset;
  THUNDER_DEVICE static void run(const arguments& a) { Text::wide(a); }
};
/// Adds up the partial results of `blocks` blocks for the column reductions that are outputs O; each output has `blocks_each` blocks.
template <class Text, int... O> struct finish_kernel {
  struct arguments {
    typename Text::arguments of;
    int blocks, blocks_each;
  };
  static constexpr int threads = Text::finish_threads, min_blocks = 0, shared = Text::finish_threads / 32 * 32 * 8;
  THUNDER_DEVICE static void run(const arguments& a) {
    Text::M::begin_dependent();
    int k = 0;
    ((Text::M::block() / a.blocks_each == k++ ? Text::template finish<O>(a.of, a.blocks, (k - 1) * a.blocks_each) : void()), ...);
  }
};

template <class Region, class Device> struct fused_kernels {
  template <int Part> using text_of = kernel_text<Region, typename Device::machine, Part>;

  template <class Kernel> static void start(Device& device, std::int64_t blocks, const typename Kernel::arguments& a, int shared = Kernel::shared) {
    if (blocks > 0x7fffffff) throw device_error("cuda: a fused kernel would need " + std::to_string(blocks) + " blocks");
    if (blocks > 0) device.template start<Kernel>(static_cast<unsigned>(blocks), a, shared);
  }
  template <class Text> static void run_part(Device& device, const void* const* in, void* const* out, const std::int64_t* dims) {
    typename Text::arguments a{};
    for (int i = 0; i < Text::inputs; ++i) a.in[i] = in[i];
    for (int o = 0; o < Text::outputs; ++o) a.out[o] = out[o];
    for (std::int64_t& e : a.extents) e = 1;
    for (int d = 0; d < Text::traits::dims; ++d) {
      const std::int64_t e = Text::traits::extent[d];
      a.extents[Text::plan.group[d]] *= e < 0 ? dims[-1 - e] : e;
    }
    a.rows = 1;
    for (int d = 0; d + 1 < Text::dims; ++d) a.rows *= a.extents[d];
    a.splits = 1;
    const std::int64_t length = a.extents[Text::dims - 1];
    constexpr kernel_shape shape = Text::shape;
    if constexpr (shape.pointwise) {
      const std::int64_t vectors = (length + shape.vector - 1) / shape.vector * (Text::dims == 1 ? 1 : a.rows), block = shape.group * shape.unroll;
      start<pointwise_kernel<Text>>(device, (vectors + block - 1) / block, a);
    } else if constexpr (shape.wide) {
      run_wide<Text>(device, a, length);
    } else if constexpr (!shape.persistent) {
      start<direct_kernel<Text>>(device, (a.rows + shape.groups - 1) / shape.groups, a);
    } else {
      run_persistent<Text>(device, a, length);
    }
  }
  template <class Text> static void run_wide(Device& device, typename Text::arguments& a, std::int64_t length) {
    constexpr kernel_shape shape = Text::shape;
    constexpr int bytes = shape.group * Text::vector_bytes;  // of shared memory, for a vector of each thread
    const std::int64_t vectors = (length / shape.vector + shape.group - 1) / shape.group - shape.vectors;
    if (bytes > 0 && vectors > 0) {
      auto room = [&](int blocks) { return (device.shared_room(blocks) - Text::ring_offset) / bytes; };
      int most = room(shape.blocks);
      if (vectors > most && shape.blocks > 4) most = room(4);  // what is read again should be in the second-level cache: fewer rows at once
      a.shared_vectors = vectors < most ? static_cast<int>(vectors) : most > 0 ? most : 0;
    }
    const int shared = Text::ring_offset + a.shared_vectors * bytes;
    const std::int64_t most = device.template resident<wide_kernel<Text>>(shared);
    start<wide_kernel<Text>>(device, a.rows < most ? a.rows : most, a, shared);
  }
  template <class Text> static void run_persistent(Device& device, typename Text::arguments& a, std::int64_t length) {
    constexpr kernel_shape shape = Text::shape;
    std::int64_t results = 1;  // of the kept dimensions
    for (int d = 0; d + 1 < Text::dims; ++d)
      if (Text::kept >> d & 1) results *= a.extents[d];
    const std::int64_t rows = results > 0 ? a.rows / results : 0, block = static_cast<std::int64_t>(shape.group) * shape.unroll * shape.vector,
                       useful = shape.flat ? (length + block - 1) / block : (rows + shape.groups - 1) / shape.groups;
    std::int64_t splits = results > 0 ? device.template resident<persistent_kernel<Text>>(persistent_kernel<Text>::shared) / results : 1;
    if (splits > useful) splits = useful;
    if (splits < 1) splits = 1;
    a.splits = static_cast<int>(splits);
    const std::int64_t blocks = results * splits;
    a.partial = static_cast<char*>(device.workspace(static_cast<std::size_t>(Text::template partial_bytes<Text::values>(length) * blocks + 16)));
    start<persistent_kernel<Text>>(device, blocks, a);
    finish<Text>(device, a, blocks, results, length, column_outputs<Text>(std::make_integer_sequence<int, column_output<Text>.count>{}));
  }
  template <class Text, int... O>
  static void finish(Device& device, const typename Text::arguments& a, std::int64_t blocks, std::int64_t results, std::int64_t length, std::integer_sequence<int, O...>) {
    std::int64_t each = 0;
    ((each = Text::template finish_blocks<O>(results, length) > each ? Text::template finish_blocks<O>(results, length) : each), ...);
    start<finish_kernel<Text, O...>>(device, each * static_cast<std::int64_t>(sizeof...(O)), {a, static_cast<int>(blocks), static_cast<int>(each)});
  }
  /// The outputs that are column reductions of this part.
  template <class Text> struct output_list { int at[Text::outputs]{}, count = 0; };
  template <class Text> static constexpr output_list<Text> column_output = [] {
    output_list<Text> l;
    for (int o = 0; o < Text::outputs; ++o)
      if (Text::plan.output[o].value >= 0 && Text::plan.is_column(Text::plan.output[o].value)) l.at[l.count++] = o;
    return l;
  }();
  template <class Text, int... K> static auto column_outputs(std::integer_sequence<int, K...>) { return std::integer_sequence<int, column_output<Text>.at[K]...>{}; }
  template <int... P> static void run_parts(Device& device, const void* const* in, void* const* out, const std::int64_t* dims, std::integer_sequence<int, P...>) {
    (run_part<text_of<P>>(device, in, out, dims), ...);
  }
};

/// Runs a region's kernels. in[i], out[o]: its buffers on the device, aligned to 16 bytes; dims: its run-time extents.
template <class Region, class Device> void run_fused(Device&& device, const void* const* in, void* const* out, const std::int64_t* dims) {
  using kernels = fused_kernels<Region, std::remove_cvref_t<Device>>;
  kernels::run_parts(device, in, out, dims, std::make_integer_sequence<int, parts_of<Region>::count>{});
}

}  // namespace thunder::cuda
