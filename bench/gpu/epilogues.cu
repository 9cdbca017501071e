/// Products with epilogues beside the same programs without the pass that finds them (transforms/product_epilogues.hpp): what
/// cuda::product_library says is chosen by this.
#include "timing.hpp"

using namespace timing;

struct without_epilogues : cuda::executor {
  using rewrite = unchanged;
};

constexpr int R = 16384, W = 768, F = 3072;

constexpr auto with_gelu = [](auto x, auto w1, auto b1, auto w2, auto b2) { return matmul(gelu(matmul(x, w1) + b1), w2) + b2; };
constexpr auto with_relu = [](auto x, auto w1, auto b1, auto w2, auto b2) { return matmul(relu(matmul(x, w1) + b1), w2) + b2; };
/// Without biases, in mixed precision.
constexpr auto mixed_gelu = [](auto x, auto w1, auto, auto w2, auto) {
  return autocast<bf16>([](auto a, auto v1, auto v2) { return matmul(gelu(matmul(a, v1)), v2); })(x, w1, w2);
};
constexpr auto mixed_relu = [](auto x, auto w1, auto, auto w2, auto) {
  return autocast<bf16>([](auto a, auto v1, auto v2) { return matmul(relu(matmul(a, v1)), v2); })(x, w1, w2);
};

template <class Block> struct loss_of {
  Block block{};
  constexpr auto operator()(auto x, auto w1, auto b1, auto w2, auto b2, auto dy) const {
    return sum(cast<float>(block(x, w1, b1, w2, b2)) * cast<float>(dy));
  }
};

/// wanted_gradients: of what the block reads.
template <class T, class Block, class Wrt> void compare(const std::string& name, Block block, Wrt wanted_gradients) {
  auto make = [](int k) {
    return std::tuple{random<T, R, W>(k),       random<T, W, F>(100 + k), random<T, F>(200 + k),
                      random<T, F, W>(300 + k), random<T, W>(400 + k),    random<T, R, W>(500 + k)};
  };
  const std::int64_t bytes = std::int64_t{R} * (3 * W + F) * static_cast<std::int64_t>(sizeof(T));
  auto measure_both = [&](const std::string& what, auto f) {
    if (wanted(what)) add_row({what, time_program(bytes, f, make), time_program<without_epilogues>(bytes, f, make), "without"});
  };
  measure_both(name + " forward", [block](auto x, auto w1, auto b1, auto w2, auto b2, auto) { return block(x, w1, b1, w2, b2); });
  measure_both(name + " forward+backward", [block, wanted_gradients](auto x, auto w1, auto b1, auto w2, auto b2, auto dy) {
    return std::pair{block(x, w1, b1, w2, b2), grad(loss_of<Block>{block}, wanted_gradients)(x, w1, b1, w2, b2, dy)};
  });
}

void cases() {
  constexpr auto all = wrt<0, 1, 2, 3, 4>;
  compare<bf16>("epilogues: bf16 gelu", with_gelu, all);
  compare<bf16>("epilogues: bf16 relu", with_relu, all);
  compare<float>("epilogues: autocast gelu", mixed_gelu, wrt<0, 1, 3>);
  compare<float>("epilogues: autocast relu", mixed_relu, wrt<0, 1, 3>);
  for (const bool tf32 : {false, true}) {
    cuda::allow_tf32 = tf32;
    compare<float>(tf32 ? "epilogues: tf32 gelu" : "epilogues: float gelu", with_gelu, all);
    compare<float>(tf32 ? "epilogues: tf32 relu" : "epilogues: float relu", with_relu, all);
  }
}

int main(int argc, char** argv) { return report(argc, argv, cases); }
