#pragma once
/// Rows in order, by CUB's radix sorts. Include it in the .cu files whose programs sort: thunder.hpp does not, because CUB's headers and kernels
/// take longer to compile than most programs. (cumsum, cumprod and top_k do without.)
///
/// What is sorted are words: an element's key (executors/order.hpp) above its place in the row, by the key's bits alone and stably. Keys of 64
/// bits are sorted by their lower halves first.
#include <cub/block/block_radix_sort.cuh>
#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_segmented_radix_sort.cuh>

#include <algorithm>

#include "top_k.hpp"

namespace thunder::ops {
struct sort;
}

namespace thunder::cuda {

/// A row for each block: Items words of a thread.
template <dtype T, int Items, class Machine> __global__ void __launch_bounds__(256)
sort_medium_rows(const unsigned_of<size_of(T)>* x, unsigned_of<size_of(T)>* values, std::int32_t* indices, int n, bool descending) {
  using block_sort = cub::BlockRadixSort<std::uint64_t, 256, Items>;
  __shared__ typename block_sort::TempStorage storage;
  const std::int64_t row = blockIdx.x * std::int64_t{n};
  const int thread = static_cast<int>(threadIdx.x);
  std::uint64_t words[Items];
#pragma unroll
  for (int j = 0; j < Items; ++j) {
    const int i = thread * Items + j;
    words[j] = i < n ? make_entry<T>(order_key<T>(x[row + i], descending), static_cast<std::uint32_t>(i)) : ~std::uint64_t{0};
  }
  block_sort(storage).SortBlockedToStriped(words, 32, 32 + 8 * size_of(T));
#pragma unroll
  for (int j = 0; j < Items; ++j) {
    const int i = j * 256 + thread;
    if (i >= n) continue;
    const std::uint32_t from = index_of(words[j]);
    values[row + i] = x[row + from], indices[row + i] = static_cast<std::int32_t>(from);
  }
}

/// Words of rows. Of keys of 64 bits the lower halves; the upper ones, if the words are in the order of the lower ones already.
template <dtype T, class Machine> __global__ void __launch_bounds__(256)
make_words(const unsigned_of<size_of(T)>* x, std::uint64_t* words, divisor length, std::int64_t count, bool descending, bool upper) {
  for (std::int64_t i = std::int64_t{blockIdx.x} * 256 + threadIdx.x; i < count; i += std::int64_t{gridDim.x} * 256) {
    std::int64_t row = i;
    std::uint32_t place = static_cast<std::uint32_t>(length.split(row));
    if (upper) place = index_of(words[i]);
    const std::uint64_t key = order_key<T>(x[row * length.by + place], descending);
    words[i] = (upper ? key >> 32 : key & 0xffffffffu) << 32 | place;
  }
}
template <dtype T, class Machine> __global__ void __launch_bounds__(256)
write_sorted(const unsigned_of<size_of(T)>* x, const std::uint64_t* words, unsigned_of<size_of(T)>* values, std::int32_t* indices, divisor length, std::int64_t count) {
  for (std::int64_t i = std::int64_t{blockIdx.x} * 256 + threadIdx.x; i < count; i += std::int64_t{gridDim.x} * 256) {
    const std::uint32_t from = index_of(words[i]);
    values[i] = x[length.quotient(i) * length.by + from], indices[i] = static_cast<std::int32_t>(from);
  }
}
/// Where row i begins.
struct row_starts {
  using value_type = int;
  using reference = int;
  using pointer = const int*;
  using difference_type = std::ptrdiff_t;
  using iterator_category = std::random_access_iterator_tag;
  int n, first = 0;
  THUNDER_ANYWHERE int operator[](std::ptrdiff_t i) const { return static_cast<int>(i + first) * n; }
  THUNDER_ANYWHERE int operator*() const { return first * n; }
  THUNDER_ANYWHERE row_starts operator+(std::ptrdiff_t i) const { return {n, static_cast<int>(first + i)}; }
};

/// (x: [.., n]) -> [.., n], i32 [.., n]. words: 1 if descending.
template <class Machine> struct library_step<ops::sort, Machine> {
  static constexpr bool exists = true;
  static void run(const step_arguments& s, cudaStream_t stream) {
    const array &x = s.inputs[0], &values = s.outputs[0], &indices = s.outputs[1];
    const std::int64_t n = x.extents[x.rank - 1], rows = x.count(0, x.rank - 1);
    const bool descending = s.words[0] != 0;
    check_row_length(n);
    if (x.count() == 0) return;
    with_dtype(x.type, [&](auto type) {
      constexpr dtype t = type.value;
      if (n <= 256) return start_short_rows<t, Machine>(short_rows(rows, n, n, descending), x, values, indices, stream);
      if constexpr (size_of(t) < 8) {
        if (n <= 1024) return medium<t, 4>(x, values, indices, rows, n, descending, stream);
        if (n <= 4096) return medium<t, 16>(x, values, indices, rows, n, descending, stream);
      }
      const std::int64_t at_once = std::clamp<std::int64_t>(most_words / n, 1, rows);
      for (std::int64_t row = 0; row < rows; row += at_once) long_rows<t>(x, values, indices, row, std::min(at_once, rows - row), descending, stream);
    });
    check(cudaGetLastError(), "sort: starting it");
  }

 private:
  static constexpr std::int64_t most_words = 1 << 25;  // that are sorted at once: 512 MiB of working memory

  template <dtype T> using element = unsigned_of<size_of(T)>;
  template <dtype T, int Items>
  static void medium(const array& x, const array& values, const array& indices, std::int64_t rows, std::int64_t n, bool descending, cudaStream_t stream) {
    sort_medium_rows<T, Items, Machine><<<launched_blocks(rows), 256, 0, stream>>>(static_cast<const element<T>*>(x.data), static_cast<element<T>*>(values.data),
                                                                                  static_cast<std::int32_t*>(indices.data), static_cast<int>(n), descending);
  }
  template <dtype T>
  static void long_rows(const array& x, const array& values, const array& indices, std::int64_t row, std::int64_t rows, bool descending, cudaStream_t stream) {
    const std::int64_t n = x.extents[x.rank - 1], count = rows * n;
    const auto* const from = static_cast<const element<T>*>(x.data) + row * n;
    const auto words_bytes = static_cast<std::size_t>((count + 31) / 32 * 32) * sizeof(std::uint64_t);
    const int bits = 8 * std::min(size_of(T), 4);
    const std::size_t temporary = sort_words(nullptr, 0, nullptr, nullptr, rows, n, bits, stream).bytes;
    char* const memory = static_cast<char*>(workspace(2 * words_bytes + temporary));
    auto* words = reinterpret_cast<std::uint64_t*>(memory);
    auto* other = reinterpret_cast<std::uint64_t*>(memory + words_bytes);
    const auto blocks = static_cast<unsigned>(std::min<std::int64_t>((count + 255) / 256, 32 * properties().processors));
    for (int half = 0; half < (size_of(T) == 8 ? 2 : 1); ++half) {
      make_words<T, Machine><<<blocks, 256, 0, stream>>>(from, words, divisor(n), count, descending, half == 1);
      if (sort_words(memory + 2 * words_bytes, temporary, words, other, rows, n, bits, stream).words != words) std::swap(words, other);
    }
    write_sorted<T, Machine><<<blocks, 256, 0, stream>>>(from, words, static_cast<element<T>*>(values.data) + row * n, static_cast<std::int32_t*>(indices.data) + row * n,
                                                         divisor(n), count);
  }
  struct sorted_words {
    std::uint64_t* words;
    std::size_t bytes;
  };
  /// Sorts the words of each row by `bits` of their upper halves. Without memory it says how many bytes it needs.
  static sorted_words sort_words(void* memory, std::size_t bytes, std::uint64_t* words, std::uint64_t* other, std::int64_t rows, std::int64_t n, int bits, cudaStream_t stream) {
    cub::DoubleBuffer<std::uint64_t> buffers(words, other);
    // A block sorts a row in about 2 ns an element, two of them on a multiprocessor; the device, one row after another, in 30 us and 0.03 ns an
    // element.
    const std::int64_t waves = (rows + 2 * properties().processors - 1) / (2 * properties().processors);
    if (rows * (30000 + n / 32) < 2 * n * waves) {
      for (std::int64_t k = 0; k < rows; ++k) {
        cub::DoubleBuffer<std::uint64_t> row(words + k * n, other + k * n);
        check(cub::DeviceRadixSort::SortKeys(memory, bytes, row, n, 32, 32 + bits, stream), "sort: CUB's sort of the device");
        if (!memory) break;
        if (k == 0) buffers.selector = row.selector;
      }
    } else {
      check(cub::DeviceSegmentedRadixSort::SortKeys(memory, bytes, buffers, static_cast<int>(rows * n), static_cast<int>(rows), row_starts{static_cast<int>(n)},
                                                    row_starts{static_cast<int>(n), 1}, 32, 32 + bits, stream),
            "sort: CUB's sort of rows");
    }
    return {buffers.Current(), bytes};
  }
};

}  // namespace thunder::cuda
