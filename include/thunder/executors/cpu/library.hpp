#pragma once
/// The library steps of the CPU executor: library_step<Op>::run for every op that is not part of a fused region.
#include "argmax.hpp"
#include "gather.hpp"
#include "matmul.hpp"
#include "movement.hpp"
#include "rotation.hpp"
#include "scan.hpp"
#include "sort.hpp"
