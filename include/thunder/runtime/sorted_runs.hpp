#pragma once
/// An index of n things by their order: to add one costs O(log n) moves on the average, to find one O(log^2 n) comparisons.
#include <cstddef>
#include <vector>

namespace thunder {

/// The numbers 0 .. size() - 1 in sorted runs, whose lengths are the powers of two that make up size(), the longest first: to add a number is
/// to add one to a binary counter (Bentley and Saxe 1980). (std::map takes compilers a tenth of a second, in every program that has states.)
class sorted_runs {
 public:
  std::size_t size() const { return order_.size(); }

  /// Makes room for the next number, so that `add` does not throw.
  void reserve_one() {
    if (order_.size() == order_.capacity()) order_.reserve(2 * order_.size() + 8);
    merged_.reserve(order_.capacity());
  }
  /// Adds the number size(). less(a, b): whether number a comes before number b.
  template <class Less> void add(Less less) {
    reserve_one();
    order_.push_back(order_.size());
    for (std::size_t length = 1, end = order_.size(); (end - 1) & length; length *= 2) {  // two runs of this length become one
      merged_.clear();
      std::size_t a = end - 2 * length, b = end - length;
      const std::size_t middle = b;
      while (a < middle || b < end) merged_.push_back(order_[b == end || (a < middle && !less(order_[b], order_[a])) ? a++ : b++]);
      for (std::size_t k = 0; k < 2 * length; ++k) order_[end - 2 * length + k] = merged_[k];
    }
  }
  /// A number for which compare(number) is 0, or size(). compare: below 0 if the number comes before what is looked for, above 0 if after.
  template <class Compare> std::size_t find(Compare compare) const {
    const std::size_t n = order_.size();
    std::size_t begin = 0;
    for (std::size_t length = n == 0 ? 0 : std::size_t{1} << (sizeof n * 8 - 1); length > 0; length /= 2) {
      if (!(n & length)) continue;
      std::size_t low = begin, high = begin += length;
      while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        const int c = compare(order_[middle]);
        if (c == 0) return order_[middle];
        if (c < 0) low = middle + 1;
        else high = middle;
      }
    }
    return n;
  }
  void clear() { order_.clear(); }

 private:
  std::vector<std::size_t> order_, merged_;
};

}  // namespace thunder
