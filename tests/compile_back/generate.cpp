// Prints programs at each stage as C++ source, followed by a main function that compares the graphs of what was compiled with
// those that were printed: by content up to simplification, then by the types of regions, and by what the steps compute.
#define LAYERS 2
#include <thunder/examine/print_cpp.hpp>
#include <thunder/examine/print_fused.hpp>

#include <cstdio>

#include "../transforms/random_graphs.hpp"
#include "models.hpp"

using namespace thunder;

namespace {

std::string sources, checks;
int count = 0;

void expect(const std::string& what, const std::string& space, const graph_view& g) {
  checks += "  compare(\"" + what + "\", decltype(" + space + "::traced())::body::view, " + std::to_string(content_digest(g)) +
            "ull);\n";
}
void stage(const std::string& what, const graph_view& g) {
  const std::string space = "printed_" + std::to_string(count++);
  sources += print_cpp(g, space);
  expect(what, space, g);
}
template <class R, class Body> void stages(const std::string& what, traced<R, Body> t) {
  const std::string space = "printed_" + std::to_string(count++);
  sources += print_cpp(t, space);
  expect(what + ", traced", space, Body::view);
  const graph flat = inline_calls(Body::view);
  stage(what + ", inlined", flat.view());
  const graph primitive = decompose(flat.view(), [](const op_info&) { return true; });
  stage(what + ", decomposed", primitive.view());
  const graph simple = simplify(primitive.view());
  stage(what + ", simplified", simple.view());
}
template <class P> void steps(const std::string& name, const P& program, const std::string& original) {
  sources += print_fused(program, name);
  for (int k = 0; k < P::step_count; ++k)
    if (!P::plan::data.steps[k].op) {
      const std::string n = std::to_string(k);
      checks += "  static_assert(std::is_same_v<" + name + "::step_" + n + ", decltype(region_of<" + original + "::plan, " + n +
                ">())>);\n";
    }
}

}  // namespace

int main() {
  stages("hello world", models::hello_trace{});
  stages("an MLP's training step with AdamW", models::step_trace<decltype(models::adamw_step)>{});
  stage("an MLP's training step with SGD", models::step_trace<decltype(models::sgd_step)>::body::view);
  stages("a transformer's gradient", models::gpt_trace{});
  stages("mixed precision", models::mixed_trace{});
  stages("all kinds of statements", models::odd_trace{});
  stages("sorts and scans", models::ordered_trace{});
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    const auto s = random_graphs::make(seed);
    stage("a random graph", s.g.view());
    const graph plain = decompose(s.g.view(), lacks_vjp);
    const graph derived = vjp(
        plain.view(), {.keep_results = true, .formals = 7, .rules = builtin_rules::data, .rule_count = builtin_rules::count});
    stage("a random graph's derivative", derived.view());
  }
  steps("hello_steps", jit(models::hello).lower(spec<float, 2, 3>(), spec<float, 2, 3>()), "hello_program");
  steps("layer_steps", jit(models::layer).lower(spec<float, models::batch, 4>(), spec<float, 4, 3>(), spec<float, 3>()),
        "layer_program");
  steps("mlp_steps", jit(models::adamw_step).lower(spec<float, models::batch, 784>(), spec<std::int32_t, models::batch>(), 0.5f),
        "mlp_program");
  std::printf("#define LAYERS 2\n#include \"models.hpp\"\n%s\n#include \"check.hpp\"\n\nint main() {\n%s  return finish();\n}\n",
              sources.c_str(), checks.c_str());
}
