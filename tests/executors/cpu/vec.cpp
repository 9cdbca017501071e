// vec<T, N> lane by lane against scalars; 16-bit floating types against core/half.hpp; partial loads and stores.
#include <thunder/executors/cpu/memory.hpp>
#include <thunder/executors/cpu/target.hpp>

#include <doctest/doctest.h>

#include <initializer_list>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

using namespace thunder;
using namespace thunder::cpu;

namespace {

template <class T, int N>
vec<T, N> counting(T first, T step) {
  vec<T, N> r;
  for (int i = 0; i < N; ++i) r.set(i, static_cast<T>(first + static_cast<T>(step * static_cast<T>(i))));
  return r;
}

template <class T, int N>
void arithmetic() {
  const auto a = counting<T, N>(T(3), T(2)), b = counting<T, N>(T(9), T(1));
  for (int i = 0; i < N; ++i) {
    CHECK((a + b)[i] == a[i] + b[i]);
    CHECK((a * b)[i] == a[i] * b[i]);
    CHECK((b / a)[i] == b[i] / a[i]);
    CHECK((a < b)[i] == (a[i] < b[i]));
    CHECK((a == b)[i] == (a[i] == b[i]));
    CHECK(select(a > b, a, b)[i] == (a[i] > b[i] ? a[i] : b[i]));
    CHECK(vec<T, N>(7)[i] == T(7));
    CHECK(convert<double>(a)[i] == static_cast<double>(a[i]));
    CHECK(convert<float>(a)[i] == static_cast<float>(a[i]));
    CHECK(convert<std::int64_t>(a)[i] == static_cast<std::int64_t>(a[i]));
    CHECK(convert<std::int32_t>(a)[i] == static_cast<std::int32_t>(a[i]));
    CHECK(convert<bool>(a - vec<T, N>(5))[i] == (a[i] != T(5)));
    CHECK(convert<T>(a < b)[i] == static_cast<T>(a[i] < b[i]));
  }
}

TEST_CASE_TEMPLATE("arithmetic, comparisons and conversions", T, float, double, std::int32_t, std::int64_t, std::uint32_t,
                   std::uint64_t) {
  arithmetic<T, 2>();
  arithmetic<T, 4>();
  arithmetic<T, 8>();
}

TEST_CASE("broadcasts keep the sign of zero, negation too") {
  CHECK(std::signbit(vec<float, 4>(-0.0f)[0]));
  CHECK(!std::signbit(vec<float, 4>(0.0f)[3]));
  CHECK(std::signbit((-vec<double, 4>(0.0))[1]));
}

TEST_CASE("masks") {
  const auto a = counting<float, 8>(0, 1);
  const auto low = a < vec<float, 8>(3), odd = convert<bool>(convert<std::int32_t>(a) & vec<std::int32_t, 8>(1));
  for (int i = 0; i < 8; ++i) {
    CHECK((low & odd)[i] == (i < 3 && i % 2));
    CHECK((low || odd)[i] == (i < 3 || i % 2));
    CHECK((!low)[i] == (i >= 3));
    CHECK((low < odd)[i] == (!(i < 3) && i % 2));  // false < true
    CHECK((low >= odd)[i] == ((i < 3) >= (i % 2)));
  }
  CHECK(any(low));
  CHECK(!any(a < vec<float, 8>(0)));
  CHECK(!any(vec<bool, 2>(false)));
  CHECK(any(vec<bool, 2>(true)));
}

TEST_CASE("integer division never traps") {
  const vec<std::int32_t, 4> zero(0), lowest(std::numeric_limits<std::int32_t>::min()), minus(-1);
  CHECK((vec<std::int32_t, 4>(5) / zero)[0] == 0);
  CHECK((vec<std::int32_t, 4>(5) % zero)[0] == 5);
  CHECK((lowest / minus)[0] == lowest[0]);
  CHECK((vec<std::int64_t, 4>(-7) / vec<std::int64_t, 4>(2))[0] == -3);
  CHECK((vec<std::int64_t, 4>(-7) % vec<std::int64_t, 4>(2))[0] == -1);
}

TEST_CASE("all 16-bit numbers, and roundings of floats to them") {
  std::uint32_t wrong = 0;
  const auto same = [](float x, float y) {
    return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y) || (x != x && y != y);
  };
  for (std::uint32_t u = 0; u < 65536; ++u) {
    f16 h;
    bf16 b;
    h.bits = b.bits = static_cast<std::uint16_t>(u);
    wrong += !same(from_f16(vec<std::uint32_t, 8>(u))[0], h) + !same(from_bf16(vec<std::uint32_t, 8>(u))[0], b);
  }
  CHECK(wrong == 0);
  for (std::uint64_t u = 0; u < (std::uint64_t{1} << 32); u += 4093) {
    const float x = std::bit_cast<float>(static_cast<std::uint32_t>(u));
    f16 h;
    bf16 b;
    h.bits = static_cast<std::uint16_t>(to_f16(vec<float, 8>(x))[0]),
    b.bits = static_cast<std::uint16_t>(to_bf16(vec<float, 8>(x))[0]);
    wrong += !same(h, f16(x)) + !same(b, bf16(x));
  }
  for (float base : {0x1p-14f, 0x1p-24f, 0x1p-25f, 65504.0f, 65520.0f, 1.0f, 0.0f})
    for (int d = -40; d <= 40; ++d)
      for (float sign : {1.0f, -1.0f}) {
        const float x = sign * std::bit_cast<float>(std::bit_cast<std::int32_t>(base) + (base == 0 && d < 0 ? -d : d));
        wrong += to_f16(vec<float, 8>(x))[0] != f16(x).bits;
      }
  CHECK(wrong == 0);
}

template <dtype T, int N>
void memory() {
  using S = stored<T>;
  S from[N + 1], to[N + 1];
  for (int i = 0; i <= N; ++i) from[i] = static_cast<S>(T == dtype::b8 ? i % 2 : i + 1);
  for (int count = 1; count <= N; ++count) {
    std::memset(to, 0x55, sizeof to);
    store<T, N>(to, 0, load<T, N>(from, 0, count), count);
    CHECK(std::memcmp(from, to, static_cast<std::size_t>(count) * sizeof(S)) == 0);
    unsigned char beyond[sizeof(S)];
    std::memset(beyond, 0x55, sizeof beyond);
    CHECK(std::memcmp(beyond, to + count, sizeof beyond) == 0);
    const auto x = load<T, N>(from, 0, count);
    if (count < N) CHECK(x[N - 1] == x[0]);  // lanes beyond repeat the first
  }
  store<T, N>(to, 1, load<T, N>(from, 1));
  CHECK(std::memcmp(from + 1, to + 1, N * sizeof(S)) == 0);
  CHECK(broadcast<T, N>(from, 2)[N - 1] == load<T, N>(from, 1)[1]);
}
TEST_CASE("loads and stores, whole and partial") {
  memory<dtype::b8, 8>();
  memory<dtype::i32, 8>();
  memory<dtype::i64, 4>();
  memory<dtype::f16, 8>();
  memory<dtype::bf16, 8>();
  memory<dtype::f32, 8>();
  memory<dtype::f64, 4>();
  memory<dtype::bf16, 2>();
  memory<dtype::b8, 2>();
}

}  // namespace
