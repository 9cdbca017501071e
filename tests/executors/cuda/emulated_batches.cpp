// Several calls of a region in one launch, on the emulated machine: of different sizes, some of them empty, and more than one launch has
// room for.
#include "emulated.hpp"

namespace emulated {

template <class Region> struct batch_against_cpu;
template <class Space, dtype... IT, unsigned... IM, int... OV, dtype... OT, unsigned... OM, class... S>
struct batch_against_cpu<region<Space, pack<input<IT, IM>...>, pack<output<OV, OT, OM>...>, S...>> {
  using tested = region<Space, pack<input<IT, IM>...>, pack<output<OV, OT, OM>...>, S...>;
  static constexpr int inputs = sizeof...(IT), outputs = sizeof...(OT);
  struct one_call {
    std::vector<std::vector<char>> in, expected, out;
    const void* from[inputs]{};
    void *to[outputs]{}, *wanted[outputs]{};
    std::size_t sizes[outputs]{};
  };
  /// extents[k]: those of call k. in_place: output number o is written where input number o is.
  template <int Count, std::size_t Rank> static void check(double tolerance, const std::int64_t (&extents)[Count][Rank], bool in_place) {
    for (const how& way : ways) {
      std::mt19937 random(7);
      one_call all[Count];
      region_call calls[Count];
      for (int k = 0; k < Count; ++k) {
        one_call& c = all[k];
        auto size = [&](unsigned mask) {
          std::size_t n = 1;
          for (std::size_t d = 0; d < Rank; ++d) n *= mask >> d & 1 ? static_cast<std::size_t>(extents[k][d]) : 1;
          return n;
        };
        ((c.in.emplace_back(), fill<IT>(c.in.back(), size(IM), 0.25, random)), ...);
        int o = 0;
        ((c.expected.emplace_back(size(OM) * sizeof(element_t<OT>) + 1), c.out.emplace_back(c.expected.back().size(), '\xA5'), c.sizes[o++] = size(OM)), ...);
        for (int i = 0; i < inputs; ++i) c.from[i] = c.in[static_cast<std::size_t>(i)].data();
        for (int i = 0; i < outputs; ++i) {
          const auto at = static_cast<std::size_t>(i);
          c.wanted[i] = c.expected[at].data(), c.to[i] = in_place ? c.in[at].data() : c.out[at].data();
        }
        cpu::fused_loop<tested>::run(c.from, c.wanted, extents[k]);
        calls[k] = {c.from, c.to, extents[k]};
      }
      std::string fault;
      try {
        cuda::emulate<tested>(calls, way.seed, way.resident);
      } catch (const cuda::kernel_fault& f) {
        fault = f.what();
      }
      CAPTURE(way.seed);
      CHECK(fault == "");
      for (int k = 0; k < Count; ++k) {
        CAPTURE(k);
        std::size_t o = 0;
        auto one = [&]<dtype T>(std::integral_constant<dtype, T>) {
          CHECK(difference<T>(in_place ? all[k].in[o] : all[k].out[o], all[k].expected[o], all[k].sizes[o]) <= tolerance);
          ++o;
        };
        (one(std::integral_constant<dtype, OT>{}), ...);
      }
    }
  }
};

// inputs: p, v, g, rate; outputs: p - rate v', v' = 0.9 v + g
using momentum_step = region<space<-1>, pack<input<f32, 1>, input<f32, 1>, input<f32, 1>, input<f32, 0>>, pack<output<8, f32, 1>, output<6, f32, 1>>, full<bits(0.9), f32>,
                             mul<f32, 1, 1, 4>, add<f32, 1, 5, 2>, mul<f32, 1, 6, 3>, sub<f32, 1, 0, 7>>;
// the sum of squares
using squares = region<space<-1>, pack<input<bfloat, 1>>, pack<output<3, f32, 0>>, cast_<f32, 1, 0>, mul<f32, 1, 1, 1>, sum_<1, f32, 0, 2>>;

TEST_CASE("an optimizer's update of tensors of many sizes, in place") {
  static constexpr std::int64_t extents[]{1, 4097, 0, 1024, 7, 3000, 5, 33};
  std::int64_t all[75][1];  // more than the arguments of one launch hold
  for (int k = 0; k < 75; ++k) all[k][0] = extents[k % 8] + k % 3;
  batch_against_cpu<momentum_step>::check(1e-6, all, true);
}
TEST_CASE("sums of whole tensors") {
  const std::int64_t extents[][1]{{1}, {200000}, {0}, {100}, {7}};  // one that several blocks share, beside those of one block
  batch_against_cpu<squares>::check(1e-5, extents, false);
  std::int64_t all[60][1];
  for (int k = 0; k < 60; ++k) all[k][0] = 1 + k * 37 % 400;
  batch_against_cpu<squares>::check(1e-5, all, false);
}
TEST_CASE("rows") {
  const std::int64_t extents[][2]{{3, 100}, {0, 100}, {20, 100}};
  batch_against_cpu<softmax_of<space<-1, 100>>>::check(1e-5, extents, false);
}
TEST_CASE("rows and columns") {
  const std::int64_t extents[][2]{{2000, 7}, {1, 7}, {0, 7}, {9, 7}};
  batch_against_cpu<layer_norm_backward_of<space<-1, 7>>>::check(1e-4, extents, false);
  const std::int64_t any[][2]{{30, 100}, {5, 1}};
  batch_against_cpu<layer_norm_backward_of<space<-1, -2>>>::check(1e-4, any, false);
}

}  // namespace emulated
