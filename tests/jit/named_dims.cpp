// Named dimensions through jit: one program, bound to several sizes.
#include "compare.hpp"

#include <doctest/doctest.h>

using namespace thunder;
using namespace jit_tests;

namespace {
inline constexpr auto B = dim("batch");
inline constexpr auto S = dim("seq");

constexpr auto block = [](auto x, auto w, auto b) {
  auto y = gelu(matmul(x, w) + b);
  return std::tuple{softmax(y), mean(y, axis<0>), sum(y) * 0.1_c, concatenate(axis<1>, y, x)};
};
}  // namespace

TEST_CASE("one program for every batch, the last one smaller") {
  auto program = jit(block);
  const auto w = wave<float, 5, 7>(0.1);
  const auto b = wave<float, 7>(0.2);
  for (std::int64_t n : {8, 8, 3, 1, 64, 3, 0}) {
    const auto x = wave<float, B, 5>(0.3, n);
    if (n > 0) CHECK(difference(leaves(program(x, w, b)), meaning(block, x, w, b)) < 1e-5);
    else CHECK(std::get<0>(program(x, w, b)).size() == 0);
  }
}

TEST_CASE("a slice of a batch is an argument") {
  auto program = jit([](auto x) { return sum(x, axis<1>); });
  const auto x = wave<float, B, 3>(0.1, 10);
  const auto all = program(x), part = program(x.slice(4, 7));
  CHECK(part.size() == 3);
  for (int i = 0; i < 3; ++i) CHECK(part(i) == all(4 + i));
}

TEST_CASE("two names and their product") {
  const auto f = [](auto x) {
    auto flat = reshape<B * S, 4>(x);
    return std::tuple{sum(flat * flat, axis<1>), transpose(x, axis<1, 0, 2>), softmax(reshape<B, S, 4>(flat), axis<1>), cast<float>(extent<B>()) * mean(x)};
  };
  auto program = jit(f);
  for (auto [n, m] : {std::pair{2, 3}, {3, 2}, {1, 6}, {5, 1}}) {
    const auto x = wave<float, B, S, 4>(0.1, n, m);
    CHECK(difference(leaves(program(x)), meaning(f, x)) < 1e-5);
  }
  const auto g = [](auto x, auto y) { return x * reshape<B * S>(y); };
  auto product = jit(g);
  tensor<float, B * S> flat(sizes({{B, 2}, {S, 3}}));
  flat.fill(2);
  CHECK(difference(leaves(product(flat, wave<float, B, S>(0.1, 2, 3))), meaning(g, flat, wave<float, B, S>(0.1, 2, 3))) < 1e-6);
  CHECK_THROWS_AS(product(flat, wave<float, B, S>(0.1, 4, 3)), const shape_error&);
}

TEST_CASE("numbers that do not depend on a batch's size are drawn alike") {
  auto program = jit([](auto x, auto key) { return x + uniform<float, B, 4>(key); });
  const auto small = program(tensor<float, B, 4>(2), std::int64_t{7}), large = program(tensor<float, B, 4>(9), std::int64_t{7});
  for (int i = 0; i < 8; ++i) CHECK(small.data()[i] == large.data()[i]);
}

TEST_CASE("results that have elements are written when a dimension is empty") {
  const auto f = [](auto x, auto v, auto w) {  // one loop over the batch would do for both, but has no steps then
    auto e = exp(w);
    return std::tuple{tanh(matmul(x, v)) * e, e, sum(x, axis<0>)};
  };
  const auto g = [](auto x, auto w) {  // numbers of the first dimension
    auto e = reshape<4, 1, 1>(exp(w));
    return std::tuple{tanh(transpose(x, axis<0, 2, 1>)) * e, e, sum(x, axis<2>), max(x, axis<1>)};
  };
  for (int n : {0, 2}) {
    const auto x = wave<float, B, 5>(0.1, n);
    CHECK(difference(leaves(jit(f)(x, wave<float, 5, 7>(0.2), wave<float, 7>(0.3))), meaning(f, x, wave<float, 5, 7>(0.2), wave<float, 7>(0.3))) < 1e-5);
    for (int m : {0, 3}) {
      const auto y = wave<float, 4, B, S>(0.1, n, m);
      CHECK(difference(leaves(jit(g)(y, wave<float, 4>(0.2))), meaning(g, y, wave<float, 4>(0.2))) < 1e-5);
    }
  }
}

TEST_CASE("what a program needs is known before it runs") {
  auto program = jit(block);
  const auto p = program.lower(spec<float, B, 5>(), spec<float, 5, 7>(), spec<float, 7>());
  const auto small = p.memory(sizes({{B, 10}})), large = p.memory(sizes({{B, 1000}}));
  CHECK(small.arguments == 4 * (50 + 35 + 7));
  CHECK(small.results == 4 * (70 + 7 + 1 + 120));
  CHECK(large.arena > small.arena);
  CHECK_THROWS_AS(p.memory(), const shape_error&);
}
