// Batches for the CPU: the order, and what must not be done.
#include <thunder/runtime/batch_loader.hpp>

#include <doctest/doctest.h>

using namespace thunder;

namespace {
inline constexpr auto B = dim("batch");
}

TEST_CASE("batches come in order, and one may be filled while another is in use") {
  batch_loader<device::cpu, tensor<float, B, 2>, tensor<std::int32_t, B>> batches(sizes({{B, 3}}), 3);
  int number = 0;
  auto fill = [&](auto& x, auto& y) {
    x(2, 1) = static_cast<float>(number), y(0) = 10 * number;
    ++number;
  };
  batches.load(fill);
  batches.load(fill);
  for (int k = 0; k < 10; ++k) {
    auto [x, y] = batches.next();
    batches.load(fill);
    CHECK(x(2, 1) == static_cast<float>(k));
    CHECK(y(0) == 10 * k);
  }
}
TEST_CASE("what cannot be") {
  batch_loader<device::cpu, tensor<float, 2>> batches({});
  auto fill = [](auto& x) { x(0) = 1; };
  CHECK_THROWS_WITH_AS(batches.next(), "batch_loader: no batch is loaded", error);
  CHECK_THROWS_AS(batches.load([](auto&) { throw 1; }), int);
  batches.load(fill);
  CHECK_THROWS_WITH_AS(batches.load(fill), "batch_loader: 1 batches are loaded, and no more have room: call next() first", error);
  CHECK(std::get<0>(batches.next())(0) == 1);
  batches.load(fill);
  CHECK_THROWS_AS((batch_loader<device::cpu, tensor<float, 2>>({}, 1)), shape_error);
}
