// Random ops: types, words against Philox, statistics, and the CPU's vectors against scalars.
#include "../typed.hpp"

#include <thunder/executors/cpu/math.hpp>
#include <thunder/executors/cpu/target.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using namespace thunder;
using namespace typed_tests;
namespace {

inline constexpr auto B = dim("batch");
constexpr arg<std::int64_t> key{};
static_assert(is<float, B, 3>(uniform<float, B, 3>(key)) && is<double, 4>(normal<double, 4>(key)) && is<bf16, 4>(uniform<bf16, 4>(key)));
static_assert(is<std::int64_t>(fold_in(key, 3_c)) && is<std::int64_t>(fold_in(key, arg<std::int32_t>{})) && is<std::int64_t>(fold_in(key, extent<B>())));
// equal draws are one statement, others are not
static_assert(std::same_as<decltype(uniform<float, 4>(key)), decltype(uniform<float, 4>(key))>);
static_assert(!std::same_as<decltype(uniform<float, 4>(key)), decltype(uniform<float, 4>(fold_in(key, 1_c)))>);
// bits are computed during compilation too
static_assert(ops::random_uniform::evaluate<words<>, float>(std::int64_t{5}, std::int64_t{42}) == uniform01(random_word(std::int64_t{42}, std::int64_t{5})));
static_assert(ops::fold_in::evaluate(std::int64_t{1}, std::int64_t{2}) != ops::fold_in::evaluate(std::int64_t{2}, std::int64_t{1}));

using K = arg<std::int64_t>;
std::vector<reference_array> with_key(std::int64_t k) { return {whole({}, {k})}; }
constexpr std::int64_t n = 40000;

double mean_of(const std::vector<double>& x, auto f) {
  double s = 0;
  for (double v : x) s += f(v);
  return s / static_cast<double>(x.size());
}
double correlation(const std::vector<double>& a, const std::vector<double>& b) {  // of mean 0, deviation 1
  double s = 0;
  for (std::size_t i = 0; i < a.size(); ++i) s += a[i] * b[i];
  return s / static_cast<double>(a.size());
}

}  // namespace

TEST_CASE("uniform") {
  const auto x = reals<K>([](auto k) { return uniform<float, 200, 200>(k); }, with_key(7));
  CHECK(std::all_of(x.begin(), x.end(), [](double v) { return v >= 0 && v < 1; }));
  for (std::int64_t i : {0, 1, 2, 3, 4, 12345}) CHECK(x[static_cast<std::size_t>(i)] == static_cast<double>(uniform01(random_word(std::int64_t{7}, i))));
  CHECK(mean_of(x, [](double v) { return v; }) == doctest::Approx(0.5).epsilon(0.01));
  CHECK(mean_of(x, [](double v) { return (v - 0.5) * (v - 0.5); }) == doctest::Approx(1.0 / 12).epsilon(0.02));
  CHECK(reals<K>([](auto k) { return uniform<double, 200, 200>(k); }, with_key(7)) == x);
  int bins[10]{};
  for (double v : x) ++bins[static_cast<int>(v * 10)];
  double chi_squared = 0;
  for (int b : bins) chi_squared += (b - n / 10.0) * (b - n / 10.0) / (n / 10.0);
  CHECK(chi_squared < 27.9);  // 9 degrees of freedom: one in a thousand
}

TEST_CASE("normal") {
  const auto x = reals<K>([](auto k) { return normal<float, n>(k); }, with_key(-3)), y = reals<K>([](auto k) { return normal<float, n>(fold_in(k, 1_c)); }, with_key(-3));
  CHECK(std::abs(mean_of(x, [](double v) { return v; })) < 0.02);
  CHECK(mean_of(x, [](double v) { return v * v; }) == doctest::Approx(1).epsilon(0.03));
  CHECK(std::abs(mean_of(x, [](double v) { return v * v * v; })) < 0.06);
  CHECK(mean_of(x, [](double v) { return v * v * v * v; }) == doctest::Approx(3).epsilon(0.06));
  CHECK(mean_of(x, [](double v) { return v < 1; }) == doctest::Approx(0.8413).epsilon(0.01));
  CHECK(std::abs(correlation(x, y)) < 0.02);
  const std::vector<double> next(x.begin() + 1, x.end());
  CHECK(std::abs(correlation(next, x)) < 0.02);
  CHECK(std::all_of(x.begin(), x.end(), [](double v) { return std::abs(v) < 5.8; }));
}

TEST_CASE("fold_in gives different keys") {
  std::set<std::int64_t> keys;
  for (std::int64_t k = 0; k < 50; ++k)
    for (std::int64_t data = -10; data < 40; ++data) keys.insert(ops::fold_in::evaluate(k, data));
  CHECK(keys.size() == 2500);
  const auto f = [](auto k, auto step) { return fold_in(k, step); };
  CHECK(integers<K, arg<std::int32_t>>(f, {whole({}, {9}), whole({}, {4}, dtype::i32)}) == std::vector<std::int64_t>{ops::fold_in::evaluate(std::int64_t{9}, std::int64_t{4})});
  CHECK(integers<K>([](auto k) { return fold_in(k, 4_c); }, with_key(9)) == std::vector<std::int64_t>{ops::fold_in::evaluate(std::int64_t{9}, std::int64_t{4})});
}

TEST_CASE("vectors of the CPU executor draw the same numbers") {
  constexpr int lanes = 8;
  using index = cpu::vec<std::int64_t, lanes>;
  const std::int64_t scalar_key = 1234567890123;
  double worst = 0, worst_wide = 0;
  int different = 0;
  for (std::int64_t i = 0; i < 4096; i += lanes) {
    const index at = index(i) + cpu::lane_numbers<std::int64_t, lanes>(), k(scalar_key);
    const auto u = ops::random_uniform::evaluate<words<1>, float>(at, k);
    const auto narrow = ops::random_normal::evaluate<words<1>, float>(at, k);
    const auto wide = ops::random_normal::evaluate<words<1>, double>(at, k);
    const auto folded = ops::fold_in::evaluate(k, at);
    for (int l = 0; l < lanes; ++l) {
      different += u[l] != ops::random_uniform::evaluate<words<>, float>(i + l, scalar_key);
      different += folded[l] != ops::fold_in::evaluate(scalar_key, i + l);
      const double exact = ops::random_normal::evaluate<words<>, double>(i + l, scalar_key);
      worst = std::max(worst, std::abs(static_cast<double>(narrow[l]) - exact));
      worst_wide = std::max(worst_wide, std::abs(wide[l] - exact));
    }
  }
  CHECK(different == 0);
  CHECK(worst < 3e-6);
  CHECK(worst_wide < 1e-13);
}
