// Philox4x32-10 against the known answers that its authors publish (Random123, kat_vectors), and vectors of it against scalars.
#include <thunder/core/philox.hpp>
#include <thunder/executors/cpu/philox.hpp>

#include <doctest/doctest.h>

#include <initializer_list>
#include <cmath>

using namespace thunder;

namespace {

using words4 = philox_block<std::uint32_t>;
constexpr bool same(words4 a, words4 b) { return a.x == b.x && a.y == b.y && a.z == b.z && a.w == b.w; }

static_assert(same(philox<std::uint32_t>({0, 0, 0, 0}, 0, 0), {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
static_assert(same(philox<std::uint32_t>({~0u, ~0u, ~0u, ~0u}, ~0u, ~0u), {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
static_assert(same(philox<std::uint32_t>({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0),
                   {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
static_assert(random_word(std::uint64_t{0}, std::uint64_t{2}) == 0xbc57ac4c);
static_assert(uniform01(0xffffffffu) < 1.0f && uniform01(0u) == 0.0f && uniform01(0x80000000u) == 0.5f);

template <int N>
void lanes_agree() {
  using index = cpu::vec<std::int64_t, N>;
  for (std::int64_t key : {std::int64_t{0}, std::int64_t{0x123456789abcdef}, std::int64_t{-5}})
    for (std::int64_t i : {std::int64_t{0}, std::int64_t{5}, std::int64_t{6}, std::int64_t{7}, std::int64_t{1} << 34,
                           (std::int64_t{1} << 34) - 3, (std::int64_t{1} << 40) + 3}) {
      const auto w = random_word(index(key), index(i) + cpu::lane_numbers<std::int64_t, N>());
      const auto u = uniform01(w);
      for (int k = 0; k < N; ++k) {
        CHECK(w[k] == random_word(key, i + k));
        CHECK(u[k] == uniform01(random_word(key, i + k)));
      }
      const auto pair = random_pair(index(key), index(i) + cpu::lane_numbers<std::int64_t, N>());
      const auto same_lanes = random_word(index(key), index(i));
      for (int k = 0; k < N; ++k) {
        CHECK(pair.even[k] == random_word(key, (i + k) & ~std::int64_t{1}));
        CHECK(pair.odd[k] == random_word(key, (i + k) | 1));
        CHECK(same_lanes[k] == random_word(key, i));
      }
    }
}
TEST_CASE("vectors draw what scalars draw") {
  lanes_agree<2>();
  lanes_agree<4>();
  lanes_agree<8>();
  lanes_agree<16>();
}

TEST_CASE("uniform numbers have the mean and variance of uniform numbers") {
  double sum = 0, squares = 0;
  constexpr int n = 1 << 20;
  for (int i = 0; i < n; ++i) {
    const double u = static_cast<double>(uniform01(random_word(std::uint64_t{42}, static_cast<std::uint64_t>(i))));
    sum += u, squares += u * u;
  }
  CHECK(std::abs(sum / n - 0.5) < 1e-3);
  CHECK(std::abs(squares / n - 1.0 / 3) < 1e-3);
}

}  // namespace
