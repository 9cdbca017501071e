#pragma once
/// Everything but the headers for other libraries, interop/.
#include "ir/refuse.hpp"  // first: an error in it shows the way it was included
#include "ir/print.hpp"
#include "jit/init.hpp"
#include "jit/jit.hpp"
#include "nn/transformer.hpp"
#include "ops/all.hpp"
#include "ops/initial.hpp"
#include "optim/adamw.hpp"
#include "optim/schedule.hpp"
#include "optim/sgd.hpp"
#include "runtime/print.hpp"
#include "runtime/state_file.hpp"
#include "transforms/autocast.hpp"
#include "transforms/grad.hpp"
#ifdef __CUDACC__
#include "cuda.hpp"
#endif
