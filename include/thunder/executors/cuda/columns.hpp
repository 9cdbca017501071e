#pragma once
/// Reductions over the rows: what a block accumulates while it walks over many rows, and how the blocks' sums become one.
///
/// Each thread has accumulators for the columns that it reads: in registers, or, for long rows, in the block's part of `partial`.
/// The rows arrive in a ring in shared memory, several ahead. When a block has no more rows, its groups' sums become a row of
/// `partial`; `finish`, in a kernel of its own, adds these rows in a fixed order.
#include <type_traits>

#include "row.hpp"

namespace thunder::cuda {

template <class Region, class Machine, int Part>
struct kernel_values<Region, Machine, Part>::row_text::column_text {
  // ---- the rows of one result
  /// The row number k of those that a result with the kept index `own` adds up.
  template <int D = 0>
  THUNDER_DEVICE static std::int64_t row_of(const arguments& a, std::int64_t own, std::int64_t k, std::int64_t row = 0) {
    if constexpr (kept == 0)
      return k;
    else if constexpr (D >= dims - 1)
      return row;
    else {
      if constexpr (kept >> D & 1) {
        const std::int64_t inner = rows_over<D + 1, true>(a), i = own / inner;
        return row_of<D + 1>(a, own - i * inner, k, row * extent<D>(a) + i);
      } else {
        const std::int64_t inner = rows_over<D + 1, false>(a), i = k / inner;
        return row_of<D + 1>(a, own, k - i * inner, row * extent<D>(a) + i);
      }
    }
  }
  /// The product of the extents of the outer dimensions from D on that are kept (or not).
  template <int D, bool Kept>
  THUNDER_DEVICE static std::int64_t rows_over(const arguments& a) {
    if constexpr (D >= dims - 1)
      return 1;
    else if constexpr ((kept >> D & 1) == Kept)
      return extent<D>(a) * rows_over<D + 1, Kept>(a);
    else
      return rows_over<D + 1, Kept>(a);
  }

  // ---- a ring of rows in shared memory: each thread copies what it alone will read, so no barrier is needed
  THUNDER_DEVICE static char* stage_of(int stage) {
    return M::shared() + ring_offset + (group_number() * shape.stages + stage) * shape.stage_bytes;
  }
  template <int... I>
  THUNDER_DEVICE static void fill_stage(const place& at, char* stage, std::integer_sequence<int, I...>) {
    THUNDER_UNROLL
    for (int u = 0; u < shape.vectors; ++u) {
      const int v = u * shape.group + at.t;
      if ((u + 1) * shape.group <= row_length / V || v < row_length / V)
        (M::template copy_async<V * size_of(facts<I>.type)>(
             stage + bytes_before<I, row_length> + v * (V * size_of(facts<I>.type)),
             static_cast<const char*>(at.a.in[I]) +
                 (offset<facts<I>.mask>(at.a, at.row) + v * V) * size_of(facts<I>.type)),
         ...);
    }
  }
  THUNDER_DEVICE static void read_held_stage(int t, const char* stage, row_packets* p) {
    THUNDER_UNROLL
    for (int u = 0; u < shape.vectors; ++u) {
      const int v = u * shape.group + t;
      if ((u + 1) * shape.group <= row_length / V || v < row_length / V) read_stage(stage, v, p[u], list<what::row_input>{});
    }
  }

