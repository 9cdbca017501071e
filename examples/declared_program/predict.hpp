#pragma once
// A program by what it takes and gives. Files that use it compile nothing of it, and need not know whether nvcc does.
#include <thunder/jit/jit.hpp>

inline constexpr auto B = thunder::dim("batch");
using predictor = thunder::program<thunder::tensor<float, B, 3>(const thunder::state&, thunder::tensor_view<const float, B, 4>)>;

predictor predict_on_cpu();   // made in cpu.cpp
predictor predict_on_cuda();  // made in cuda.cu
