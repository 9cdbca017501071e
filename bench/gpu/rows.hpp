#pragma once
/// Row programs on the GPU in bf16: microseconds, those of a copy of as many bytes, and their ratio. A file for each number of columns,
/// because that is what a compiler can do side by side.
#include "timing.hpp"

using namespace timing;

constexpr int R = 16384;

template <int C> void cases() {
  using T = bf16;
  const std::string of = " 16384x" + std::to_string(C);
  const std::int64_t matrix = std::int64_t{R} * C * 2;
  auto one = [](int k) { return std::tuple{random<T, R, C>(k), random<T, C>(100 + k), random<T, C>(200 + k)}; };
  auto two = [](int k) { return std::tuple{random<T, R, C>(k), random<T, C>(100 + k), random<T, C>(200 + k), random<T, R, C>(300 + k)}; };
  measure("layer_norm forward" + of, 2 * matrix, [](auto x, auto g, auto b) { return layer_norm(x, g, b); }, one);
  measure("rms_norm forward" + of, 2 * matrix, [](auto x, auto g, auto) { return rms_norm(x, g); }, one);
  measure("softmax forward" + of, 2 * matrix, [](auto x, auto, auto) { return softmax(x); }, one);
  measure("residual + layer_norm forward" + of, 4 * matrix, [](auto x, auto g, auto b, auto r) { auto z = x + r; return std::tuple{z, layer_norm(z, g, b)}; }, two);
  measure("softmax backward" + of, 3 * matrix, [](auto y, auto, auto, auto dy) { auto p = y * dy; return p - y * unsqueeze(sum(p, axis<-1>), axis<-1>); }, two);
  // Backward passes as programs have them: what the forward pass knows of a row is read.
  auto three = [](int k) { return std::tuple{random<T, R, C>(k), random<T, C>(100 + k), random<float, R>(200 + k), random<float, R>(400 + k), random<T, R, C>(300 + k)}; };
  measure("layer_norm backward" + of, 3 * matrix, [](auto x, auto g, auto mu, auto deviation, auto dy) {
    auto wide = cast<float>(dy);
    auto n = (cast<float>(x) - unsqueeze(mu, axis<-1>)) * unsqueeze(deviation, axis<-1>);
    auto w = wide * cast<float>(g);
    auto dx = unsqueeze(deviation, axis<-1>) * (w - unsqueeze(mean(w, axis<-1>), axis<-1>) - n * unsqueeze(mean(w * n, axis<-1>), axis<-1>));
    return std::tuple{cast<T>(dx), cast<T>(sum(wide * n, axis<0>)), cast<T>(sum(wide, axis<0>))};
  }, three);
  measure("rms_norm backward" + of, 3 * matrix, [](auto x, auto g, auto, auto scale, auto dy) {
    auto wide = cast<float>(dy);
    auto n = cast<float>(x) * unsqueeze(scale, axis<-1>);
    auto w = wide * cast<float>(g);
    auto dx = unsqueeze(scale, axis<-1>) * (w - n * unsqueeze(mean(w * n, axis<-1>), axis<-1>));
    return std::tuple{cast<T>(dx), cast<T>(sum(wide * n, axis<0>))};
  }, three);
  measure("gelu(x*w+b)+r forward" + of, 3 * matrix, [](auto x, auto w, auto b, auto r) { return gelu(x * w + b) + r; }, two);
  measure("swiglu forward" + of, 3 * matrix, [](auto x, auto, auto, auto y) { return silu(x) * y; }, two);
  measure("sum first" + of, matrix, [](auto x, auto, auto) { return sum(x, axis<0>); }, one);
  measure("sum last" + of, matrix, [](auto x, auto, auto) { return sum(x, axis<-1>); }, one);
  measure("sum all" + of, matrix, [](auto x, auto, auto) { return sum(x); }, one);
}
