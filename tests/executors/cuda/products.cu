// Matrix products on the GPU against the interpreter: at once, recorded and replayed.
#include "both.hpp"
#include "device_arrays.hpp"

using namespace both;

TEST_CASE("products") {
  if (!have_device()) return;
  constexpr auto product = [](auto x, auto y) { return matmul(x, y); };
  constexpr auto gradients = [](auto x, auto y) { return grad([](auto a, auto b) { return sum(square(matmul(a, b))); }, wrt<0, 1>)(x, y); };
  check("float", 1e-5, product, numbers<float, 65, 130>(1), numbers<float, 130, 33>(2));
  check("double", 1e-13, product, numbers<double, 3, 17, 20>(1), numbers<double, 3, 20, 9>(2));
  check("f16", 5e-3, product, numbers<f16, 33, 64>(1), numbers<f16, 64, 40>(2));
  check("bf16, odd", 2e-2, product, numbers<bf16, 2, 33, 65>(1), numbers<bf16, 65, 7>(2));
  constexpr auto wide = [](auto x, auto y) { return matmul(cast<float>(x), cast<float>(y)); };
  check("bf16 operands, float result", 1e-5, wide, numbers<bf16, 2, 33, 64>(1), numbers<bf16, 2, 64, 40>(2));
  check("f16 operands, float result, odd", 1e-5, wide, numbers<f16, 33, 65>(1), numbers<f16, 65, 7>(2));
  check("transposed", 1e-5, [](auto x, auto y) { return std::tuple{matmul(transpose(x), y), matmul(x, transpose(x)), matmul(transpose(y), x)}; },
        numbers<float, 2, 3, 24, 40>(1), numbers<float, 2, 3, 24, 16>(2));
  check("one right operand for a batch", 1e-5, [](auto x, auto y) { return std::tuple{matmul(x, y), matmul(x, transpose(transpose(y))), matmul(transpose(transpose(x)), y)}; },
        numbers<float, 4, 24, 40>(1), numbers<float, 40, 8>(2));
  // Just small enough for a kernel of our own, and just not; rows that begin at odd addresses.
  check("256 tiles", 1e-5, product, numbers<float, 128, 256>(1), numbers<float, 256, 128>(2));
  check("more tiles", 1e-5, product, numbers<float, 129, 256>(1), numbers<float, 256, 128>(2));
  check("a longer inner dimension", 1e-5, product, numbers<float, 16, 257>(1), numbers<float, 257, 16>(2));
  check("small, in a batch with one right operand, both transposed", 1e-5, [](auto x, auto y) { return matmul(transpose(x), transpose(y)); },
        numbers<float, 3, 20, 12>(1), numbers<float, 16, 20>(2));
  check("small, in a batch", 1e-5, product, numbers<float, 3, 9, 131>(1), numbers<float, 3, 131, 7>(2));
  check("gradients", 1e-4, gradients, numbers<float, 4, 24, 40>(1), numbers<float, 40, 8>(2));
  check("nothing to add up", 0, product, numbers<float, 4, 0>(1), numbers<float, 0, 5>(2));
}

TEST_CASE("products as recorded do not change") {
  if (!have_device()) return;
  auto program = jit<device::cuda>([](auto x, auto y) { return matmul(x, y); });
  const auto x = numbers<bf16, 200, 300>(1).to(device::cuda);
  const auto y = numbers<bf16, 300, 100>(2).to(device::cuda);
  const auto first = on_cpu(program(x, y));
  for (int i = 0; i < 4; ++i) CHECK(difference(on_cpu(program(x, y)), first) == 0);
}

