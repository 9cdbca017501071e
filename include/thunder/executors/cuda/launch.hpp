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
#include "../step.hpp"
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
/// Adds up the partial results of a call's blocks for the column reductions that are outputs O; each output has `blocks_each` blocks.
template <class Text, int... O> struct finish_kernel {
  struct arguments {
    typename Text::arguments of;
    int first_block, blocks, blocks_each;
  };
  static constexpr int threads = Text::finish_threads, min_blocks = 0, shared = Text::finish_threads * 8;  // a number of each thread, at most
  THUNDER_DEVICE static void run(const arguments& a) {
    Text::M::begin_dependent();
    const int block = Text::M::block() - a.first_block, number = block / a.blocks_each, own = block - number * a.blocks_each;
    const char* part = nullptr;
    void* to = nullptr;
    int k = 0;
    ((number == k++ ? void((part = Text::template partial_of<Text::template output_at<O>.value>(a.of), to = a.of.out[O])) : void()), ...);
    constexpr int outputs[]{O...};
    k = 0;
    if constexpr ((Text::template alike<outputs[0], O> && ...)) Text::template finish<outputs[0]>(a.of, own, part, to);
    else ((number == k++ ? Text::template finish<O>(a.of, own, part, to) : void()), ...);
  }
};
/// One launch for several calls of a kernel, which are a table among its arguments: a block finds its call there.
template <class Kernel, class Machine, int Room> struct batched_kernel {
  struct arguments {
    int count;
    typename Kernel::arguments of[Room];
  };
  static constexpr int room = Room, threads = Kernel::threads, min_blocks = Kernel::min_blocks, shared = Kernel::shared;
  THUNDER_DEVICE static void run(const arguments& a) {
    int k = 0;
    THUNDER_UNROLL
    for (int step = power_of_two_at_least(Room) / 2; step > 0; step /= 2)
      if (k + step < a.count && Machine::block() >= a.of[k + step].first_block) k += step;
    Kernel::run(a.of[k]);
  }
};
/// How a kernel is launched for Count calls. What does not fit into the arguments of one launch becomes several.
template <class Kernel, class Machine, int Count> struct batch_of {
  static constexpr int most = (Machine::argument_bytes - 16) / static_cast<int>(sizeof(typename Kernel::arguments));
  static constexpr int wanted = power_of_two_at_least(Count);  // so that few numbers of calls need kernels of their own
  using type = batched_kernel<Kernel, Machine, (wanted < most ? wanted : most)>;
};
template <class Kernel, class Machine> struct batch_of<Kernel, Machine, 1> { using type = Kernel; };

