#include "programs.hpp"

mixed_predictor predict_from_cu(thunder::device where) {
  if (where == thunder::device::cpu) return thunder::jit(mixed_model{});
  return thunder::jit<thunder::device::cuda>(mixed_model{});
}
bool have_device() {
  int n = 0;
  return cudaGetDeviceCount(&n) == cudaSuccess && n > 0;
}
std::vector<float> from_cu() { return run_mixed(); }
