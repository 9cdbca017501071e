#pragma once
/// Launching the kernels of a region on a stream.
#include "../../runtime/cuda.hpp"
#include "kernel.hpp"
#include "machine.hpp"

namespace thunder::cuda {

template <class Region, int Part> using gpu_text = kernel_text<Region, gpu, Part>;

template <class Region, int Part> __global__ void __launch_bounds__(gpu_text<Region, Part>::shape.threads(), gpu_text<Region, Part>::shape.blocks)
direct_kernel(const __grid_constant__ typename gpu_text<Region, Part>::arguments a) { gpu_text<Region, Part>::direct(a); }
template <class Region, int Part> __global__ void __launch_bounds__(gpu_text<Region, Part>::shape.threads())
pointwise_kernel(const __grid_constant__ typename gpu_text<Region, Part>::arguments a) { gpu_text<Region, Part>::pointwise(a); }
template <class Region, int Part> __global__ void __launch_bounds__(gpu_text<Region, Part>::shape.threads(), gpu_text<Region, Part>::shape.blocks)
persistent_kernel(const __grid_constant__ typename gpu_text<Region, Part>::arguments a) { gpu_text<Region, Part>::persistent(a); }
template <class Region, int Part> __global__ void __launch_bounds__(gpu_text<Region, Part>::shape.threads(), gpu_text<Region, Part>::shape.blocks)
flat_kernel(const __grid_constant__ typename gpu_text<Region, Part>::arguments a) { gpu_text<Region, Part>::flat(a); }
/// Adds up the partial results of `blocks` blocks for every column reduction among the outputs.
template <class Region, int Part, int... O> __global__ void __launch_bounds__(gpu_text<Region, Part>::finish_threads)
finish_kernel(const __grid_constant__ typename gpu_text<Region, Part>::arguments a, int blocks, int blocks_each) {
  using text = gpu_text<Region, Part>;
  gpu::begin_dependent();
  int k = 0;
  ((gpu::block() / blocks_each == k++ ? text::template finish<O>(a, blocks, (k - 1) * blocks_each) : void()), ...);
}

/// A launch that may begin while the kernel before it ends.
template <class Arguments, class... More>
void start(void (*kernel)(Arguments, More...), unsigned blocks, int threads, int shared, cudaStream_t stream, const std::type_identity_t<Arguments>& a, More... more) {
  if (blocks == 0) return;
  cudaLaunchConfig_t c{};
  c.gridDim = blocks, c.blockDim = static_cast<unsigned>(threads), c.dynamicSmemBytes = static_cast<std::size_t>(shared), c.stream = stream;
  cudaLaunchAttribute early{};
  early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  early.val.programmaticStreamSerializationAllowed = 1;
  if (properties().capability >= 90) c.attrs = &early, c.numAttrs = 1;
  check(cudaLaunchKernelEx(&c, kernel, a, more...), "cuda: launching a fused kernel");
}

/// The blocks of a persistent kernel that the device holds at once.
template <class Kernel> int resident_blocks(Kernel* kernel, int threads, int shared) {
  if (shared > 48 * 1024) check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared), "cuda: shared memory of a fused kernel");
  int each = 0;
  check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&each, kernel, threads, static_cast<std::size_t>(shared)), "cuda: occupancy of a fused kernel");
  return (each > 0 ? each : 1) * properties().processors;
}

