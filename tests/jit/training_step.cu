// The same tests through nvcc, and a kernel for each region of the training step.
#include "training_step.cpp"

namespace {

template <class Region> struct statement_count;
template <class Space, class Inputs, class Outputs, class... Statements> struct statement_count<region<Space, Inputs, Outputs, Statements...>> {
  static constexpr int value = sizeof...(Statements);
};
template <class Region> __global__ void count_statements(int* to) { *to += statement_count<Region>::value; }

// Deduced from values: a kernel's name is written out in the code for the host.
template <class Region> void launch(Region, int* to) { count_statements<Region><<<1, 1>>>(to); }
template <class Plan, int K> int launch_step(int* to) {
  if constexpr (Plan::data.steps[K].op == nullptr) {
    if (to) launch(region_of<Plan, K>(), to);
    return Plan::data.steps[K].statements;
  } else {
    return 0;
  }
}
template <class Program, int... K> int launch_steps(const Program&, int* to, std::integer_sequence<int, K...>) {
  return (0 + ... + launch_step<typename Program::plan, K>(to));
}
template <class Program> int launch_regions(const Program& program, int* to) {
  return launch_steps(program, to, std::make_integer_sequence<int, Program::step_count>{});
}

}  // namespace

TEST_CASE("a kernel for each region") {
  const auto step = jit(train_step);
  const auto program = step.lower(inputs(rows), labels(rows), 0.01f);
  int devices = 0, *counted = nullptr;
  if (cudaGetDeviceCount(&devices) == cudaSuccess && devices > 0) {
    REQUIRE(cudaMallocManaged(&counted, sizeof *counted) == cudaSuccess);
    *counted = 0;
  }
  const int statements = launch_regions(program, counted);
  CHECK(statements > 20);
  if (!counted) return;
  REQUIRE(cudaDeviceSynchronize() == cudaSuccess);
  CHECK(*counted == statements);
  cudaFree(counted);
}
