#pragma once
/// Batches of training data on their way to a device. For CUDA, cuda_batch_loader.hpp, the copies run beside the programs: the next batch is
/// filled and copied while the device works on this one.
#include <cstdint>
#include <memory>
#include <tuple>
#include <type_traits>
#include <vector>

#include "tensor.hpp"

namespace thunder {

/// How the tensors of a batch get from where the CPU fills them to where programs read them. This one: they are there already.
template <device Where> class batch_lane {
 public:
  static_assert(Where == device::cpu, "batches for CUDA: include <thunder/runtime/cuda_batch_loader.hpp> in a .cu file");
  static constexpr bool copies = false;
  static storage allocate(std::size_t bytes) { return storage::allocate(bytes); }
  void fill() {}    // waits until the tensors may be filled
  void filled() {}  // they have been, and are copied, each by copy(to, from, bytes)
  void copied() {}
  void read() {}    // programs that are called from now on read the batch
  void done() {}    // ... and those from now on do not
};

/// A ring of batches, each of tensors T....
///
///     batch_loader<device::cuda, tensor<float, B, 784>, tensor<std::int32_t, B>> batches(sizes({{B, 128}}));
///     auto fill = [&](auto& images, auto& labels) { ... };    // in the CPU's memory
///     batches.load(fill);
///     for (int i = 0; i < steps; ++i) {
///       auto& [images, labels] = batches.next();              // on the device
///       auto [loss, done] = step(parameters, images, labels, rate);
///       if (i + 1 < steps) batches.load(fill);                // while the step runs
///     }
template <device Where, class... T> class batch_loader {
 public:
  /// `count` batches have room: one that is in use, the others loaded.
  explicit batch_loader(const bindings& sizes, int count = 2) {
    if (count < 2) throw shape_error("batch_loader: there is room for at least two batches, one in use and one on its way");
    places_.reserve(static_cast<std::size_t>(count));
    for (int k = 0; k < count; ++k) places_.push_back(std::make_unique<one_place>(sizes));
  }
  /// Calls fill(tensors...) for one more batch and starts copying it. Throws thunder::error if as many as have room wait for next().
  template <class Fill> void load(Fill&& fill) {
    if (loaded_ - taken_ + 1 >= count()) throw error("batch_loader: " + std::to_string(loaded_ - taken_) + " batches are loaded, and no more have room: call next() first");
    one_place& p = at(loaded_);
    p.lane.fill();
    std::apply(fill, p.here);
    p.lane.filled();
    if constexpr (batch_lane<Where>::copies)
      [&]<std::size_t... I>(std::index_sequence<I...>) {
        (p.lane.copy(std::get<I>(p.there).data(), std::get<I>(p.here).data(), std::get<I>(p.here).bytes()), ...);
      }(std::index_sequence_for<T...>{});
    p.lane.copied();
    ++loaded_;
  }
  /// The next batch that was loaded, for programs that this thread calls from now on, until it calls next() again. Throws thunder::error if
  /// there is none.
  std::tuple<T&...> next() {
    if (taken_ == loaded_) throw error("batch_loader: no batch is loaded");
    if (taken_ > 0) at(taken_ - 1).lane.done();
    one_place& p = at(taken_);
    p.lane.read();
    ++taken_;
    auto all = [](T&... x) { return std::tuple<T&...>(x...); };
    if constexpr (batch_lane<Where>::copies) return std::apply(all, p.there);
    else return std::apply(all, p.here);
  }

 private:
  struct one_place {
    std::tuple<T...> here;                                                                // where the CPU fills them
    std::conditional_t<batch_lane<Where>::copies, std::tuple<T...>, std::tuple<>> there;  // where programs read them
    batch_lane<Where> lane;  // goes first, when nothing uses them any more
    explicit one_place(const bindings& sizes) : here(T(batch_lane<Where>::allocate(T(sizes).bytes()), sizes)...) {
      if constexpr (batch_lane<Where>::copies) there = std::tuple<T...>(T(storage::allocate(T(sizes).bytes(), Where), sizes)...);
    }
  };
  std::int64_t count() const { return static_cast<std::int64_t>(places_.size()); }
  one_place& at(std::int64_t number) { return *places_[static_cast<std::size_t>(number % count())]; }

  std::vector<std::unique_ptr<one_place>> places_;
  std::int64_t loaded_ = 0, taken_ = 0;
};

}  // namespace thunder
