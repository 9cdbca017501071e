// The smallest program: a generic lambda becomes a compiled program that takes and returns tensors.
#include <iostream>
#include <thunder/thunder.hpp>

int main() {
  auto add = thunder::jit([](auto a, auto b) { return a + b; });

  thunder::tensor<float, 2, 3> x{1, 2, 3, 4, 5, 6}, y{10, 20, 30, 40, 50, 60};
  std::cout << add(x, y) << '\n';
}