  /// What varies along the row alone comes to shared memory, for all rows of the block.
  template <int... I>
  THUNDER_DEVICE static void share_columns(const arguments& a, std::integer_sequence<int, I...>) {
    if constexpr (shape.share_columns) {
      for (int v = M::thread(); v < row_length / V; v += shape.threads())
        (M::template copy_async<V * size_of(facts<I>.type)>(
             M::shared() + columns_offset + column_offset<I> + v * V * size_of(facts<I>.type),
             static_cast<const char*>(a.in[I]) + v * V * size_of(facts<I>.type)),
         ...);
      M::commit_copies();
      M::template wait_copies<0>();
      M::sync();
    }
  }
  // ---- column accumulators: in registers, or in this block's part of `partial`
  struct no_columns {
    template <int I>
    THUNDER_DEVICE void add(int, int, std::int64_t, number<I>) {}
  };
  struct register_columns : column_vectors {
    template <int I>
    THUNDER_DEVICE void add(int u, int j, std::int64_t, number<I> x) {
      auto& to = get<I>(*this).at[u * V + j];
      to = combine<I>(to, x);
    }
  };
  struct memory_columns {
    const arguments& a;
    template <int I>
    THUNDER_DEVICE void add(int, int j, std::int64_t i, number<I> x) {
      auto* to = reinterpret_cast<decltype(plain(x))*>(partial_of<I>(a)) +
                 static_cast<std::int64_t>(block(a)) * partial_pitch(extent<dims - 1>(a)) + i + j;
      M::global_store(to, plain(combine<I>(to_number<number<I>>(M::global_load(to)), x)));
    }
  };
  /// A row of partial results, so long that four of its numbers are one access.
  THUNDER_ANYWHERE static constexpr std::int64_t partial_pitch(std::int64_t length) { return (length + 3) / 4 * 4; }
  struct partial_sizes {
    std::int64_t alone = 0, of_column = 0;
  };
  static constexpr partial_sizes partial_before(int values) {
    partial_sizes n;
    for (int v = 0; v < values; ++v)
      if (plan.is_column(v)) {
        if (plan.value[v].mask & row_mask)
          n.of_column += size_of(plan.value[v].type) == 8 ? 8 : 4;
        else
          n.alone += 16;
      }
    return n;
  }
  /// Bytes of one block's partial results for the values before Before: a number each, for which there are 16 bytes, or a row of
  /// numbers. So what begins at partial_bytes<I> * blocks is aligned, and ends before partial_bytes<I + 1> * blocks.
  template <int Before>
  THUNDER_ANYWHERE static constexpr std::int64_t partial_bytes(std::int64_t length) {
    constexpr partial_sizes n = partial_before(Before);
    return n.alone + n.of_column * partial_pitch(length);
  }
  template <int I>
  THUNDER_DEVICE static char* partial_of(const arguments& a) {
    return a.partial + partial_bytes<I>(extent<dims - 1>(a)) * a.blocks;
  }

  template <class Columns>
  THUNDER_DEVICE static Columns make_columns(const arguments& a, int t) {
    if constexpr (std::is_same_v<Columns, register_columns>) {
      Columns c;
      start(c, held_vectors * V, list<what::column_vector>{});
      return c;
    } else if constexpr (std::is_same_v<Columns, memory_columns>) {
      clear_memory(a, t, list<what::column_vector>{});
      return Columns{a};
    } else
      return {};
  }
  template <int... I>
  THUNDER_DEVICE static void clear_memory(const arguments& a, int t, std::integer_sequence<int, I...>) {
    const std::int64_t pitch = partial_pitch(extent<dims - 1>(a));
    for (std::int64_t v = t; v < vectors_of_row(a); v += shape.group)  // by the thread that will add to it
      for (int j = 0; j < V; ++j)
        (M::global_store(reinterpret_cast<decltype(plain(number<I>{}))*>(partial_of<I>(a)) +
                             static_cast<std::int64_t>(block(a)) * pitch + v * V + j,
                         plain(identity<I>())),
         ...);
  }
  template <int... I>
  THUNDER_DEVICE static void start_scalars(column_scalars& s, std::integer_sequence<int, I...>) {
    ((get<I>(s) = identity<I>()), ...);
  }

  /// Whether a block that has all rows of its results writes them as they are; otherwise, all is in `partial` before `finish`.
  static constexpr bool finishes_alone = count<what::column_vector> == 0 || shape.vectors > 0;
  template <int I, int O>
  THUNDER_DEVICE static void store_result(const arguments& a, number<I> x, std::int64_t k) {
    if constexpr (output_at<O>.value == I) store_number<O>(a.out[O], to_number<stored_number<O>>(x), k);
  }
  template <int I, int... O>
  THUNDER_DEVICE static void store_results(const arguments& a, number<I> x, std::int64_t k, std::integer_sequence<int, O...>) {
    (store_result<I, O>(a, x, k), ...);
  }
  /// Element k of what a block has added up goes to its row of `partial`, or to the outputs, if no other block has a share of it.
  template <int I>
  THUNDER_DEVICE static void put(const arguments& a, number<I> x, std::int64_t k) {
    constexpr bool is_vector = (facts<I>.mask & row_mask) != 0;
    const std::int64_t row = block(a), length = is_vector ? extent<dims - 1>(a) : 1, pitch = is_vector ? partial_pitch(length) : 1;
    if (finishes_alone && a.splits == 1)
      store_results<I>(a, x, row * length + k, std::make_integer_sequence<int, outputs>{});
    else
      M::global_store(reinterpret_cast<decltype(plain(x))*>(partial_of<I>(a)) + row * pitch + k, plain(x));
  }

