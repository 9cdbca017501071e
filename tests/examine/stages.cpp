// The passes of a program, run again: the same graphs, with where statements come from.
#include "../typed.hpp"

#include <thunder/examine/content.hpp>
#include <thunder/examine/print_dot.hpp>
#include <thunder/examine/stages.hpp>
#include <thunder/thunder.hpp>

#include <doctest/doctest.h>

#include <sstream>

using namespace thunder;

namespace {

inline constexpr auto B = dim("batch");
inline constexpr auto block = [](auto x) { return softmax(nn::linear<"fc", 4>(x)); };
inline constexpr auto loss = [](auto x) { return mean(repeat<2, "h">(block, x)); };
inline constexpr auto step = [](auto x) { return value_and_grad(loss, wrt_parameters)(x); };

const stage& find(const stage_list& all, const std::string& pass, const std::string& of) {
  for (const stage& s : all)
    if (s.pass == pass && s.of == of) return s;
  FAIL("there is no stage ", pass, " of ", of);
  return all.front();
}

}  // namespace

TEST_CASE("the stages of a training step") {
  const auto program = jit(step).lower(spec<float, B, 4>());
  const stage_list all = stages(program);
  std::string passes;
  for (const stage& s : all) passes += s.pass + (s.of.empty() ? "" : " of " + s.of) + "\n";
  CHECK(passes ==
        "trace of h.0.fc\n"
        "trace of h.0\n"
        "trace\n"
        "decompose\n"
        "vjp of h.0.fc\n"
        "vjp of h.0\n"
        "vjp\n"
        "trace\n"
        "inline_calls\n"
        "decompose\n"
        "simplify\n"
        "simplify\n"
        "partition\n");
  for (std::size_t k = 0; k + 1 < all.size(); ++k) {
    CAPTURE(all[k].pass);
    CHECK(find_violation(all[k].view()) == nullptr);
    CHECK(all[k].after == all[k].view().node_count);
    CHECK(all[k].from.size() == static_cast<std::size_t>(all[k].after));
    CHECK(all[k].path.size() == static_cast<std::size_t>(all[k].after));
    CHECK(all[k].seconds >= 0);
    CHECK(all[k].seconds < 1);
  }
  const stage &steps = all[all.size() - 1], &last = all[all.size() - 2], &inlined = find(all, "inline_calls", "");
  CHECK(print(last.view()) == print(program.graph));
  CHECK(steps.after == program.step_count);
  CHECK(steps.before == program.graph.node_count);
  CHECK(std::count(steps.listing.begin(), steps.listing.end(), '\n') == program.step_count);

  // Every statement of the last graph but constants comes from one of the graph before, and from its module.
  for (std::size_t k = 0; k < last.from.size(); ++k) CHECK(last.from[k] >= 0);
  int first = 0, second = 0, outside = 0;
  for (std::size_t k = 0; k < last.path.size(); ++k) {
    const node& n = last.view().nodes[k];
    if (n.name >= 0) CHECK(last.path[k] + "." == print_name(last.view(), n.name).substr(0, last.path[k].size() + 1));
    if (std::string(n.op->name) == "thunder.exp") (last.path[k] == "h.0" ? first : last.path[k] == "h.1" ? second : outside)++;
  }
  CHECK(first == 1);
  CHECK(second == 1);
  CHECK(outside == 0);
  CHECK(inlined.text().find("thunder.parameter \"h.1.fc.bias\" <1, 9, 1, 4> : f32[4]  // of %") != std::string::npos);
  CHECK(inlined.text().find(" in h.1.fc\n") != std::string::npos);

  std::ostringstream table;
  table << all;
  const std::string text = table.str();
  CHECK(text.starts_with("pass           of                     before    after         ms\n"));
  CHECK(std::count(text.begin(), text.end(), '\n') == static_cast<long>(all.size()) + 1);
}

TEST_CASE("the stages of a trace") {
  const stage_list all = stages(trace(step, spec<float, B, 4>()));
  CHECK(all.size() == 13);
  const stage& derived = find(all, "vjp", "h.0");
  CHECK(derived.before > 1);
  CHECK(derived.text().find("  // of %") != std::string::npos);
}

TEST_CASE("the stages of mixed precision") {
  constexpr auto mixed = [](auto x) { return value_and_grad(autocast<bf16>(loss), wrt_parameters)(x); };
  const stage_list all = stages(trace(mixed, spec<float, B, 4>()));
  std::string passes;
  for (const stage& s : all) passes += s.pass + (s.of.empty() ? "" : " of " + s.of) + "\n";
  CHECK(passes.starts_with("trace of h.0.fc\ntrace of h.0\ntrace\nautocast of h.0.fc\nautocast of h.0\nautocast\n"));
  const stage& s = find(all, "autocast", "h.0.fc");
  CHECK(s.after == s.before + 3);
  CHECK(s.text().find("thunder.matmul(%2, %3) <0, 0> : bf16[batch, 4]  // of %2") != std::string::npos);
}

TEST_CASE("composites that fall apart twice keep where they come from") {
  provenance notes;
  const graph_view& v = trace_t<decltype([](auto x) { return tanh(cross_entropy(x, full<std::int32_t, 3>(1_c))); }),
                                typed_tests::arg<float, 3, 5>>::body::view;
  const graph primitive = decompose(
      v, [](const op_info&) { return true; }, &notes);
  REQUIRE(notes.from.size() == primitive.nodes.size());
  for (int i = 0; i < primitive.nodes.size(); ++i) {
    REQUIRE(notes.from[i] >= 0);
    REQUIRE(notes.from[i] < v.node_count);
    if (std::string(primitive.nodes[i].op->name) == "thunder.tanh")
      CHECK(std::string(v.nodes[notes.from[i]].op->name) == "thunder.tanh");
    if (std::string(primitive.nodes[i].op->name) == "thunder.exp")
      CHECK(std::string(v.nodes[notes.from[i]].op->name) == "thunder.cross_entropy_rows");
  }
}

TEST_CASE("a flat graph is drawn with the clusters that its calls had") {
  auto count = [](const std::string& text, const std::string& part) {
    int n = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
    return n;
  };
  const stage_list all = stages(trace(step, spec<float, B, 4>()));
  const stage& last = all[all.size() - 2];
  const std::string flat = print_dot(last.view(), last.path), without = print_dot(last.view());
  CHECK(count(flat, "label=\"h.0.fc\"") == 1);
  CHECK(count(flat, "label=\"h.1\"") == 1);
  CHECK(count(flat, " [label=") == last.after + last.view().output_count);
  CHECK(count(without, " [label=") == last.after + last.view().output_count);
  CHECK(count(without, "label=\"h.0.fc\"") == 1);  // of its parameters
  CHECK(count(flat, "{") == count(flat, "}"));
}
