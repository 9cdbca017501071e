// Reductions of what repeats, and of extents of 1, through jit.
#include "compare.hpp"

#include <doctest/doctest.h>

using namespace thunder;
using namespace jit_tests;

namespace {
constexpr double tolerance = 1e-6;
}  // namespace

TEST_CASE("reductions over what repeats") {
  // x along axis 1 of [3, 4, 5]
  const auto along = [](auto x) { return broadcast<3, 4, 5>(unsqueeze(x, axis<-1>)); };
  const auto x = wave<float, 4>(0.1);
  CHECK(error_of([=](auto a) { return std::tuple{sum(along(a), axis<1, 2>), sum(along(a), axis<2>), sum(along(a), axis<0, 1>), sum(along(a), axis<1>)}; }, x) < tolerance);
  CHECK(error_of([=](auto a) { return std::tuple{max(along(a), axis<1, 2>), max(along(a), axis<2>), max(along(a), axis<0, 1>), max(along(a))}; }, x) < tolerance);
  CHECK(error_of([=](auto a) { return softmax(along(a), axis<2>) + softmax(along(a), axis<1>); }, x) < tolerance);
  CHECK(error_of([=](auto a) { return softmax(along(a), axis<1, 2>); }, x) < tolerance);
}

TEST_CASE("extents of 1") {
  CHECK(error_of([](auto x, auto y) { return sum(x * y, axis<1>) + reshape<3>(x); }, wave<float, 3, 1>(0.1), wave<float, 1, 1>(0.2)) < tolerance);
  CHECK(error_of([](auto x) { return softmax(x) + sum(x, axis<0>); }, wave<float, 1, 6>(0.1)) < tolerance);
  CHECK(error_of([](auto x) { return softmax(x, axis<0>) * reshape<6>(x); }, wave<float, 6>(0.1)) < tolerance);
}
