#pragma once
// The model, and its training on a device. main.cpp instantiates it for the CPU, cuda.cu for CUDA.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <numeric>
#include <random>
#include <string>
#include <thunder/runtime/batch_loader.hpp>
#include <thunder/thunder.hpp>

#include "idx.hpp"
#include "plot.hpp"
#include "../shared/progress.hpp"

namespace fashion_mnist {
using namespace thunder;

// The number of images in a batch is known only when the program is called: the last batch of an epoch is smaller.
inline constexpr auto B = dim("batch");

struct model {
  // (images: [B, 784]) -> logits [B, 10]
  constexpr auto operator()(auto images) const {
    auto x = relu(nn::linear<"hidden1", 256>(images));
    auto y = relu(nn::linear<"hidden2", 128>(x));
    return nn::linear<"classes", 10>(y);
  }
};

// One step of training. Parameters are read by name; what `update` holds replaces them.
inline constexpr auto train_step = [](auto images, auto labels, auto rate) {
  auto loss = [](auto x, auto y) { return cross_entropy(model{}(x), y); };
  auto [value, gradients] = value_and_grad(loss, wrt_parameters)(images, labels);
  auto [clipped, norm] = optim::clip_by_global_norm(gradients, 1_c);
  return std::tuple{value, update(optim::adamw(clipped, rate))};
};

// How many images of a batch are recognised.
inline constexpr auto count_correct = [](auto images, auto labels) {
  return sum(cast<std::int32_t>(argmax(model{}(images), axis<1>) == labels));
};

struct options {
  std::string folder = default_folder, plot = "fashion_mnist_loss.png";
  int epochs = 8, batch = 128;
  float rate = 2e-3f;
  std::int64_t seed = 42;
  bool cuda = false;
};

// Pixels as floats with mean 0 and deviation 1 over the training set.
inline void copy_image(const images& from, int index, float* to) {
  constexpr float mean = 0.2860f, deviation = 0.3530f;
  const std::uint8_t* pixels = from.pixels.data() + static_cast<std::size_t>(index) * 784;
  for (int i = 0; i < 784; ++i) to[i] = (static_cast<float>(pixels[i]) / 255.0f - mean) / deviation;
}

template <device Where> void run(const options& o) {
  const auto train = read_split(o.folder, "train"), test = read_split(o.folder, "t10k");
  const int count = train.images.count;

  batch_loader<Where, tensor<float, B, 784>, tensor<std::int32_t, B>> batches(sizes({{B, o.batch}}));
  // Starts bringing the batch that begins with image number `first` of an order, if there is one.
  auto load = [&](const split& data, const std::vector<int>& order, int first) {
    const int n = std::min(o.batch, data.images.count - first);
    if (n > 0)
      batches.load([&](auto& images, auto& labels) {
        for (int i = 0; i < n; ++i) {
          const int index = order[static_cast<std::size_t>(first + i)];
          copy_image(data.images, index, &images(i, 0));
          labels(i) = data.labels.values[static_cast<std::size_t>(index)];
        }
      });
  };

  auto step = jit<Where>(train_step);
  auto correct = jit<Where>(count_correct);
  constexpr spec<float, B, 784> images_spec;
  constexpr spec<std::int32_t, B> labels_spec;
  state parameters = init(step, o.seed, images_spec, labels_spec, o.rate);
  const auto memory = step.lower(images_spec, labels_spec, o.rate).memory(sizes({{B, o.batch}}));
  std::cout << "parameters and moments: " << parameters.bytes() / 1024 << " KiB; arena for a batch of " << o.batch << ": " << memory.arena / 1024
            << " KiB\n";

  std::vector<int> order(static_cast<std::size_t>(std::max(count, test.images.count)));
  std::iota(order.begin(), order.end(), 0);
  std::mt19937_64 random(static_cast<std::uint64_t>(o.seed));
  std::vector<float> losses;
  examples::progress bar(o.epochs, count);
  const int steps = o.epochs * ((count + o.batch - 1) / o.batch);
  double accuracy = 0;
  for (int epoch = 0; epoch < o.epochs; ++epoch) {
    bar.begin_epoch();
    std::shuffle(order.begin(), order.begin() + count, random);
    load(train, order, 0);
    for (int first = 0; first < count; first += o.batch) {
      const int n = std::min(o.batch, count - first);
      auto [images, labels] = batches.next();
      // cosine decay
      const float rate = 0.5f * o.rate * (1 + std::cos(3.14159265f * static_cast<float>(losses.size()) / static_cast<float>(steps)));
      auto [loss, done] = step(parameters, images.slice(0, n), labels.slice(0, n), rate);
      load(train, order, first + o.batch);  // while the device works
      losses.push_back(loss.item());
      bar.advance(n, loss.item());
    }
    int right = 0;
    std::sort(order.begin(), order.end());
    load(test, order, 0);
    for (int first = 0; first < test.images.count; first += o.batch) {
      const int n = std::min(o.batch, test.images.count - first);
      auto [images, labels] = batches.next();
      auto found = correct(parameters, images.slice(0, n), labels.slice(0, n));
      load(test, order, first + o.batch);
      right += found.item();
    }
    accuracy = static_cast<double>(right) / test.images.count;
    char note[64];
    std::snprintf(note, sizeof note, "test accuracy %.2f %%", 100 * accuracy);
    bar.end_epoch(note);
  }
  plot_loss(losses, o.plot);
  std::cout << "the loss curve is in " << o.plot << '\n';
}

// In cuda.cu, which nvcc compiles.
void run_on_cuda(const options& o);

}  // namespace fashion_mnist
