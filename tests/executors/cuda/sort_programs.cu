// Programs that sort and scan, on the GPU: at once, recorded and replayed. The steps themselves: sort.cu, scan.cu.
#include "both.hpp"

#include <thunder/executors/cuda/sort.hpp>  // behind what says cuda:: in a namespace that uses thunder: CUB brings a namespace ::cuda

using namespace both;

TEST_CASE("programs, and their gradients") {
  if (!have_device()) return;
  const auto x = numbers<float, 9, 600>(1);
  check("sort and top_k", 0, [](auto a) {
    const auto [v, i] = sort<sort_order::descending>(a);
    const auto [w, j] = top_k<7>(a);
    return std::tuple{v, i, w, j, argsort(a, axis<0>)};
  }, x);
  check("gradient", 1e-6, [](auto a) { return grad([](auto y) { return sum(sin(sort(y).first) * sort(y, axis<0>).first) + sum(square(top_k<3>(y).first)); })(a); }, x);
  check("long rows", 0, [](auto a) { const auto [v, i] = sort(a); return std::tuple{v, i}; }, numbers<bf16, 2, 70000>(2));
  check("more than top_k selects", 0, [](auto a) { const auto [v, i] = top_k<1500>(a); return std::tuple{v, i}; }, numbers<std::int32_t, 3, 2000>(2));
  constexpr auto sums = [](auto a) { return cumsum(a * a) + 1_c; };
  check("scans between regions", 1e-5, sums, x);
  check("a scan of several blocks", 1e-5, sums, numbers<float, 1, 100000>(3));
}
