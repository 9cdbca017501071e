// What a program does around its steps: errors that say which step failed and where in the model, ranges for profilers, memory that is not
// there, parameters at odd addresses.
#include <thunder/thunder.hpp>

#include <doctest/doctest.h>

#include <vector>

using namespace thunder;

namespace {

std::vector<std::string> ranges;
bool failing = false;
std::size_t most = ~std::size_t{0};

/// The CPU with what a GPU may do.
struct test_executor : cpu::executor<> {
  static constexpr std::uintptr_t alignment = 16;
  struct range {
    range(std::string (*text)(int), int step) { ranges.push_back(text(step)); }
    ~range() { ranges.push_back("end"); }
  };
  static storage allocate(std::size_t bytes) {
    if (bytes > most) throw error("out of memory: cannot allocate " + std::to_string(bytes) + " bytes");
    return storage::allocate(bytes);
  }
  using executor::run;
  template <class Op> static void run(type_c<Op> op, const step_arguments& x) {
    if (failing && x.outputs[0].extents[1] == 2) throw device_error("it is too hot");
    executor::run(op, x);
  }
  static void* bring(int, void* data, std::int64_t, device) { return data; }
};

struct block {
  constexpr auto operator()(auto x) const { return tanh(nn::linear<"wide", 3>(x)); }
};
inline constexpr auto predict = [](auto x) { return nn::linear<"out", 2>(scope<"body">(block{})(scope<"start">(block{})(x))); };
template <class F> auto program_of(F f) { return jitted<F, test_executor, non_finite::keep>(f); }

std::string message(auto f) {
  try {
    f();
  } catch (const error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("steps know where in the model they come from") {
  auto program = program_of(predict);
  const auto x = tensor<float, 4, 3>::full(1);
  const state s = init(program, 1, x);
  ranges.clear();
  program(s, x);
  CHECK(ranges == std::vector<std::string>{"step 0 (thunder.matmul, start.wide)", "end", "step 1 (2 fused statements that end with thunder.tanh, start)", "end",
                                           "step 2 (thunder.matmul, body.wide)", "end", "step 3 (2 fused statements that end with thunder.tanh, body)", "end",
                                           "step 4 (thunder.matmul, out)", "end", "step 5 (1 fused statements that end with thunder.add, out)", "end"});
}
TEST_CASE("so do those of a gradient and of an update") {
  const auto step = [](auto x, auto rate) {
    auto gradients = grad([](auto y) { return sum(square(predict(y))); }, wrt_parameters)(x);
    return update(optim::sgd(gradients, rate));
  };
  auto program = program_of(step);
  const auto x = tensor<float, 4, 3>::full(1);
  state s = init(program, 1, x, 0.1f);
  ranges.clear();
  program(s, x, 0.1f);
  int backward = 0;
  for (std::size_t k = 12; k < ranges.size(); ++k) backward += ranges[k].find(", body") != std::string::npos;
  CHECK(backward > 1);
  CHECK(ranges[ranges.size() - 2].find("for 6 tensors at once") != std::string::npos);
}
TEST_CASE("a failing step is named, and the program can be called again") {
  auto program = program_of(predict);
  const auto x = tensor<float, 4, 3>::full(1);
  const state s = init(program, 1, x);
  failing = true;
  ranges.clear();
  CHECK(message([&] { program(s, x); }) == "step 4 (thunder.matmul, out): it is too hot");
  CHECK_THROWS_AS(program(s, x), device_error);
  CHECK(ranges.back() == "end");
  failing = false;
  CHECK(program(s, x)(3, 1) == program(s, x)(0, 1));
}
TEST_CASE("memory that is not there") {
  auto program = program_of(predict);
  const auto x = tensor<float, 4, 3>::full(1);
  state s = init(program, 1, x);
  most = 100;
  CHECK(message([&] { program(s, x); }) == "out of memory: cannot allocate 128 bytes; the program needs 128 bytes between its steps and 32 for its results");
  most = 10;
  CHECK(message([&] { program(s, x); }) != "");
  most = ~std::size_t{0};
  const auto y = program(s, x);
  most = 10;
  CHECK(message([&] { program(s, x); }) == "out of memory: cannot allocate 32 bytes; the program needs 128 bytes between its steps and 32 for its results");
  most = ~std::size_t{0};
  CHECK(program(s, x)(1, 1) == y(1, 1));
}
TEST_CASE("a parameter at an odd address") {
  auto program = program_of([](auto x) { return x + param<"w", float, 2>(); });
  alignas(16) float memory[4]{0, 1, 2, 3};
  state s;
  const std::int64_t extents[]{2};
  s.insert("w", any_tensor(dtype::f32, extents, storage(memory + 1, 8, device::cpu, nullptr)));
  const auto x = tensor<float, 2>::full(1);
  CHECK(message([&] { program(s, x); }) == "the parameter 'w' starts at an address that is not a multiple of 16, as the cpu device needs it: put a copy of the tensor into the state");
  const state copy = s.copy();
  CHECK(program(copy, x)(1) == 3);
}
