#pragma once
/// Traces and transforms without a machine: expressions, ops, gradients. Host-only: no runtime, no CUDA, BLAS or OpenMP header.
#include "ir/refuse.hpp"  // first: an error in it shows the way it was included
#include "ops/all.hpp"
#include "ops/initial.hpp"
#include "transforms/autocast.hpp"
#include "transforms/grad.hpp"
#include "transforms/inline.hpp"
#include "transforms/simplify.hpp"
