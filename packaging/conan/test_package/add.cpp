#include <thunder/thunder.hpp>

int main() {
  auto add = thunder::jit([](auto a, auto b) { return a + b; });
  const thunder::tensor<float, 2> x{1, 2}, y{10, 20};
  return add(x, y)(1) == 22.0f ? 0 : 1;
}
