#pragma once
/// The composite ops of neural networks.
#include "activation.hpp"
#include "attention.hpp"
#include "dropout.hpp"
#include "loss.hpp"
#include "norm.hpp"
#include "rope.hpp"
#include "softmax.hpp"
