// Products, indices and moving elements through jit.
#include "compare.hpp"

#include <doctest/doctest.h>

using namespace thunder;
using namespace jit_tests;

TEST_CASE("matmul: batches, shared and transposed operands") {
  const auto product = [](auto a, auto b) { return matmul(a, b); };
  CHECK(error_of(product, wave<float, 17, 33>(0.1), wave<float, 33, 19>(0.2)) < 1e-5);
  CHECK(error_of(product, wave<double, 2, 3, 4, 5>(0.1), wave<double, 2, 3, 5, 6>(0.2)) < 1e-13);
  CHECK(error_of(product, wave<float, 3, 4, 5>(0.1), wave<float, 5, 6>(0.2)) < 1e-6);
  CHECK(error_of(product, wave<bf16, 4, 5>(0.1), wave<bf16, 5, 6>(0.2)) < 2e-2);
  CHECK(error_of([](auto a, auto b) { return relu(matmul(transpose(a), b) + 1_c); }, wave<float, 3, 5, 4>(0.1), wave<float, 3, 5, 6>(0.2)) < 1e-6);
  CHECK(error_of([](auto a, auto b) { return matmul(a, transpose(b)); }, wave<float, 3, 4, 5>(0.1), wave<float, 6, 5>(0.2)) < 1e-6);
  const auto y = jit(product)(tensor<float, 2, 2>{1, 2, 3, 4}, tensor<float, 2, 1>{10, 100});
  CHECK(y(0, 0) == 210);
  CHECK(y(1, 0) == 430);
}

TEST_CASE("transpose, slice, pad, concatenate, reshape") {
  const auto x = wave<float, 3, 4, 5>(0.1);
  CHECK(error_of([](auto a) { return std::tuple{transpose(a, axis<2, 0, 1>), transpose(a), slice<1, 1, 3>(a), slice<-1, 0, -1, 2>(a), pad<0, 1, 2>(a), reshape<12, 5>(a)}; }, x) == 0);
  CHECK(error_of([](auto a) { return tanh(transpose(slice<0, 1, 3>(a), axis<1, 0, 2>)) * 2_c; }, x) < 1e-6);
  CHECK(error_of([](auto a, auto b) { return std::tuple{concatenate(axis<1>, a, b, a), concatenate(axis<0>, a, a)}; }, x, wave<float, 3, 2, 5>(0.7)) == 0);
}

TEST_CASE("take, its gradient, one_hot and argmax") {
  const auto table = wave<float, 7, 3>(0.1);
  const tensor<std::int32_t, 2, 4> index{0, 6, 3, 3, 9, -1, 5, 0};  // two of them outside: clamped
  CHECK(error_of([](auto t, auto i) { return take(t, i); }, table, index) == 0);
  CHECK(error_of([](auto t, auto i) { return grad([=](auto x) { return sum(square(take(x, i))); })(t); }, table, index) < 1e-6);
  CHECK(error_of([](auto i) { return std::tuple{one_hot<7>(i), one_hot<3, double>(i)}; }, index) == 0);
  CHECK(error_of([](auto x) { return std::tuple{argmax(x, axis<0>), argmax(x, axis<1>), argmax(x, axis<-1>) == 2_c}; }, table) == 0);
  const auto a = jit([](auto x) { return argmax(x, axis<0>); })(tensor<float, 4>{1, 5, 5, 2});
  CHECK(a.item() == 1);
}
