// Programs with library steps on the GPU against the interpreter: at once, recorded and replayed. The steps themselves: steps.cu.
#include "both.hpp"

using namespace both;

TEST_CASE("moving elements") {
  if (!have_device()) return;
  constexpr auto swap = [](auto x) { return transpose(x); };
  check("transpose", 0, swap, numbers<float, 65, 130>(1));
  check("batches of bf16", 0, swap, numbers<bf16, 2, 3, 33, 70>(1));
  check("heads", 0, [](auto x) { return transpose(x, axis<0, 2, 1, 3>); }, numbers<float, 2, 17, 3, 64>(1));
  check("six axes", 0, [](auto x) { return transpose(x, axis<5, 3, 1, 0, 2, 4>); }, numbers<double, 2, 3, 4, 5, 3, 2>(1));
  check("slices and pads", 0, [](auto x) {
    return std::tuple{slice<1, 1, 3>(x), slice<-1, 0, -1, 2>(x), pad<0, 1, 2>(x), pad<2, 0, 3>(x), concatenate(axis<1>, x, slice<1, 0, 2>(x), x)};
  }, numbers<f16, 3, 4, 37>(1));
  check("gradients of slices, with steps", 1e-6, [](auto x) { return grad([](auto y) { return sum(square(slice<1, 1, -1, 3>(y))) + sum(slice<0, 1, 3>(y)); })(x); },
        numbers<float, 5, 31>(1));
  check("between fused regions", 1e-6, [](auto x) { return tanh(transpose(exp(slice<0, 1, 3>(x)), axis<1, 0, 2>)) * 2_c; }, numbers<float, 4, 5, 6>(1));
  check("an empty extent", 0, [](auto x) { return std::tuple{transpose(x), pad<0, 1, 2>(x), concatenate(axis<0>, x, x)}; }, numbers<float, 0, 7>(1));
  check("bool", 0, [](auto x) { return transpose(x > 0.5_c); }, numbers<float, 19, 21>(1));
}

TEST_CASE("rows by index") {
  if (!have_device()) return;
  constexpr auto pick = [](auto x, auto i) { return take(x, i); };
  constexpr auto gradient = [](auto x, auto i) { return grad([=](auto y) { return sum(square(take(y, i))); })(x); };
  const auto index = numbers<std::int32_t, 4, 33>(1);  // 0 to 99: some are clamped, many repeat
  check("take", 0, pick, numbers<float, 70, 48>(2), index);
  check("odd rows", 0, pick, numbers<bf16, 70, 7>(2), numbers<std::int64_t, 300>(1));
  check("rows of one element", 0, pick, numbers<std::int32_t, 70>(2), index);
  check("gradient", 1e-6, gradient, numbers<float, 70, 48>(2), index);
  check("gradient, odd rows", 1e-6, gradient, numbers<float, 70, 7>(2), index);
  check("gradient, one row", 1e-5, gradient, numbers<float, 1, 5>(2), index);
  check("gradient, double", 1e-14, gradient, numbers<double, 120, 3>(2), index);
  check("gradient, bf16", 1e-2, gradient, numbers<bf16, 70, 64>(2), index);
}

TEST_CASE("argmax") {
  if (!have_device()) return;
  check("each axis", 0, [](auto x) { return std::tuple{argmax(x, axis<0>), argmax(x, axis<1>), argmax(x, axis<2>)}; }, numbers<float, 9, 40, 33>(1));
  check("equal elements", 0, [](auto x) { return std::tuple{argmax(x, axis<0>), argmax(x, axis<1>)}; }, numbers<std::int32_t, 300, 100>(1));
  check("a vocabulary", 0, [](auto x) { return argmax(x, axis<-1>); }, numbers<bf16, 3, 50257>(1));
  check("NaN", 0, [](auto x) { return argmax(log(x), axis<0>); }, numbers<float, 77, 5>(1));
}

TEST_CASE("records outlive a workspace that grows") {
  if (!have_device()) return;
  auto add = jit<device::cuda>([](auto x, auto i) { return grad([=](auto y) { return sum(take(y, i)); })(x); });
  const auto x = numbers<float, 50, 8>(1).to(device::cuda);
  const auto i = numbers<std::int32_t, 64>(2).to(device::cuda);
  const auto expected = on_cpu(add(x, i));
  for (int k = 0; k < 3; ++k) CHECK(difference(on_cpu(add(x, i)), expected) == 0);
  cuda::workspace(std::size_t{96} << 20);
  const auto taken = numbers<float, 1 << 20>(3).to(device::cuda);  // where the old workspace would be, were it given back
  for (int k = 0; k < 3; ++k) CHECK(difference(on_cpu(add(x, i)), expected) == 0);
  CHECK(difference(on_cpu(taken), leaves(numbers<float, 1 << 20>(3))) == 0);
}

TEST_CASE("results that are not finite are refused") {
  if (!have_device()) return;
  auto program = jit<device::cuda, non_finite::refuse>([](auto x) { return log(x); });
  CHECK_NOTHROW(program(tensor<float, 3>{1, 2, 3}));
  CHECK_THROWS_AS(program(tensor<float, 3>{1, 0, 3}), numeric_error);
  CHECK_THROWS_AS(program(tensor<float, 3>{1, 2, -1}), numeric_error);
}
