#pragma once
/// The library steps of the CUDA executor: library_step<Op>::run for every op that is not part of a fused region.
#include "argmax.hpp"
#include "gather.hpp"
#include "matmul.hpp"
#include "movement.hpp"
#include "rotation.hpp"
#include "scan.hpp"
#include "top_k.hpp"
