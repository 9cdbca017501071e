// Prints a program that holds the stand-alone program of every step of a training step that computes something, and runs them
// all. Its main function also wants the mistake in a step whose text was changed to be found.
#include <thunder/examine/repro.hpp>
#include <thunder/thunder.hpp>

#include <cstdio>

using namespace thunder;

namespace {

inline constexpr auto B = dim("batch");
struct model {
  constexpr auto operator()(auto words, auto key) const {
    const auto x = take(param<"table", float, 11, 8>(), words);
    return nn::linear<"out", 5>(dropout(gelu(nn::layer_norm<"norm">(x)), 0.25_c, key));
  }
};
inline constexpr auto train = [](auto words, auto labels, auto key, auto rate) {
  auto loss = [](auto w, auto y, auto k) { return cross_entropy(model{}(w, k), y); };
  auto [value, gradients] = value_and_grad(loss, wrt_parameters)(words, labels, key);
  return std::tuple{value, update(optim::adamw(gradients, rate))};
};

std::string renamed(std::string text, const std::string& name) {
  const std::size_t at = text.find("int main()");
  return text.replace(at, 10, "int " + name + "()");
}

}  // namespace

int main() {
  const auto program = jit(train).lower(spec<std::int32_t, B>(), spec<std::int32_t, B>(), std::int64_t{1}, 0.1f);
  std::string text, calls;
  int steps = 0, refused = 0;
  for (int k = 0; k < program.step_count; ++k) {
    try {
      const std::string name = "run_" + std::to_string(k);
      text += renamed(repro(program, k, sizes({{B, 9}})), name) + '\n';
      calls += "  wrong += " + name + "();\n";
      ++steps;
    } catch (const error&) {
      ++refused;  // copies and sizes
    }
  }
  // A step whose loop does something else than its statements mean is found.
  std::string other = renamed(repro(jit([](auto x) { return tanh(x) + x; }).lower(spec<float, 33>()), 0), "run_other");
  for (std::size_t at = other.find("step_0"); at != std::string::npos; at = other.find("step_0", at + 1))
    other.replace(at, 6, "other_");
  const std::size_t at = other.find("s<ops::tanh");
  other.replace(at, 11, "s<ops::sin");
  std::printf(
      "%s%s\nint main() {\n  int wrong = 0;\n%s  if (run_other() == 0) ++wrong;\n  std::printf(\"%d steps, %%d wrong\\n\", "
      "wrong);\n",
      text.c_str(), other.c_str(), calls.c_str(), steps);
  std::printf("  return wrong || %d < 10 || %d > 3;\n}\n", steps, refused);
}
