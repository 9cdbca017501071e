/// Scans, sorts and the largest elements of rows. Microseconds, those of a copy of as many bytes as elements and results have, and their ratio.
#include "timing.hpp"

#include <thunder/executors/cuda/sort.hpp>  // behind timing.hpp: CUB brings a namespace ::cuda

using namespace timing;

template <class T, int R, int C, class F> void rows(const std::string& name, std::int64_t result_bytes, F f) {
  const std::int64_t elements = std::int64_t{R} * C * static_cast<std::int64_t>(sizeof(T));
  measure(name + " " + std::to_string(R) + "x" + std::to_string(C), elements + result_bytes, [=](auto x) { return f(x); }, [](int k) { return std::tuple{random<T, R, C>(k)}; });
}
template <int K> constexpr auto largest = [](auto x) {
  const auto [values, indices] = top_k<K>(x);
  return std::tuple{values, indices};
};

void cases() {
  constexpr std::int64_t matrix = std::int64_t{16384} * 4096;
  rows<float, 16384, 4096>("cumsum of float", 4 * matrix, [](auto x) { return cumsum(x); });
  rows<bf16, 16384, 4096>("cumsum", 2 * matrix, [](auto x) { return cumsum(x); });
  rows<float, 16384, 4096>("cumsum of columns of float", 4 * matrix, [](auto x) { return cumsum(x, axis<0>); });
  rows<float, 1, 1 << 26>("cumsum of float", 4 * matrix, [](auto x) { return cumsum(x); });
  auto both = [](auto x) {
    const auto [values, indices] = sort(x);
    return std::tuple{values, indices};
  };
  rows<float, 256, 50304>("sort of float", 8 * 256 * 50304, both);
  rows<float, 16384, 1024>("sort of float", 8 * 16384 * 1024, both);
  rows<float, 1, 1 << 24>("sort of float", 8 << 24, both);
  rows<float, 64, 50304>("top_k 50 of float", 8 * 64 * 50, largest<50>);
  rows<bf16, 64, 50304>("top_k 50", 6 * 64 * 50, largest<50>);
  rows<float, 16384, 64>("top_k 8 of float", 8 * 16384 * 8, largest<8>);
}

int main(int argc, char** argv) { return report(argc, argv, cases); }
