// A tensor of bf16 as a file of NumPy.
#include <thunder/interop/npy.hpp>

using namespace thunder;

void user(const tensor<bf16, 2>& x) {
#ifdef FIXED
  save_npy("x.npy", x.cast<float>());
#else
  save_npy("x.npy", x);  // expect: save_npy: NumPy has no bfloat16: write x.cast<float>()
#endif
}
