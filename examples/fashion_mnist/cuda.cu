// The same training on a GPU: nothing but the device differs.
#include <thunder/runtime/cuda_batch_loader.hpp>

#include "train.hpp"

void fashion_mnist::run_on_cuda(const options& o) { run<thunder::device::cuda>(o); }
