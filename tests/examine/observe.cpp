// Calls whose steps are watched, and their times.
#include <thunder/examine/time_steps.hpp>
#include <thunder/thunder.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <sstream>

using namespace thunder;

namespace {

inline constexpr auto B = dim("batch");
inline constexpr auto model = [](auto x) { return softmax(nn::linear<"out", 3>(tanh(nn::linear<"hidden", 4>(x)))); };
inline constexpr auto train = [](auto x, auto rate) {
  auto [value, gradients] = value_and_grad([](auto a) { return mean(model(a) * model(a)); }, wrt_parameters)(x);
  return std::tuple{value, update(optim::sgd(gradients, rate))};
};

tensor<float, B, 5> inputs(int n) {
  auto x = tensor<float, B, 5>::full(0, n);
  for (std::int64_t i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(i % 7) * 0.25f - 0.5f;
  return x;
}

}  // namespace

TEST_CASE("each step is told before and after, with its name, module and buffers") {
  struct {
    std::string text;
    std::vector<float> last;
    void before(const step_call& s) { text += "before " + std::to_string(s.step) + '\n'; }
    void after(const step_call& s) {
      text += std::to_string(s.step) + ' ' + s.name + ' ' + s.path + " [" + std::to_string(s.outputs[0].extents[0]) + ", " +
              std::to_string(s.outputs[0].extents[1]) + "] of " + std::to_string(s.inputs.size()) + '\n';
      const auto* p = static_cast<const float*>(s.outputs[0].data);
      last.assign(p, p + s.outputs[0].count());
    }
  } seen;
  const auto x = inputs(6);
  auto program = jit(model);
  const state s = init(program, 3, x);
  const auto expected = program(s, x);
  auto lowered = program.lower(x);
  const auto got = observe(lowered, seen, s, x);
  CHECK(seen.text ==
        "before 0\n0 matmul hidden [6, 4] of 2\nbefore 1\n1 fused loop hidden [6, 4] of 2\nbefore 2\n2 matmul out [6, 3] of 2\n"
        "before 3\n3 row program out [6, 3] of 2\n");
  CHECK(got == expected);
  REQUIRE(seen.last.size() == 18);
  for (std::size_t i = 0; i < 18; ++i) CHECK(seen.last[i] == expected.data()[i]);
  int count = 0;
  CHECK(observe(
            program, [&](const step_call&) { ++count; }, s, x) == expected);
  CHECK(count == 4);
}

TEST_CASE("equal regions run at once, as in a call that nobody observes") {
  struct {
    std::string text;
    void before(const step_call& s) { text += "before " + std::to_string(s.step) + '\n'; }
    void after(const step_call& s) { text += std::to_string(s.step) + ' ' + std::to_string(s.outputs[0].count()) + '\n'; }
  } seen;
  constexpr auto f = [](auto a, auto b, auto c) { return std::tuple{tanh(a), tanh(b), tanh(c)}; };
  const auto a = tensor<float, 5>::full(1);
  const auto b = tensor<float, 9>::full(2);
  observe(jit(f), seen, a, b, a);
  CHECK(seen.text == "before 0\nbefore 1\nbefore 2\n0 5\n1 9\n2 5\n");
  const step_times t = time_steps(jit(f), a, b, a);
  REQUIRE(t.seconds.size() == 3);
  CHECK(t.seconds[0] == t.seconds[2]);
  CHECK(t.seconds[0] > 0);
  CHECK(t.seconds[1] > t.seconds[0]);  // more bytes
}

TEST_CASE("an observed call writes what a call writes: parameters, donated arguments") {
  const auto x = inputs(4);
  auto step = jit(train);
  state a = init(step, 3, x, 0.1f), b = init(step, 3, x, 0.1f);
  step(a, x, 0.1f);
  observe(
      step, [](const step_call&) {}, b, x, 0.1f);
  for (const auto& [name, value] : a)
    for (std::size_t i = 0; i < value.bytes(); ++i)
      CHECK(static_cast<const char*>(value.data())[i] == static_cast<const char*>(b.at(name).value.data())[i]);
  auto given = tensor<float, 4>{1, 2, 3, 4};
  const void* memory = given.data();
  const auto twice = observe(
      jit([](auto v) { return v + v; }), [](const step_call&) {}, donate(given));
  CHECK(twice.data() == memory);
  CHECK(twice(3) == 8.0f);
}

TEST_CASE("an exception of an observer ends the call") {
  const auto x = inputs(4);
  auto program = jit(model).lower(x);
  const state s = init(jit(model), 3, x);
  auto stop = [](const step_call& c) {
    if (c.step == 1) throw error("enough");
  };
  CHECK_THROWS_WITH(observe(program, stop, s, x), "enough");
  CHECK(program(s, x) == jit(model)(s, x));
}

TEST_CASE("the times of steps") {
  const auto x = inputs(100);
  auto step = jit(train);
  state s = init(step, 3, x, 0.1f);
  const step_times t = time_steps(step, s, x, 0.1f);
  REQUIRE(t.seconds.size() == t.steps.size());
  CHECK(t.steps.size() == static_cast<std::size_t>(step.lower(x, 0.1f).step_count));
  CHECK(t.runs == 9);
  for (std::size_t k = 0; k < t.seconds.size(); ++k) CHECK(t.steps[k].read >= 0);
  std::ostringstream table;
  table << t;
  CHECK(table.str().find("  matmul      ") != std::string::npos);
  CHECK(std::count(table.view().begin(), table.view().end(), '\n') == static_cast<long>(t.steps.size()) + 2);
  auto given = tensor<float, 4>{1, 2, 3, 4};
  CHECK(time_steps(jit([](auto v) { return v + v; }), donate(given)).runs == 1);
}

TEST_CASE("a step that takes longer has a longer time, and all together no more than the calls took") {
  const auto f = [](auto v, auto x) { return std::pair{tanh(v), matmul(x, x)}; };
  const auto v = tensor<float, 8>::full(0.5f);
  const auto x = tensor<float, 512, 512>::full(0.5f);
  const auto begin = std::chrono::steady_clock::now();
  const step_times t = time_steps(jit(f), v, x);
  const double all = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  REQUIRE(t.seconds.size() == 2);
  const bool product_first = t.steps[0].runs_as == "matmul";
  const double product = t.seconds[product_first ? 0 : 1], small = t.seconds[product_first ? 1 : 0];
  CHECK(t.total() == product + small);
  CHECK(small > 0);
  CHECK(product > 3 * small);               // 268 million operations beside eight
  CHECK(product > 2.0 * 512 * 512 * 512 / 1e14);  // no processor is faster
  CHECK(5 * t.total() <= all);              // five of nine runs take at least the median
}

TEST_CASE("the table of times") {
  step_times t;
  t.runs = 3;
  t.seconds = {0.001, 0.003};
  step_report s;
  s.runs_as = "matmul", s.path = "hidden", s.read = 3'000'000, s.written = 1'000'000, s.operations = 8'000'000;
  t.steps.push_back(s);
  s.runs_as = "row program", s.path = "out";
  t.steps.push_back(s);
  std::ostringstream table;
  table << t;
  CHECK(table.str() ==
        "step  runs as              us      %      GB/s   GFLOP/s  module\n"
        "   0  matmul           1000.0   25.0       4.0       8.0  hidden\n"
        "   1  row program      3000.0   75.0       1.3       2.7  out\n"
        "all                    4000.0  (median of 3 runs)\n");
}
