#pragma once
// The model, for the files that make programs of it.
#include <thunder/thunder.hpp>

#include "predict.hpp"

struct model {
  constexpr auto operator()(auto x) const { return thunder::softmax(thunder::nn::linear<"out", 3>(thunder::tanh(thunder::nn::linear<"hidden", 8>(x)))); }
};