template <class Region> struct fused_kernel {
  static constexpr auto& plan = region_traits<Region>::plan;

  template <int Part> static void run_part(const void* const* in, void* const* out, const std::int64_t* dims, cudaStream_t stream) {
    using text = gpu_text<Region, Part>;
    typename text::arguments a{};
    for (int i = 0; i < text::inputs; ++i) a.in[i] = in[i];
    for (int o = 0; o < text::outputs; ++o) a.out[o] = out[o];
    for (std::int64_t& e : a.extents) e = 1;
    for (int d = 0; d < text::traits::dims; ++d) {
      const std::int64_t e = text::traits::extent[d];
      a.extents[text::plan.group[d]] *= e < 0 ? dims[-1 - e] : e;
    }
    a.rows = 1;
    for (int d = 0; d + 1 < text::dims; ++d) a.rows *= a.extents[d];
    a.splits = 1;
    const std::int64_t length = a.extents[text::dims - 1];
    constexpr kernel_shape shape = text::shape;
    if constexpr (shape.pointwise) {
      const std::int64_t vectors = (length + shape.vector - 1) / shape.vector * (text::dims == 1 ? 1 : a.rows), block = shape.group * shape.unroll;
      start(&pointwise_kernel<Region, Part>, blocks_of((vectors + block - 1) / block), shape.threads(), 0, stream, a);
    } else if constexpr (!shape.persistent) {
      start(&direct_kernel<Region, Part>, blocks_of((a.rows + shape.groups - 1) / shape.groups), shape.threads(), text::shared_bytes, stream, a);
    } else {
      run_persistent<text, Part>(a, length, stream);
    }
  }
  template <class Text, int Part> static void run_persistent(typename Text::arguments& a, std::int64_t length, cudaStream_t stream) {
    constexpr kernel_shape shape = Text::shape;
    constexpr auto kernel = [] {
      if constexpr (Text::shape.flat) return &flat_kernel<Region, Part>;
      else return &persistent_kernel<Region, Part>;
    }();
    static const int resident = resident_blocks(kernel, shape.threads(), Text::shared_bytes);
    std::int64_t results = 1;  // of the kept dimensions
    for (int d = 0; d + 1 < Text::dims; ++d)
      if (Text::kept >> d & 1) results *= a.extents[d];
    const std::int64_t rows = results > 0 ? a.rows / results : 0, block = static_cast<std::int64_t>(shape.group) * shape.unroll * shape.vector,
                       useful = shape.flat ? (length + block - 1) / block : (rows + shape.groups - 1) / shape.groups;
    std::int64_t splits = results > 0 ? resident / results : 1;
    if (splits > useful) splits = useful;
    if (splits < 1) splits = 1;
    a.splits = static_cast<int>(splits);
    const unsigned blocks = blocks_of(results * splits);
    a.partial = static_cast<char*>(workspace(static_cast<std::size_t>(Text::template partial_bytes<Text::values>(length)) * blocks + 16));
    start(kernel, blocks, shape.threads(), Text::shared_bytes, stream, a);
    finish_all<Part>(a, blocks, results, length, stream, column_outputs<Text>(std::make_integer_sequence<int, Text::outputs>{}));
  }
  template <class Text> struct column_output_list {
    int at[Text::outputs]{}, count = 0;
  };
  template <class Text> static constexpr column_output_list<Text> column_output = [] {
    column_output_list<Text> l;
    for (int o = 0; o < Text::outputs; ++o)
      if (Text::plan.output[o].value >= 0 && Text::plan.is_column(Text::plan.output[o].value)) l.at[l.count++] = o;
    return l;
  }();
  template <class Text, int... K> static auto pick_outputs(std::integer_sequence<int, K...>) { return std::integer_sequence<int, column_output<Text>.at[K]...>{}; }
  template <class Text, int... O> static auto column_outputs(std::integer_sequence<int, O...>) { return pick_outputs<Text>(std::make_integer_sequence<int, column_output<Text>.count>{}); }
  template <int Part, class Arguments, int... O>
  static void finish_all(Arguments& a, unsigned blocks, std::int64_t results, std::int64_t length, cudaStream_t stream, std::integer_sequence<int, O...>) {
    using text = gpu_text<Region, Part>;
    bool any_vector = false;
    for (int o : {O...}) any_vector = any_vector || (plan.value[plan.output[o].value].mask & plan.row) != 0;
    const std::int64_t each = (results * (any_vector ? length : 1) + text::finish_columns - 1) / text::finish_columns;
    start(&finish_kernel<Region, Part, O...>, blocks_of(each * static_cast<std::int64_t>(sizeof...(O))), text::finish_threads, text::finish_threads * 8, stream, a,
          static_cast<int>(blocks), static_cast<int>(each));
  }
  static unsigned blocks_of(std::int64_t n) {
    if (n > 0x7fffffff) throw device_error("cuda: a fused kernel would need " + std::to_string(n) + " blocks");
    return static_cast<unsigned>(n);
  }
  template <int... P> static void run_parts(const void* const* in, void* const* out, const std::int64_t* dims, cudaStream_t stream, std::integer_sequence<int, P...>) {
    (run_part<P>(in, out, dims, stream), ...);
  }

  /// in[i], out[o]: the region's buffers on the device, aligned to 16 bytes; dims: its run-time extents.
  static void run(const void* const* in, void* const* out, const std::int64_t* dims, cudaStream_t stream) {
    run_parts(in, out, dims, stream, std::make_integer_sequence<int, parts_of<Region>::count>{});
  }
};

}  // namespace thunder::cuda
