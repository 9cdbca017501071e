/// One step of AdamW over the parameters of GPT-2 124M in float32, 148 tensors, and the squares of their global norm. The update reads
/// parameters, gradients and two moments, and writes all but the gradients: 28 bytes a parameter. The kernels are those of a training step,
/// started as its program does: a batch of equal regions (fusion/batch.hpp). Only the region's type is taken from a program of two tensors,
/// which compiles faster than one of 148.
#include "timing.hpp"

#include <deque>

using namespace timing;

constexpr int W = 768, tensors = 148;

/// <p, g> for a parameter p and a buffer of its shape: the gradient by p is the buffer. So a step has its gradients in memory.
constexpr auto loss = [](auto) { return sum(param<"a", float, W, W>() * buffer<"a.grad", float, W, W>()) + sum(param<"b", float, W, 4>() * buffer<"b.grad", float, W, 4>()); };

/// The elements of each tensor.
std::vector<std::int64_t> gpt2_sizes() {
  std::vector<std::int64_t> n{50257 * W, 1024 * W};
  for (int layer = 0; layer < 12; ++layer) {
    for (int k : {3, 1, 4}) n.push_back(std::int64_t{k} * W * W), n.push_back(k * W);
    n.push_back(std::int64_t{4} * W * W), n.push_back(W);  // the second of the MLP
    for (int k = 0; k < 4; ++k) n.push_back(W);            // two norms
  }
  n.push_back(W), n.push_back(W);
  return n;
}

/// The step of a program's plan that is a batch of two regions over whole tensors.
template <class Plan> constexpr int batch_step = [] {
  for (int k = 0; k < Plan::data.size.steps; ++k)
    if (Plan::data.steps[k].batch == 2) return k;
  return -1;
}();

/// Times the batch with a call for each tensor. bytes: moved for an element.
template <class Program> void time_batch(const char* name, int bytes, const Program&) {
  using plan = typename Program::plan;
  constexpr int k = batch_step<plan>;
  static_assert(k >= 0, "the two updates are no batch");
  constexpr step_info s = plan::data.steps[k];
  const auto sizes = gpt2_sizes();
  std::int64_t elements = 0;
  std::deque<storage> memory;  // of parameters, one buffer for each; numbers are shared
  const float small[4]{1e-3f, 1e-3f, 1e-3f, 1e-3f};
  memory.push_back(cuda::allocate(16 * tensors));
  cuda::copy(memory[0].data(), small, sizeof small);
  char* const number = static_cast<char*>(memory[0].data());
  const void* in[tensors][s.inputs + 1]{};
  void* out[tensors][s.outputs]{};
  region_call calls[tensors];
  for (int t = 0; t < tensors; ++t) {
    const std::int64_t n = sizes[static_cast<std::size_t>(t)];
    elements += n;
    void* of_slot[at_least_one(Program::slot_count)]{};
    auto buffer = [&](const plan_operand& o, int place) -> void* {
      void*& p = of_slot[o.slot];
      if (p) return p;
      if (o.mask == 0) return p = place < 0 ? number : number + 16 + 4 * t;
      memory.push_back(cuda::allocate(static_cast<std::size_t>(4 * n)));
      cuda::check(cudaMemsetAsync(memory.back().data(), 0, static_cast<std::size_t>(4 * n), cuda::streams::current()), "clearing");
      return p = memory.back().data();
    };
    for (int i = 0; i < s.inputs; ++i) in[t][i] = buffer(plan::data.operands[s.input + i], -1);
    for (int i = 0; i < s.outputs; ++i) out[t][i] = buffer(plan::data.operands[s.output + i], i);
    calls[t] = {in[t], out[t], &sizes[static_cast<std::size_t>(t)]};
  }
  const double us = microseconds([&](int) { cuda::run_fused<decltype(region_of<plan, k>())>(cuda::gpu_stream{cuda::streams::current()}, calls); });
  memory.clear();
  cuda::stream_memory::clear();
  add_row({name, us, copy_microseconds(bytes * elements), "copy"});
  cuda::stream_memory::clear();
}

void cases() {
  auto update = jit<device::cuda>([](auto rate) {
    return thunder::update(optim::adamw<optim::adamw_options{.weight_decay = 0.1}>(grad(loss, wrt_parameters)(rate), rate));
  });
  time_batch("AdamW 124M", 28, update.lower(spec<float>()));
  auto norm = jit<device::cuda>([](auto rate) { return optim::global_norm(grad(loss, wrt_parameters)(rate)); });
  time_batch("squares of a global norm 124M", 4, norm.lower(spec<float>()));
}

int main(int argc, char** argv) { return report(argc, argv, cases); }