  /// What a block has added up.
  template <class Columns>
  THUNDER_DEVICE static void finish_block(const arguments& a, int t, int group, Columns& columns, const column_scalars& scalars) {
    finish_scalars(a, scalars, list<what::column_scalar>{});
    if constexpr (std::is_same_v<Columns, register_columns>) finish_vectors(a, t, group, columns, list<what::column_vector>{});
  }
  template <int... I>
  THUNDER_DEVICE static void finish_scalars(const arguments& a, const column_scalars& s, std::integer_sequence<int, I...>) {
    (finish_scalar<I>(a, get<I>(s)), ...);
  }
  template <int I>
  THUNDER_DEVICE static void finish_scalar(const arguments& a, number<I> x) {
    constexpr int block_warps = (shape.threads() + 31) / 32;
    x = across_warp<I>(x, shape.threads() < 32 ? shape.threads() : 32);
    if constexpr (block_warps > 1) {
      M::sync();  // the buffers of earlier reductions are free
      char* buffer = M::shared();
      post<I>(x, buffer, M::thread() / 32);
      M::sync();
      x = gather<I>(buffer, block_warps);
    }
    if (M::thread() == 0) put<I>(a, x, 0);
  }
  template <int... I>
  THUNDER_DEVICE static void finish_vectors(const arguments& a, int t, int group, register_columns& c,
                                            std::integer_sequence<int, I...>) {
    (finish_vector<I>(a, t, group, c), ...);
  }
  template <int I>
  THUNDER_DEVICE static void finish_vector(const arguments& a, int t, int group, register_columns& c) {
    using stored = decltype(plain(number<I>{}));
    auto& mine = get<I>(c).at;
    constexpr int sharers = shape.group < 32 ? 32 / shape.group : 1;  // groups of a warp, which add up first
    if constexpr (sharers > 1) {
      THUNDER_UNROLL
      for (int k = 0; k < shape.vectors * V; ++k) {
        THUNDER_UNROLL
        for (int m = shape.group; m < 32; m *= 2)
          mine[k] = combine<I>(mine[k], to_number<number<I>>(M::shuffle_xor(plain(mine[k]), m)));
      }
    }
    if constexpr (shape.groups > sharers) {  // in shared memory: a row for each group, where the ring was, or else one for all, in turn
      constexpr int length = static_cast<int>(row_length), sums = shape.groups / sharers;
      constexpr int room = shape.stages * shape.stage_bytes * sharers;
      constexpr bool together = room >= length * static_cast<int>(sizeof(stored));
      constexpr int turns = together ? 1 : sums;
      const int own = group / sharers;
      const bool adds = sharers == 1 || group % sharers == 0;
      stored* sum = reinterpret_cast<stored*>(M::shared() + (together ? ring_offset + own * room : 0));
      M::sync();
      for (int g = 0; g < turns; ++g) {
        if (adds && (together || own == g)) {
          THUNDER_UNROLL
          for (int u = 0; u < shape.vectors; ++u) {
            const int v = u * shape.group + t;
            if ((u + 1) * shape.group <= length / V || v < length / V) {
              THUNDER_UNROLL
              for (int j = 0; j < V; ++j) {
                number<I> x = mine[u * V + j];
                if (g > 0) x = combine<I>(to_number<number<I>>(M::shared_load(sum + v * V + j)), x);
                M::shared_store(sum + v * V + j, plain(x));
              }
            }
          }
        }
        M::sync();
      }
      for (int k = M::thread(); k < length; k += shape.threads()) {
        if constexpr (together) {
          number<I> x = identity<I>();
          for (int g = 0; g < sums; ++g)
            x = combine<I>(x, to_number<number<I>>(M::shared_load(
                                  reinterpret_cast<stored*>(M::shared() + ring_offset + g * room) + k)));
          put<I>(a, x, k);
        } else
          put<I>(a, to_number<number<I>>(M::shared_load(sum + k)), k);
      }
    } else {
      THUNDER_UNROLL
      for (int u = 0; u < shape.vectors; ++u) {
        const int v = u * shape.group + t;
        if ((u + 1) * shape.group <= row_length / V || v < row_length / V) {
          THUNDER_UNROLL
          for (int j = 0; j < V; ++j) put<I>(a, mine[u * V + j], v * V + j);
        }
      }
    }
  }

