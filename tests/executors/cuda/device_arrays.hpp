#pragma once
// Steps on the GPU, for the tests that compare them with those of the CPU.
#include <thunder/executors/cuda/step.hpp>

#include "../cpu/arrays.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

namespace steps {

inline bool have_device() {
  int n = 0;
  return cudaGetDeviceCount(&n) == cudaSuccess && n > 0;
}

/// A copy of a buffer on the device, `offset` elements behind a multiple of 256 bytes, with guards of all ones around it.
class device_buffer {
 public:
  device_buffer(const buffer& b, std::int64_t offset)
      : begin_(guard + static_cast<std::size_t>(offset * thunder::size_of(b.type()))), bytes_(static_cast<std::size_t>(b.header().bytes())), header_(b.header()) {
    thunder::cuda::check(cudaMalloc(&memory_, size()), "test");
    thunder::cuda::check(cudaMemset(memory_, 0xff, size()), "test");
    header_.data = static_cast<char*>(memory_) + begin_;
    thunder::cuda::check(cudaMemcpy(header_.data, b.data(), bytes_, cudaMemcpyHostToDevice), "test");
  }
  device_buffer(const device_buffer&) = delete;
  ~device_buffer() { cudaFree(memory_); }
  const thunder::array& header() const { return header_; }
  /// Copies the contents into b, and says whether the guards are as they were.
  bool read(buffer& b) const {
    std::vector<char> all(size());
    thunder::cuda::check(cudaMemcpy(all.data(), memory_, all.size(), cudaMemcpyDeviceToHost), "test");
    if (bytes_) std::memcpy(b.data(), all.data() + begin_, bytes_);
    auto untouched = [](char c) { return c == static_cast<char>(0xff); };
    const auto at = all.begin() + static_cast<std::ptrdiff_t>(begin_);
    return std::all_of(all.begin(), at, untouched) && std::all_of(at + static_cast<std::ptrdiff_t>(bytes_), all.end(), untouched);
  }

 private:
  static constexpr std::size_t guard = 256;
  std::size_t size() const { return begin_ + bytes_ + guard; }
  void* memory_ = nullptr;
  std::size_t begin_, bytes_;
  thunder::array header_;
};

/// Runs a step on the device; its results come back into `out`. False if something beside them was written.
template <class Op> bool run_on_device(const std::vector<const buffer*>& in, const std::vector<buffer*>& out, const std::vector<std::int64_t>& words) {
  const bool odd = random(0, 3) == 0;  // mostly, buffers are aligned
  auto offset = [&] { return odd ? random(0, 9) : 0; };
  std::vector<std::unique_ptr<device_buffer>> there, results;
  std::vector<thunder::array> x, y;
  for (const buffer* b : in) there.push_back(std::make_unique<device_buffer>(*b, offset())), x.push_back(there.back()->header());
  for (const buffer* b : out) results.push_back(std::make_unique<device_buffer>(*b, offset())), y.push_back(results.back()->header());
  const cudaStream_t stream = thunder::cuda::streams::current();
  thunder::cuda::library_step<Op>::run({x.data(), static_cast<int>(x.size()), y.data(), static_cast<int>(y.size()), words.data(), static_cast<int>(words.size())}, stream);
  thunder::cuda::synchronize();
  bool guarded = true;
  for (std::size_t k = 0; k < out.size(); ++k) guarded = results[k]->read(*out[k]) && guarded;
  return guarded;
}
inline std::string text(const char* name, const std::vector<const buffer*>& in, const std::vector<std::int64_t>& words) {
  std::string s = name;
  for (const buffer* b : in) {
    s += std::string(" ") + thunder::name_of(b->type()) + "[";
    for (int d = 0; d < b->header().rank; ++d) s += " " + std::to_string(b->header().extents[d]);
    s += " ]";
  }
  s += ", words";
  for (auto w : words) s += " " + std::to_string(w);
  return s;
}

}  // namespace steps