// Products with what follows them: by the kernel of small float products, through cuBLASLt, or, where that does not do it (a row is no multiple of
// 8 elements; what it does less exactly), by a kernel after it. The activations between products of half types are rounded, which the interpreter does not do.
constexpr auto with_gelu = [](auto x, auto w1, auto b1, auto w2, auto b2) { return matmul(gelu(matmul(x, w1) + b1), w2) + b2; };
constexpr auto with_relu = [](auto x, auto w1, auto b1, auto w2, auto b2) { return matmul(relu(matmul(x, w1) + b1), w2) + b2; };
template <class T, int Inner, int Outer> void epilogues(double tolerance) {
  auto check_block = [&](auto block) {
    const auto x = numbers<T, 3, 40, Inner>(1);
    const auto w1 = numbers<T, Inner, Outer>(2);
    const auto b1 = numbers<T, Outer>(3);
    const auto w2 = numbers<T, Outer, Inner>(4);
    const auto b2 = numbers<T, Inner>(5);
    check("block", tolerance, block, x, w1, b1, w2, b2);
    check("gradients", tolerance, grad([=](auto... a) { return mean(square(cast<float>(block(a...)))); }, wrt<0, 1, 2, 3, 4>), x, w1, b1, w2, b2);
  };
  check_block(with_gelu), check_block(with_relu);
}
TEST_CASE("epilogues without a bias") {
  if (!have_device()) return;
  constexpr auto smooth = [](auto x, auto w1, auto w2) { return matmul(gelu(matmul(x, w1)), w2); };
  constexpr auto plain = [](auto x, auto w1, auto w2) { return matmul(relu(matmul(x, w1)), w2); };
  constexpr auto gradients = [](auto f) { return grad([=](auto... a) { return mean(square(cast<float>(f(a...)))); }, wrt<0, 1, 2>); };
  const auto x = numbers<float, 40, 320>(1);
  const auto w1 = numbers<float, 320, 264>(2);
  const auto w2 = numbers<float, 264, 320>(3);
  check("float, gelu", 1e-4, gradients(smooth), x, w1, w2);
  check("float, relu", 1e-4, gradients(plain), x, w1, w2);
  check("small, gelu", 1e-5, gradients(smooth), numbers<float, 40, 32>(1), numbers<float, 32, 64>(2), numbers<float, 64, 32>(3));
  check("bf16, gelu", 6e-2, gradients(smooth), numbers<bf16, 40, 32>(1), numbers<bf16, 32, 64>(2), numbers<bf16, 64, 32>(3));
}
TEST_CASE("epilogues") { if (have_device()) epilogues<bf16, 32, 64>(6e-2), epilogues<f16, 32, 64>(8e-3); }
TEST_CASE("epilogues of floats, small and large") { if (have_device()) epilogues<float, 32, 64>(1e-5), epilogues<float, 320, 264>(1e-4); }
TEST_CASE("epilogues of odd sizes") { if (have_device()) epilogues<bf16, 33, 63>(6e-2), epilogues<float, 33, 63>(1e-5), epilogues<float, 321, 263>(1e-4); }
// A NaN comes out of relu, as from PyTorch's; an infinity, too.
template <class T, int Inner> void relu_of_nan() {
  constexpr auto layer = [](auto x, auto w, auto b) { return relu(matmul(x, w) + b); };
  auto x = numbers<T, 16, Inner>(1);
  const auto w = numbers<T, Inner, 64>(2);
  auto b = numbers<T, 64>(3);
  x(3, 0) = T(NAN), x(4, 0) = T(INFINITY), b(5) = T(NAN), b(6) = T(INFINITY), b(7) = T(-INFINITY);
  const auto got = on_cpu(jit<device::cuda>(layer)(x.to(device::cuda), w.to(device::cuda), b.to(device::cuda))), expected = meaning(layer, x, w, b);
  int nans = 0;
  for (std::size_t i = 0; i < expected[0].reals.size(); ++i) {
    const double y = expected[0].reals[i], z = got[0].reals[i];
    nans += std::isnan(y);
    INFO(i << ": " << z << ", expected " << y);
    CHECK((std::isnan(y) ? std::isnan(z) : std::isinf(y) ? z == y : std::abs(z - y) <= 0.05 * (1 + y)));
  }
  CHECK(nans >= 64 + 15);
}
TEST_CASE("relu passes a NaN on") {
  if (!have_device()) return;
  relu_of_nan<float, 64>(), relu_of_nan<float, 512>(), relu_of_nan<bf16, 64>(), relu_of_nan<f16, 64>();
  thunder::cuda::allow_tf32 = true;
  relu_of_nan<float, 512>();
  thunder::cuda::allow_tf32 = false;
}
// Buffers begin anywhere, and are guarded.
void check_each_epilogue(std::initializer_list<dtype> types, double float_error) {
  struct sizes { std::int64_t rows, inner, columns; };
  for (const dtype type : types)
    for (const sizes n : {sizes{40, 32, 64}, sizes{9, 33, 63}, sizes{40, 300, 264}, sizes{17, 300, 12}})
      for (int turn = 0; turn < 24; ++turn) {
        const auto what = static_cast<epilogue>(1 + turn % 5);
        const bool of_all = what == epilogue::gelu_slope, two = what == epilogue::gelu_kept;
        const bool biased = what == epilogue::bias || (!of_all && turn % 2);
        steps::buffer x(type, {n.rows, n.inner}), y(type, {n.inner, n.columns}), third(type, of_all ? steps::extents{n.rows, n.columns} : steps::extents{n.columns}),
            z(type, {n.rows, n.columns}), last(type, {n.rows, n.columns});
        for (steps::buffer* b : {&x, &y, &third}) b->fill([](std::int64_t) { return static_cast<double>(steps::random(-64, 64)) / 64; });
        std::vector<const steps::buffer*> in{&x, &y};
        if (biased || of_all) in.push_back(&third);
        std::vector<steps::buffer*> out{&z};
        if (two) out.push_back(&last);
        INFO(steps::text("epilogue", in, {static_cast<std::int64_t>(what)}));
        CHECK(steps::run_on_device<ops::matmul_epilogue>(in, out, {0, 0, static_cast<std::int64_t>(what)}));
        double worst = 0;
        for (std::int64_t i = 0; i < n.rows; ++i)
          for (std::int64_t j = 0; j < n.columns; ++j) {
            double u = 0;
            for (std::int64_t k = 0; k < n.inner; ++k) u += x[i * n.inner + k] * y[k * n.columns + j];
            const std::int64_t at = i * n.columns + j;
            const double t = of_all ? third[at] : biased ? third[j] : 0, size = 1 + std::abs(u);
            worst = std::max(worst, std::abs((two ? last : z)[at] - after_product(what, u, t)) / size);
            if (two) worst = std::max(worst, std::abs(z[at] - (u + t)) / size);
          }
        CHECK(worst < (type == dtype::f32 ? float_error : type == dtype::bf16 ? 0x1.8p-7 : 0x1.8p-10));
      }
}
TEST_CASE("each epilogue by itself: small, through cuBLASLt, and by a kernel after the product") {
  if (!have_device()) return;
  check_each_epilogue({dtype::f32, dtype::bf16, dtype::f16}, 2e-6);
  thunder::cuda::allow_tf32 = true;
  check_each_epilogue({dtype::f32}, 4e-3);
  thunder::cuda::allow_tf32 = false;
}
TEST_CASE("cuBLASLt does the epilogues where rows are multiples of 16 bytes") {
  if (!have_device()) return;
  using product = thunder::cuda::library_step<ops::matmul, thunder::cuda::gpu>;
  const steps::device_buffer x(steps::buffer(dtype::bf16, {40, 32}), 0), y(steps::buffer(dtype::bf16, {32, 64}), 0), z(steps::buffer(dtype::bf16, {40, 64}), 0),
      other(steps::buffer(dtype::bf16, {40, 64}), 0), bias(steps::buffer(dtype::bf16, {64}), 0), narrow(steps::buffer(dtype::bf16, {32, 63}), 0),
      odd(steps::buffer(dtype::bf16, {40, 63}), 0);
  const std::int64_t words[]{0, 0};
  auto done = [&](const auto& right, const auto& to, epilogue what) {
    const bool slope = what == epilogue::gelu_slope;
    return product::multiply(x.header(), right.header(), to.header(), words, nullptr, what, slope ? nullptr : bias.header().data,
                             slope || what == epilogue::gelu_kept ? other.header().data : nullptr);
  };
  for (const epilogue what : {epilogue::bias, epilogue::relu, epilogue::gelu, epilogue::gelu_kept, epilogue::gelu_slope}) {
    CHECK(done(y, z, what));
    CHECK(!done(narrow, odd, what));
  }
}
