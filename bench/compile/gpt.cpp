// The trace of a transformer and the gradients of all its parameters, and nothing after it.
#include "gpt.hpp"

int main() {
  using traced = thunder::trace_t<decltype(gpt::gradients), gpt::batch, gpt::batch>;
  constexpr const thunder::graph_view& whole = traced::body::view;
  static_assert(whole.parameter_count == 12 * LAYERS + 5);
  int statements = 0, bodies = 0;
  for (int i = 0; i < whole.node_count; ++i)
    if (whole.nodes[i].body) ++bodies, statements += whole.nodes[i].body->node_count;
  __builtin_printf("%d statements, %d parameters\n", statements, whole.parameter_count);
  return bodies == 1 ? 0 : 1;
}
