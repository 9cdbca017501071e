// What hello.cu is measured against: the standard and CUDA headers that thunder includes, and one kernel.
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cblas.h>
#include <cerrno>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cublasLt.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <exception>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>
__global__ void add(const float* x, const float* y, float* z, int n) {
  if (const int i = blockIdx.x * blockDim.x + threadIdx.x; i < n) z[i] = x[i] + y[i];
}
int main() {
  float* p = nullptr;
  cudaMalloc(&p, 72);
  add<<<1, 6>>>(p, p + 6, p + 12, 6);
  std::vector<float> z(6);
  cudaMemcpy(z.data(), p + 12, 24, cudaMemcpyDeviceToHost);
  for (float v : z) std::cout << v << "\n";
}
