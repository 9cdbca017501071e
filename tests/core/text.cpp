// Messages from parts.
#include <thunder/core/error.hpp>

#include <doctest/doctest.h>

#include <cstdint>

using namespace thunder;
namespace {

TEST_CASE("texts and integers of every type") {
  const std::string name = "fc.weight";
  CHECK(text_of({}) == "");
  CHECK(text_of({"", std::string(), std::string_view()}) == "");
  CHECK(text_of({"the axis ", 2, " of '", name, "' has ", std::int64_t{784}, " of ", std::size_t{1000}, " elements", std::string_view("!?", 1)}) ==
        "the axis 2 of 'fc.weight' has 784 of 1000 elements!");
  CHECK(text_of({0, " ", -7, " ", 10L, " ", 99LL}) == "0 -7 10 99");
  CHECK(text_of({INT64_MIN, " ", INT64_MAX, " ", UINT64_MAX}) == "-9223372036854775808 9223372036854775807 18446744073709551615");
}
TEST_CASE("an error of a type, with a message") {
  CHECK_THROWS_WITH_AS(throw_error<shape_error>({"axis ", 3, ": ", std::string("too long")}), "axis 3: too long", shape_error);
}

}  // namespace
