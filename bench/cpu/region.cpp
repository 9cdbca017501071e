// Programs that are bound by memory, called as users do: results are fresh memory, unless an argument is donated; an optimizer's are its state's.
//   g++ -std=c++20 -O3 -march=native -fopenmp -Iinclude bench/cpu/region.cpp -lopenblas && ./a.out
#include <memory>

#include "timing.hpp"

using namespace timing;
namespace {

constexpr std::int64_t n = 16 << 20;  // elements of the large tensors
using square = tensor<float, 4096, 4096>;
using tall = tensor<float, 16384, 1024>;

template <class T> std::shared_ptr<T> numbers() {
  auto t = std::make_shared<T>();
  cpu::parallel_for(t->size(), t->size() * 4, [&](std::int64_t i, std::int64_t end, int) {
    for (; i < end; ++i) t->data()[i] = static_cast<float>(i % 4001) * 1e-3f - 2;
  });
  return t;
}

/// f of arguments that live as long as the case.
template <class F, class... T> job call(std::string name, std::int64_t bytes, F f, std::shared_ptr<T>... x) {
  return {std::move(name), bytes, [program = jit(f), x...]() mutable { auto y = program(*x...); }};
}

/// The same, where the result takes the memory of the last argument: the loop itself, without the time that fresh memory takes.
template <class F, class X, class... T> job call_donating(std::string name, std::int64_t bytes, F f, std::shared_ptr<X> given, std::shared_ptr<T>... x) {
  return {std::move(name), bytes, [program = jit(f), given, x...]() mutable { *given = program(*x..., donate(*given)); }};
}

std::vector<job> jobs() {
  std::vector<job> all;
  const auto x = numbers<square>(), r = numbers<square>(), w = numbers<square>(), b = numbers<square>();
  const auto row_w = numbers<tensor<float, 4096>>(), row_b = numbers<tensor<float, 4096>>();
  const auto chain = [](auto u, auto v, auto c, auto z) { return gelu(u * v + c) + z; };
  all.push_back(call("x+r 16M floats", 12 * n, [](auto u, auto v) { return u + v; }, x, r));
  all.push_back(call("gelu(x*w+b)+r 16M floats, w and b per column", 12 * n, chain, x, row_w, row_b, r));
  all.push_back(call_donating("gelu(x*w+b)+r 16M floats, w and b per column, r donated", 12 * n, chain, numbers<square>(), x, row_w, row_b));
  all.push_back(call("gelu(x*w+b)+r 16M floats, w and b full-size", 20 * n, chain, x, w, b, r));

  const auto rows = numbers<tall>(), cotangent = numbers<tall>();
  const auto gain = numbers<tensor<float, 1024>>(), offset = numbers<tensor<float, 1024>>();
  const auto probabilities = [](auto u) { return softmax(u); };
  all.push_back(call("softmax 16384x1024", 8 * n, probabilities, rows));
  all.push_back(call("softmax 4096x4096", 8 * n, probabilities, x));
  all.push_back(call("layer_norm forward 16384x1024", 8 * n, [](auto u, auto g, auto o) { return layer_norm(u, g, o); }, rows, gain, offset));
  all.push_back(call("layer_norm backward 16384x1024", 12 * n, [](auto u, auto g, auto o, auto ct) {
    return grad([ct](auto a, auto p, auto q) { return sum(layer_norm(a, p, q) * ct); }, wrt<0, 1, 2>)(u, g, o);
  }, rows, gain, offset, cotangent));

  constexpr int classes = 10000, samples = 4096;
  const auto logits = numbers<tensor<float, samples, classes>>();
  const auto labels = std::make_shared<tensor<std::int32_t, samples>>();
  for (int i = 0; i < samples; ++i) (*labels)(i) = i * 31 % classes;
  all.push_back(call("cross-entropy forward + backward 4096x10000", std::int64_t{8} * samples * classes, [](auto l, auto t) {
    return value_and_grad([t](auto a) { return cross_entropy(a, t); })(l);
  }, logits, labels));

  const auto gradient = numbers<tensor<float, 2500, 4000>>();
  auto optimizer = jit([](auto g, auto rate) {
    const auto loss = [](auto c) { return sum(param<"w", float, 2500, 4000>() * c); };  // whose gradient is g
    return update(optim::adamw(grad(loss, wrt_parameters)(g), rate));
  });
  const auto parameters = std::make_shared<state>(init(optimizer, 1, *gradient, 1e-3f));
  all.push_back({"AdamW 10M parameters", 28 * gradient->size(), [=]() mutable { optimizer(*parameters, *gradient, 1e-3f); }});
  return all;
}

}  // namespace

int main(int argc, char** argv) { return report(argc, argv, jobs); }
