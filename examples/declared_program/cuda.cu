// The same program again: nvcc compiles its kernels.
#include "model.hpp"

predictor predict_on_cuda() { return thunder::jit<thunder::device::cuda>(model{}); }
