// rope on the GPU against the interpreter: at once, recorded and replayed. Its step by itself: steps.cu, emulated_rotation.cpp.
#include "both.hpp"

using namespace both;

namespace {

constexpr rope_options neighbours{.style = rope_style::interleaved};
constexpr auto both_styles = [](auto x) { return std::tuple{rope(x), rope<neighbours>(x)}; };

}  // namespace

TEST_CASE("forward") {
  if (!have_device()) return;
  check("f32", 5e-5, both_styles, numbers<float, 2, 33, 64>(1));
  const auto at = numbers<std::int32_t, 17, 1>(3);  // 0 to 99
  check("queries and keys, positions given", 1.0 / 64, [](auto q, auto k, auto p) { return std::tuple{rope(q, p), rope<neighbours>(k, p)}; },
        numbers<bf16, 2, 17, 6, 32>(1), numbers<bf16, 2, 17, 2, 32>(2), at);
}

TEST_CASE("gradient") {
  if (!have_device()) return;
  check("f32", 1e-4, [](auto x) { return grad([](auto y) { return sum(sin(rope(y)) + sin(2_c * rope<neighbours>(y))); })(x); }, numbers<float, 3, 9, 16>(1));
}
