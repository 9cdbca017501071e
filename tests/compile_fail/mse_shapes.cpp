// Predictions [n, 1] beside targets [n]: a mean over all pairs.
#include <thunder/ir.hpp>

using namespace thunder;
inline constexpr auto B = dim("batch");
constexpr auto predictions = buffer<"p", float, B, 1>();
constexpr auto targets = buffer<"t", float, B>();

#ifdef FIXED
constexpr auto y = mse(predictions, unsqueeze(targets, axis<1>));
#else
constexpr auto y = mse(predictions, targets);  // expect: shapes differ
#endif
