// A const tensor lent by the struct that cannot say read-only.
#include <thunder/interop/dlpack.hpp>

using namespace thunder;

void user(const tensor<float, 2>& x) {
#ifdef FIXED
  lend_dlpack(x);
#else
  lend_dlpack<dlpack::managed_tensor>(x);  // expect: a const tensor is lent read-only, which only
#endif
}
