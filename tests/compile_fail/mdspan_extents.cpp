// A view of an mdspan whose type does not state its extents.
#include <thunder/interop/mdspan.hpp>

using namespace thunder;
inline constexpr auto B = dim("batch");

struct matrix {
  using element_type = float;
  static constexpr std::size_t rank() { return 2; }
  std::size_t extent(std::size_t) const { return 3; }
  std::size_t stride(std::size_t axis) const { return axis == 0 ? 3 : 1; }
  float* data_handle() const { return data; }
  float* data;
};

void user(matrix m) {
#ifdef FIXED
  auto x = view_mdspan<B, 3>(m);
#else
  auto x = view_mdspan(m);  // expect: the mdspan's extents are dynamic: say what they are, as in view_mdspan<B, 3>(m)
#endif
}