template <class Region, class Device, int Count> struct fused_kernels {
  using machine = typename Device::machine;
  template <int Part> using text_of = kernel_text<Region, machine, Part>;
  template <class Kernel> using launched = typename batch_of<Kernel, machine, Count>::type;
  template <class Kernel> struct work_list {
    typename Kernel::arguments of[Count]{};
    void set_blocks(int k, std::int64_t n) {
      if (n > 0x7fffffff) throw device_error("cuda: a fused kernel would need " + std::to_string(n) + " blocks");
      of[k].blocks = static_cast<int>(n);
    }
  };

  template <class Kernel> static void start(Device& device, work_list<Kernel>& work) {
    if constexpr (Count == 1) {
      if (work.of[0].blocks > 0) device.template start<Kernel>(static_cast<unsigned>(work.of[0].blocks), work.of[0]);
    } else {
      typename launched<Kernel>::arguments table{};
      std::int64_t blocks = 0;
      auto launch = [&] {
        if (table.count > 0) device.template start<launched<Kernel>>(static_cast<unsigned>(blocks), table);
        table.count = 0, blocks = 0;
      };
      for (auto& a : work.of) {
        if (a.blocks == 0) continue;
        if (table.count == launched<Kernel>::room || blocks + a.blocks > 0x7fffffff) launch();
        a.first_block = static_cast<int>(blocks);
        table.of[table.count++] = a, blocks += a.blocks;
      }
      launch();
    }
  }
  template <class Text> static void prepare(typename Text::arguments& a, const region_call& call) {
    for (int i = 0; i < Text::inputs; ++i) a.in[i] = call.inputs[i];
    for (int o = 0; o < Text::outputs; ++o) a.out[o] = call.outputs[o];
    for (std::int64_t& e : a.extents) e = 1;
    for (int d = 0; d < Text::traits::dims; ++d) {
      const std::int64_t e = Text::traits::extent[d];
      a.extents[Text::plan.group[d]] *= e < 0 ? call.dims[-1 - e] : e;
    }
    if constexpr (Text::plan.tile > 0) a.extents[Text::dims - 2] /= Text::plan.tile, a.extents[Text::dims - 1] = Text::plan.tile;
    a.rows = 1;
    for (int d = 0; d + 1 < Text::dims; ++d) a.rows *= a.extents[d];
    a.splits = 1;
  }
  template <class Text> static void run_part(Device& device, const region_call (&calls)[Count]) {
    constexpr kernel_shape shape = Text::shape;
    if constexpr (shape.persistent) {
      run_persistent<Text>(device, calls);
    } else if constexpr (shape.wide) {  // one call fills the device
      for (const region_call& call : calls) run_wide<Text>(device, call);
    } else {
      work_list<std::conditional_t<shape.pointwise, pointwise_kernel<Text>, direct_kernel<Text>>> work;
      for (int k = 0; k < Count; ++k) {
        typename Text::arguments& a = work.of[k];
        prepare<Text>(a, calls[k]);
        if (shape.pointwise) {
          const std::int64_t block = shape.group * shape.unroll;
          work.set_blocks(k, (Text::vectors_taken(a.extents[Text::dims - 1]) * (Text::dims == 1 ? 1 : a.rows) + block - 1) / block);
        } else work.set_blocks(k, (a.rows + shape.groups - 1) / shape.groups);
      }
      start(device, work);
    }
  }
  template <class Text> static void run_wide(Device& device, const region_call& call) {
    typename Text::arguments a{};
    prepare<Text>(a, call);
    const std::int64_t length = a.extents[Text::dims - 1];
    constexpr kernel_shape shape = Text::shape;
    constexpr int bytes = shape.group * Text::vector_bytes;  // of shared memory, for a vector of each thread
    const std::int64_t vectors = Text::vectors_left(length);
    if (bytes > 0 && vectors > 0) {
      auto room = [&](int blocks) { return (device.shared_room(blocks) - Text::ring_offset) / bytes; };
      int most = room(shape.blocks);
      if (Text::resident && vectors > most)
        throw device_error("cuda: this device has less shared memory than the program is compiled for: compile it for the device's architecture");
      if (vectors > most && shape.blocks > 4) most = room(4);  // what is read again should be in the second-level cache: fewer rows at once
      a.shared_vectors = vectors < most ? static_cast<int>(vectors) : most > 0 ? most : 0;
    }
    const int shared = Text::ring_offset + a.shared_vectors * bytes;
    const std::int64_t most = device.template resident<wide_kernel<Text>>(shared);
    a.blocks = static_cast<int>(a.rows < most ? a.rows : most);
    if (a.blocks > 0) device.template start<wide_kernel<Text>>(static_cast<unsigned>(a.blocks), a, shared);
  }
  /// The most turns that a block takes for a result of its own: another kernel that adds up the parts of several takes as long.
  static constexpr int at_once = 8;
  /// The device's blocks are shared by all calls, as they have work for them, and those of a call by its results.
  template <class Text> static void run_persistent(Device& device, const region_call (&calls)[Count]) {
    constexpr kernel_shape shape = Text::shape;
    work_list<persistent_kernel<Text>> work;
    std::int64_t results[Count], useful[Count], length[Count], total = 0, bytes[Count + 1]{};
    for (int k = 0; k < Count; ++k) {
      typename Text::arguments& a = work.of[k];
      prepare<Text>(a, calls[k]);
      length[k] = a.extents[Text::dims - 1], results[k] = 1;
      for (int d = 0; d + 1 < Text::dims; ++d)
        if (Text::kept >> d & 1) results[k] *= a.extents[d];
      const std::int64_t rows = results[k] > 0 ? a.rows / results[k] : 0, block = static_cast<std::int64_t>(shape.group) * shape.unroll * shape.vector;
      useful[k] = shape.flat ? (length[k] + block - 1) / block : (rows + shape.groups - 1) / shape.groups;
      total += useful[k] * results[k];
    }
    const std::int64_t resident = device.template resident<launched<persistent_kernel<Text>>>(persistent_kernel<Text>::shared);
    for (int k = 0; k < Count; ++k) {
      const std::int64_t share = Count == 1 || total == 0 ? resident : resident * useful[k] * results[k] / total;
      std::int64_t splits = results[k] > 0 ? share / results[k] : 1;
      if (useful[k] <= at_once) splits = 1;
      if (splits > useful[k]) splits = useful[k];
      if (splits < 1) splits = 1;
      work.of[k].splits = static_cast<int>(splits);
      work.set_blocks(k, results[k] * splits);
      const bool alone = Text::finishes_alone && splits == 1;
      bytes[k + 1] = bytes[k] + (alone ? 0 : Text::template partial_bytes<Text::values>(length[k]) * work.of[k].blocks + 16);
    }
    char* const partial = bytes[Count] > 0 ? static_cast<char*>(device.workspace(static_cast<std::size_t>(bytes[Count]))) : nullptr;
    for (int k = 0; k < Count; ++k) work.of[k].partial = partial + bytes[k];
    start(device, work);
    finish<Text>(device, work, results, length, column_outputs<Text>(std::make_integer_sequence<int, column_output<Text>.count>{}));
  }
  template <class Text, int... O>
  static void finish(Device& device, const work_list<persistent_kernel<Text>>& of, const std::int64_t* results, const std::int64_t* length, std::integer_sequence<int, O...>) {
    work_list<finish_kernel<Text, O...>> work;
    for (int k = 0; k < Count; ++k) {
      std::int64_t each = 0;
      ((each = Text::template finish_blocks<O>(results[k], length[k]) > each ? Text::template finish_blocks<O>(results[k], length[k]) : each), ...);
      work.set_blocks(k, Text::finishes_alone && of.of[k].splits == 1 ? 0 : each * static_cast<std::int64_t>(sizeof...(O)));
      work.of[k].of = of.of[k], work.of[k].blocks_each = static_cast<int>(each);
    }
    start(device, work);
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
  template <int... P> static void run_parts(Device& device, const region_call (&calls)[Count], std::integer_sequence<int, P...>) {
    (run_part<text_of<P>>(device, calls), ...);
  }
};

/// Runs a region's kernels for each call. A call's buffers are on the device, aligned to 16 bytes; no call needs what another makes.
template <class Region, class Device, int Count> void run_fused(Device&& device, const region_call (&calls)[Count]) {
  using kernels = fused_kernels<Region, std::remove_cvref_t<Device>, Count>;
  kernels::run_parts(device, calls, std::make_integer_sequence<int, parts_of<Region>::count>{});
}

}  // namespace thunder::cuda