  // ---- the sum of the blocks' partial results
  static constexpr int finish_threads = 256, finish_columns = 32;
  /// How many blocks add up output O, if there are `results` rows of results of `length` each.
  template <int O>
  THUNDER_ANYWHERE static std::int64_t finish_blocks(std::int64_t results, std::int64_t length) {
    if constexpr ((facts<output_at<O>.value>.mask & row_mask) != 0)
      return (results * partial_pitch(length) + finish_columns - 1) / finish_columns;
    else
      return results < 32 ? results : (results + 31) / 32;
  }
  /// Whether two outputs are finished by the same text.
  template <int O, int P>
  static constexpr bool alike = [] {
    constexpr int I = output_at<O>.value, J = output_at<P>.value;
    return std::is_same_v<op_of<I>, op_of<J>> && std::is_same_v<number<I>, number<J>> && output_at<O>.type == output_at<P>.type &&
           facts<I>.type == facts<J>.type && facts<I>.mask == facts<J>.mask;
  }();
  /// A block adds up 32 neighbouring columns, each thread four of them in every 32nd partial row; or 32 single numbers; or, if there are
  /// few, one. block: among those of the output `to`, which is output O or one like it; part: the partial results.
  template <int O>
  THUNDER_DEVICE static void finish(const arguments& a, int block, const char* part, void* to) {
    constexpr int I = output_at<O>.value;
    using stored = decltype(plain(number<I>{}));
    constexpr dtype type = std::is_same_v<stored, float> ? dtype::f32 : facts<I>.type;
    constexpr bool is_vector = (facts<I>.mask & row_mask) != 0;
    constexpr int W = is_vector ? 4 : 1, block_warps = finish_threads / 32;
    const std::int64_t length = is_vector ? extent<dims - 1>(a) : 1, pitch = is_vector ? partial_pitch(length) : 1,
                       results = a.blocks / a.splits;
    stored* sum = reinterpret_cast<stored*>(M::shared());
    const int lane = M::thread() % 32, warp = M::thread() / 32, across = is_vector ? 8 : results < 32 ? 1 : 32, slots = finish_threads / across;
    const std::int64_t first = static_cast<std::int64_t>(block) * (across * W), k = first + lane % across * W;
    number<I> x[W];
    for (int j = 0; j < W; ++j) x[j] = identity<I>();
    if (k < results * pitch) {
      const std::int64_t own = k / pitch, column = k - own * pitch, base = own * a.splits * pitch + column;
      constexpr bool whole = W == 1 || (row_length >= 0 && row_length % W == 0);
      const int n = whole || length - column >= W ? W : static_cast<int>(length - column);
      constexpr int batch = 5;  // loads on their way at once: one wait for a multiprocessor's usual number of blocks
      for (int s = warp * (32 / across) + lane / across; s < a.splits; s += batch * slots) {
        packet<M, type, W> p[batch];
        THUNDER_UNROLL
        for (int u = 0; u < batch; ++u)
          if (s + u * slots < a.splits) {
            if (whole || n == W)
              p[u].template load<false>(part, base + (s + u * slots) * pitch);
            else
              p[u].load_some(part, base + (s + u * slots) * pitch, n);
          }
        THUNDER_UNROLL
        for (int u = 0; u < batch; ++u)
          if (s + u * slots < a.splits) {
            THUNDER_UNROLL
            for (int j = 0; j < W; ++j)
              if (j < n) x[j] = combine<I>(x[j], to_number<number<I>>(p[u].get(j, 0)));
          }
      }
    }
    for (int m = across; m < 32; m *= 2) {
      THUNDER_UNROLL
      for (int j = 0; j < W; ++j) x[j] = combine<I>(x[j], to_number<number<I>>(M::shuffle_xor(plain(x[j]), m)));
    }
    if (lane < across) {
      THUNDER_UNROLL
      for (int j = 0; j < W; ++j) M::shared_store(sum + warp * 32 + lane * W + j, plain(x[j]));
    }
    M::sync();
    if (const std::int64_t r = first + M::thread(); M::thread() < across * W && r < results * pitch && r % pitch < length) {
      number<I> total = to_number<number<I>>(M::shared_load(sum + M::thread()));
      for (int w = 1; w < block_warps; ++w) total = combine<I>(total, to_number<number<I>>(M::shared_load(sum + w * 32 + M::thread())));
      store_number<O>(to, to_number<stored_number<O>>(total), r / pitch * length + r % pitch);
    }
  }

  struct wide_text;
};

}  // namespace thunder::cuda
