// A temporary tensor lent.
#include <thunder/interop/dlpack.hpp>

using namespace thunder;

void user() {
#ifdef FIXED
  to_dlpack(tensor<float, 2>{1, 2});
#else
  lend_dlpack(tensor<float, 2>{1, 2});  // expect: lend_dlpack: the elements of a temporary tensor would be gone
#endif
}
