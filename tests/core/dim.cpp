// Dimensions: names, products, text, and what a call binds.
#include <thunder/core/dim.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace thunder;

namespace {
constexpr dim B("batch"), T("time");
static_assert(B * T == T * B);
static_assert(dim(2) * B * dim(3) == dim(6) * B);
static_assert(!(B == T) && !(B == dim(2) * B));
static_assert(dim(1).is_one() && !B.is_one());
static_assert(pack_name("a") != pack_name("b") && pack_name("ab") != pack_name("ba"));
}  // namespace

TEST_CASE("dimensions as text") {
  CHECK(std::string(spelled(dim(12)).text) == "12");
  CHECK(std::string(spelled(dim(0)).text) == "0");
  CHECK(std::string(spelled(B).text) == "batch");
  CHECK((std::string(spelled(dim(4) * B * T).text) == "4*time*batch" || std::string(spelled(dim(4) * B * T).text) == "4*batch*time"));
}
TEST_CASE("names that are none") {
  for (const char* bad : {"", "elevenchars", "a b", "a-b", "ä"}) CHECK_THROWS_AS(dim{bad}, const char*);
  CHECK_THROWS_AS(B * T * dim("heads") * dim("layers"), const char*);
}
TEST_CASE("a name is bound to one size") {
  bindings b;
  CHECK(b.extent(B) == -1);
  CHECK(b.bind(B.a, 8));
  CHECK(b.bind(B.a, 8));
  CHECK_FALSE(b.bind(B.a, 9));
  CHECK(b.extent(dim(3) * B) == 24);
  CHECK(b.extent(B * T) == -1);
  for (int k = 0; k < bindings::room - 1; ++k) CHECK(b.bind(pack_name(("n" + std::to_string(k)).c_str()), k));
  CHECK_THROWS_AS(b.bind(pack_name("more"), 1), const char*);
}
