#pragma once
/// Pairs of elements turned by angles: rotate_pairs, which rope consists of. One pass over memory: a thread turns two packets of 16 bytes in
/// each of several rows that have the same angles, with the entries of the tables in registers.
///
/// The kernel is a text for any Machine, started by a Device (launch.hpp); the step of the GPU is for nvcc only.
#include "../../core/error.hpp"
#include "../rotation.hpp"
#include "divisor.hpp"
#include "packet.hpp"
#include "stream.hpp"

namespace thunder::ops {
struct rotate_pairs;
}

namespace thunder::cuda {

/// What the kernel is given. A thread has every shared_places-th row of the dimension `shared`, along which the tables stay where they are.
struct rotation {
  const void *x, *cosine, *sine;
  void* y;
  std::int64_t pairs, threads;  // of a row; in all
  bool halves, back;
  divisor packets;              // of half a row
  int dims = 0, shared = -1;    // of the rows
  divisor extent[max_rank];     // in threads
  std::int64_t row_step[max_rank]{}, table_step[max_rank]{};              // in rows
  std::int64_t shared_rows = 1, shared_places = 1, shared_stride = 0;  // of `shared`: its extent, in threads, and rows from one of a thread to its next
};

/// Count: elements of a packet. Half a row has a whole number of packets; 1: any row, a pair at a time.
template <class Machine, dtype T, int Count> struct rotation_kernel {
  using arguments = rotation;
  static constexpr int threads = 128, min_blocks = 7, shared = 0, rows = 4;
  static constexpr dtype table_type = T == dtype::f64 ? T : dtype::f32;
  static constexpr int entries = Count == 1 ? 1 : Count / 2;  // of a table: the pairs of neighbours in a packet
  using elements = packet<Machine, T, Count>;
  using number = std::conditional_t<T == dtype::f64, double, float>;

  struct angles {
    number cosine[2 * entries], sine[2 * entries];
    /// Entries from `first` on, and from `second` on.
    THUNDER_DEVICE void load(const rotation& a, std::int64_t first, std::int64_t second) {
      packet<Machine, table_type, entries> c[2], s[2];
      c[0].load_cached(a.cosine, first), s[0].load_cached(a.sine, first);
      if constexpr (Count > 1) c[1].load_cached(a.cosine, second), s[1].load_cached(a.sine, second);
      THUNDER_UNROLL
      for (int k = 0; k < (Count > 1 ? 2 * entries : 1); ++k) {
        const number sine_k = plain(s[k / entries].get(k % entries, 0u));
        cosine[k] = plain(c[k / entries].get(k % entries, 0u)), sine[k] = a.back ? -sine_k : sine_k;
      }
    }
  };
  /// Two packets of a row.
  struct unit {
    elements of[2];
    using results = typename elements::number[2][Count];
    /// Elements i of packet p and j of packet q, by one entry.
    THUNDER_DEVICE void turn(results& r, int p, int i, int q, int j, const angles& by, int entry) const {
      const number a = plain(of[p].get(i, 0u)), b = plain(of[q].get(j, 0u)), c = by.cosine[entry], s = by.sine[entry];
      r[p][i] = a * c - b * s, r[q][j] = b * c + a * s;
    }
    THUNDER_DEVICE void turn(const angles& by, [[maybe_unused]] bool halves) {
      results r;
      bool across = true;  // the packets: a pair has an element of each
      if constexpr (Count > 1) across = halves;
      if (across) {
        THUNDER_UNROLL
        for (int k = 0; k < Count; ++k) turn(r, 0, k, 1, k, by, k);
      } else if constexpr (Count > 1) {
        THUNDER_UNROLL
        for (int k = 0; k < Count; ++k) turn(r, k / entries, k % entries * 2, k / entries, k % entries * 2 + 1, by, k);
      }
      of[0].set(r[0]), of[1].set(r[1]);
    }
  };

  THUNDER_DEVICE static void run(const arguments& a) {
    Machine::begin_dependent();
    std::int64_t i = std::int64_t{Machine::block()} * threads + Machine::thread();
    if (i >= a.threads) return;
    const std::int64_t at = a.packets.split(i) * Count;
    std::int64_t row = 0, entry = 0, place = 0;  // place: of the thread along `shared`
    for (int d = a.dims; d-- > 0;) {
      const std::int64_t k = a.extent[d].split(i);
      row += k * a.row_step[d], entry += k * a.table_step[d];
      if (d == a.shared) place = k;
    }
    const bool singles = Count == 1 && !a.halves;  // neighbours, each a packet
    const std::int64_t first = singles ? 2 * at : at, second = singles ? 2 * at + 1 : at + a.pairs;
    auto exists = [&](int k) { return place + k * a.shared_places < a.shared_rows; };
    auto start = [&](int k) { return (row + k * a.shared_stride) * 2 * a.pairs; };
    unit u[rows];
    THUNDER_UNROLL
    for (int k = 0; k < rows; ++k)
      if (exists(k)) u[k].of[0].template load<true>(a.x, start(k) + first), u[k].of[1].template load<true>(a.x, start(k) + second);
    angles by;
    const std::int64_t table = entry * a.pairs;
    const bool across = Count == 1 || a.halves;
    by.load(a, table + (across ? at : at / 2), table + (across ? at + entries : (a.pairs + at) / 2));
    THUNDER_UNROLL
    for (int k = 0; k < rows; ++k)
      if (exists(k)) u[k].turn(by, a.halves), u[k].of[0].store(a.y, start(k) + first), u[k].of[1].store(a.y, start(k) + second);
  }
};

/// Starts the kernel for the operands of rotate_pairs. words: the style (0: neighbours, 1: halves), 1 to turn back.
template <class Device> struct rotation_step {
  static void run(Device& device, const step_arguments& s) {
    if (s.outputs[0].count() == 0) return;
    with_dtype<dtype::f16>(s.inputs[0].type, [&](auto type) { run_type<type.value>(device, s); });
  }

 private:
  using machine = typename Device::machine;
  template <dtype T> static void run_type(Device& device, const step_arguments& s) {
    constexpr int wide = 16 / size_of(T);
    bool vectors = s.inputs[0].extents[s.inputs[0].rank - 1] / 2 % wide == 0;
    for (const void* p : {s.inputs[0].data, s.inputs[1].data, s.inputs[2].data, s.outputs[0].data}) vectors = vectors && reinterpret_cast<std::uintptr_t>(p) % 16 == 0;
    vectors ? start<rotation_kernel<machine, T, wide>>(device, s, wide) : start<rotation_kernel<machine, T, 1>>(device, s, 1);
  }
  template <class Kernel> static void start(Device& device, const step_arguments& s, int count) {
    const rotated_rows nest(s.inputs[0], s.inputs[1]);
    rotation a;
    a.x = s.inputs[0].data, a.cosine = s.inputs[1].data, a.sine = s.inputs[2].data, a.y = s.outputs[0].data;
    a.pairs = s.inputs[0].extents[s.inputs[0].rank - 1] / 2;
    a.halves = s.words[0] != 0, a.back = s.words[1] != 0;
    a.packets = divisor(a.pairs / count);
    a.dims = nest.dims;
    for (int d = 0; d < nest.dims; ++d)
      if (nest.step[d] == 0 && nest.extent[d] > a.shared_rows) a.shared = d, a.shared_rows = nest.extent[d];
    a.threads = a.packets.by;
    for (std::int64_t d = nest.dims, stride = 1; d-- > 0; stride *= nest.extent[d]) {
      a.row_step[d] = stride, a.table_step[d] = nest.step[d];
      std::int64_t places = nest.extent[d];
      if (d == a.shared) a.shared_places = places = (places + Kernel::rows - 1) / Kernel::rows, a.shared_stride = places * stride;
      a.extent[d] = divisor(places);
      a.threads *= places;
    }
    const std::int64_t blocks = (a.threads + Kernel::threads - 1) / Kernel::threads;
    if (blocks > 0x7fffffff) throw device_error("rope: a kernel would need " + std::to_string(blocks) + " blocks");
    device.template start<Kernel>(static_cast<unsigned>(blocks), a);
  }
};

}  // namespace thunder::cuda

#ifdef __CUDACC__
#include "step.hpp"

namespace thunder::cuda {

template <class Machine> struct library_step<ops::rotate_pairs, Machine> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s, cudaStream_t stream) {
    gpu_stream device{stream};
    rotation_step<gpu_stream>::run(device, s);
  }
};

}  // namespace thunder::cuda
#endif
