#pragma once
// A program that is compiled by the C++ compiler and by nvcc.
#include <thunder/thunder.hpp>

#include <vector>

inline constexpr auto B = thunder::dim("batch");

struct mixed_model {
  constexpr auto operator()(auto x) const { return thunder::softmax(thunder::relu(thunder::nn::linear<"hidden", 8>(x))); }
};
struct mixed_loss {
  constexpr auto operator()(auto x) const { return thunder::mean(thunder::square(mixed_model{}(x))); }
};
struct mixed_gradient {
  constexpr auto operator()(auto x) const { return thunder::grad(mixed_loss{}, thunder::wrt_parameters)(x); }
};

/// The gradients, as numbers in order.
inline std::vector<float> run_mixed() {
  thunder::tensor<float, B, 4> x(5);
  for (int i = 0; i < 20; ++i) x.data()[i] = static_cast<float>(i % 7) - 3;
  auto program = thunder::jit(mixed_gradient{});
  thunder::state s = thunder::init(program, 1, x);
  const thunder::state g = program(s, x);
  std::vector<float> r;
  for (float v : g["hidden.weight"].as<float, 4, 8>().span()) r.push_back(v);
  for (float v : g["hidden.bias"].as<float, 8>().span()) r.push_back(v);
  return r;
}

std::vector<float> from_cpp();
std::vector<float> from_cu();
