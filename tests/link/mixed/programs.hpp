#pragma once
// A program that is compiled by the C++ compiler and by nvcc.
#include <thunder/thunder.hpp>

#include <vector>

inline constexpr auto B = thunder::dim("batch");

struct mixed_model {
  constexpr auto operator()(auto x) const { return thunder::softmax(thunder::relu(thunder::nn::linear<"hidden", 8>(x))); }
};
struct mixed_loss {
  constexpr auto operator()(auto x, auto y) const {
    const auto p = thunder::reshape<B, 2, -1>(mixed_model{}(x));
    return thunder::mean(thunder::square(thunder::sum(p, thunder::axis<1>) - y));
  }
};
struct mixed_step {
  constexpr auto operator()(auto x, auto y, auto rate) const {
    auto [loss, gradients] = thunder::value_and_grad(mixed_loss{}, thunder::wrt_parameters)(x, y);
    auto by_arguments = thunder::grad(mixed_loss{}, thunder::wrt<0, 1>)(x, y);
    return std::tuple{loss, by_arguments, thunder::update(thunder::optim::adamw(gradients, rate))};
  }
};

/// Results of two steps and the parameters after them, as numbers in order.
inline std::vector<float> run_mixed() {
  thunder::tensor<float, B, 4> x(5), y(5);
  for (int i = 0; i < 20; ++i) x.data()[i] = static_cast<float>(i % 7) - 3, y.data()[i] = static_cast<float>(i % 3);
  auto program = thunder::jit(mixed_step{});
  thunder::state s = thunder::init(program, 1, x, y, 0.1f);
  std::vector<float> r;
  for (int k = 0; k < 2; ++k) {
    const auto results = program(s, x, y, 0.1f);
    r.push_back(std::get<0>(results).item());
    for (float v : std::get<0>(std::get<1>(results)).span()) r.push_back(v);
    for (float v : std::get<1>(std::get<1>(results)).span()) r.push_back(v);
  }
  for (float v : s["hidden.weight"].as<float, 4, 8>().span()) r.push_back(v);
  for (float v : s["hidden.bias"].as<float, 8>().span()) r.push_back(v);
  return r;
}

/// A program that is declared here and made in device.cu, for either device.
using mixed_predictor = thunder::program<thunder::tensor<float, B, 8>(const thunder::state&, thunder::tensor_view<const float, B, 4>)>;
mixed_predictor predict_from_cu(thunder::device where);
bool have_device();

std::vector<float> from_cpp();
std::vector<float> from_cu();
