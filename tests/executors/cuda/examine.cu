// What examine/ says of programs for the GPU, and calls there that are watched, timed and checked step by step.
#include "both.hpp"

#include <thunder/examine/check.hpp>
#include <thunder/examine/memory.hpp>
#include <thunder/examine/repro.hpp>
#include <thunder/examine/time_steps.hpp>

#include <sstream>

using namespace both;

namespace {

inline constexpr auto B = dim("batch");
struct model {
  constexpr auto operator()(auto x) const { return softmax(nn::linear<"out", 256>(gelu(nn::linear<"hidden", 256>(x)))); }
};
inline constexpr auto train_step = [](auto x, auto rate) {
  auto [value, gradients] = value_and_grad([](auto a) { return mean(model{}(a) * model{}(a)); }, wrt_parameters)(x);
  return std::tuple{value, update(optim::adamw(gradients, rate))};
};

}  // namespace

TEST_CASE("explain names the kernels") {
  const auto program = jit<device::cuda>(train_step).lower(spec<float, B, 256>(), 0.1f);
  const explanation e = explain(program, sizes({{B, 64}}));
  CHECK(e.size() == static_cast<std::size_t>(program.step_count));
  int pointwise = 0, direct = 0, persistent = 0;
  for (const step_report& s : e) {
    pointwise += s.runs_as.find("pointwise kernel") != std::string::npos;
    direct += s.runs_as.find("direct kernel") != std::string::npos;
    persistent += s.runs_as.find("persistent kernel") != std::string::npos;
    CHECK(s.runs_as.find("loop") == std::string::npos);
  }
  std::ostringstream table;
  table << e;
  CHECK_MESSAGE(pointwise + direct + persistent > 3, table.str());
  CHECK(program.memory(sizes({{B, 64}})).arena > 0);
  int computes = 0;
  while (e[static_cast<std::size_t>(computes)].runs_as.find("kernel") == std::string::npos) ++computes;
  CHECK(repro(program, computes, sizes({{B, 64}})).find("compare_step<thunder::device::cuda>") != std::string::npos);
}

TEST_CASE("steps on the GPU are checked, watched and timed") {
  if (!have_device()) return;
  auto step = jit<device::cuda>(train_step);
  const auto x = numbers<float, B, 256>(3, 64).to(device::cuda);
  state s = init(step, 1, x, 0.01f);
  const check_report r = check(step, s, x, 0.01f);
  std::ostringstream text;
  text << r;
  CHECK_MESSAGE(r.passed(), text.str());
  CHECK(r.steps == step.lower(x, 0.01f).step_count);
  int seen = 0;
  observe(step, [&](const step_call& c) {
    CHECK(c.where == device::cuda);
    CHECK(c.step == seen++);
  }, s, x, 0.01f);
  CHECK(seen == r.steps);
  const step_times t = time_steps(step, s, x, 0.01f);
  CHECK(t.seconds.size() == static_cast<std::size_t>(r.steps));
  for (const double seconds : t.seconds) {
    CHECK(seconds > 0);
    CHECK(seconds < 0.1);
  }
}
