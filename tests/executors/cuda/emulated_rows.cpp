// Row programs of many static lengths on the emulated machine: rows held by one thread, a warp or a block; odd lengths; too long to hold.
#include "emulated.hpp"

namespace emulated {

TEST_CASE("softmax") {
  lengths<softmax_of, bfloat>(1.0 / 128, {1, 21}, every{});
  lengths<softmax_of, f32>(1e-5, {11}, some{});
  lengths<softmax_of, bfloat>(1.0 / 128, {2}, too_long{});
}
TEST_CASE("norm") {
  lengths<layer_norm_of, f32>(1e-4, {19}, some{});
  lengths<layer_norm_of, f32>(1e-4, {2}, too_long{});
}
TEST_CASE("other types") {
  check<softmax_of<space<-1, 100>, half>>(1.0 / 1024, {9});
  check<softmax_of<space<-1, 100>, f64>>(1e-12, {9});
  check<layer_norm_of<space<-1, 3000>, f64>>(1e-12, {3});
}
TEST_CASE("lengths known at run time") {
  for (std::int64_t n : {1, 2, 7, 31, 32, 33, 100, 1000, 3001}) {
    check<softmax_of<space<-1, -2>>>(1e-5, {5, n});
    check<layer_norm_of<space<-1, -2>, bfloat>>(1.0 / 64, {3, n});
  }
}

}  // namespace emulated
