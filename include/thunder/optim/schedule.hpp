#pragma once
/// Learning rates that change from step to step: plain functions of the step's number, for the argument `rate` of a training step.
#include <cstdint>

#include "../core/math.hpp"

namespace thunder::optim {

/// Up to `peak` along a line during the first `warmup` steps, then down along half a cosine to `floor`, which is reached at step `steps`
/// (Loshchilov and Hutter 2017).
///
///     const optim::warmup_cosine rate{.peak = 1e-3, .floor = 1e-4, .warmup = 100, .steps = 2000};
///     for (int i = 0; i < 2000; ++i) step(parameters, x, y, rate(i));
struct warmup_cosine {
  double peak, floor = 0;
  std::int64_t warmup = 0, steps = 1;
  /// The rate of step number `step`, counted from 0.
  float operator()(std::int64_t step) const {
    if (step < warmup) return static_cast<float>(peak * static_cast<double>(step + 1) / static_cast<double>(warmup));
    if (step >= steps) return static_cast<float>(floor);
    const double done = static_cast<double>(step - warmup) / static_cast<double>(steps - warmup);
    return static_cast<float>(floor + (peak - floor) * (1 + math::cos(3.14159265358979323846 * done)) / 2);
  }
};

}  // namespace thunder::optim
