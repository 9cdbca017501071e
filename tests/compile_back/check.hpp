#pragma once
// What the generated main function calls.
#include <thunder/examine/content.hpp>

#include <cstdio>
#include <type_traits>

using namespace thunder;

inline int failures = 0, compared = 0;

inline void compare(const char* what, const graph_view& g, digest expected) {
  ++compared;
  if (content_digest(g) == expected) return;
  ++failures;
  std::printf("%s: the compiled graph has another content:\n%s\n", what, print(g).c_str());
}

using hello_program = decltype(jit(models::hello).lower(spec<float, 2, 3>(), spec<float, 2, 3>()));
using layer_program = decltype(jit(models::layer).lower(spec<float, models::batch, 4>(), spec<float, 4, 3>(), spec<float, 3>()));
using mlp_program = decltype(jit(models::adamw_step)
                                 .lower(spec<float, models::batch, 784>(), spec<std::int32_t, models::batch>(), 0.5f));

// The printed steps of the layer, on buffers of their own, give what the program gives.
inline void run_steps() {
  const int rows = 5;
  tensor<float, models::batch, 4> x(rows);
  tensor<float, 4, 3> w;
  tensor<float, 3> b{0.5f, -1, 2};
  for (int i = 0; i < rows; ++i)
    for (int k = 0; k < 4; ++k) x(i, k) = static_cast<float>((i * 7 + k * 3) % 5) - 1.5f;
  for (int k = 0; k < 4; ++k)
    for (int j = 0; j < 3; ++j) w(k, j) = static_cast<float>((k * 5 + j * 2) % 7) * 0.25f;
  const auto expected = jit(models::layer)(x, w, b);
  const auto& plan = layer_program::plan::data;
  float buffers[layer_program::slot_count][64]{};
  void* slots[layer_program::slot_count];
  int result = -1;
  for (int i = 0; i < layer_program::slot_count; ++i) {
    slots[i] = buffers[i];
    if (plan.slots[i].where == slot_info::formal)
      slots[i] = plan.slots[i].index == 0 ? x.data() : plan.slots[i].index == 1 ? w.data() : b.data();
    if (plan.slots[i].where == slot_info::result) result = i;
  }
  bindings bound;
  bound.bind(models::batch.a, rows);
  cpu::executor<> executor;
  layer_steps::run(executor, slots, bound);
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < 3; ++j)
      if (buffers[result][i * 3 + j] != expected(i, j))
        ++failures, std::printf("the printed steps give another value at %d, %d\n", i, j);
}

inline int finish() {
  run_steps();
  std::printf("%d graphs compared, %d failures\n", compared, failures);
  return failures == 0 && compared == 29 ? 0 : 1;
}
