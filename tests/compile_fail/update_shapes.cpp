// An update of another element type than what it goes into.
#include <thunder/ir.hpp>

using namespace thunder;
constexpr auto cache = buffer<"cache", float, 4, 128, 8>();
constexpr auto position = buffer<"position", std::int32_t>();

#ifdef FIXED
constexpr auto y = dynamic_update_slice<1>(cache, buffer<"key", float, 4, 1, 8>(), position);
#else
constexpr auto y = dynamic_update_slice<1>(cache, buffer<"key", bf16, 4, 1, 8>(), position);  // expect: the update has the operand's element type and dimensions
#endif
