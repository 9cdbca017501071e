// One program, declared here and made in two other files: for the CPU in cpu.cpp, for a GPU in cuda.cu.
//
//     declared_program [cuda]
#include <iostream>
#include <string>
#include <thunder/runtime/print.hpp>

#include "predict.hpp"

using namespace thunder;

predictor predict_on(device where) {
  if (where == device::cpu) return predict_on_cpu();
#ifdef EXAMPLE_CUDA
  return predict_on_cuda();
#else
  throw device_error("this program was built without CUDA: install nvcc and build again");
#endif
}

int main(int argc, char** argv) {
  try {
    const device where = argc > 1 && argv[1] == std::string("cuda") ? device::cuda : device::cpu;
    state s;  // weights from anywhere: here made up
    auto sequence = [value = 0.0f](auto x) mutable {
      for (float& w : x.span()) w = (value = value < 0.9f ? value + 0.3f : -0.8f);
      return any_tensor(std::move(x));
    };
    s.insert("hidden.weight", sequence(tensor<float, 4, 8>()));
    s.insert("hidden.bias", sequence(tensor<float, 8>()));
    s.insert("out.weight", sequence(tensor<float, 8, 3>()));
    s.insert("out.bias", sequence(tensor<float, 3>()));
    if (where != device::cpu) s = s.to(where);

    predictor predict = predict_on(where);
    tensor<float, B, 4> x(2);
    for (int i = 0; i < 4; ++i) x(0, i) = static_cast<float>(i), x(1, i) = static_cast<float>(-i);
    std::cout << predict(s, x).to(device::cpu) << '\n';
    return 0;
  } catch (const std::exception& e) {
    std::cerr << "declared_program: " << e.what() << '\n';
    return 1;
  }
}
