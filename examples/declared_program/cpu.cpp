#include "model.hpp"

predictor predict_on_cpu() { return thunder::jit(model{}); }
