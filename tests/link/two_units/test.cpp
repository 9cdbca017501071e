// Two translation units that use the same programs.
#include "programs.hpp"

#include <doctest/doctest.h>

TEST_CASE("two units have the same programs") {
  const auto a = first_answer(), b = second_answer();
  CHECK(a.graph == b.graph);
  CHECK(a.plan == b.plan);
  CHECK(a.op == b.op);
  CHECK(a.region == b.region);
  CHECK(a.losses == b.losses);
  CHECK(a.weights == b.weights);
  CHECK(a.losses[2] < a.losses[0]);
}
