// A part that is longer than the whole.
#include <thunder/ir.hpp>

using namespace thunder;
constexpr auto x = buffer<"x", float, 4, 8>();
constexpr auto start = buffer<"start", std::int32_t>();

#ifdef FIXED
constexpr auto y = dynamic_slice<1, 8>(x, start);
#else
constexpr auto y = dynamic_slice<1, 9>(x, start);  // expect: slice: 0 <= begin < end <= extent
#endif
