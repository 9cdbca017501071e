// A .cpp and a .cu file, compiled with the same headers, in one program.
#include "programs.hpp"

#include <doctest/doctest.h>

#include <cmath>

TEST_CASE("both compilers make the same program") {
  const auto a = from_cpp(), b = from_cu();
  REQUIRE(a.size() == 2 * 41 + 40);
  REQUIRE(b.size() == a.size());
  float largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(a[i] == doctest::Approx(b[i]).epsilon(1e-5));
    largest = std::max(largest, std::abs(a[i]));
  }
  CHECK(largest > 0);
}
