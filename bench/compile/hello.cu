// examples/hello_world for a GPU.
#include <iostream>
#include <thunder/thunder.hpp>

int main() {
  auto add = thunder::jit<thunder::device::cuda>([](auto a, auto b) { return a + b; });

  thunder::tensor<float, 2, 3> x{1, 2, 3, 4, 5, 6}, y{10, 20, 30, 40, 50, 60};
  std::cout << add(x, y) << '\n';
}
