#pragma once
// Arrays for the tests of library steps: bytes with a guard behind them, read and written as numbers.
#include <thunder/executors/cpu/step.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <random>
#include <vector>

namespace steps {

using thunder::dtype;
namespace cpu = thunder::cpu;
using extents = std::vector<std::int64_t>;

inline constexpr dtype all_types[]{dtype::b8, dtype::i32, dtype::i64, dtype::f16, dtype::bf16, dtype::f32, dtype::f64};

inline std::mt19937& generator() {
  static std::mt19937 g(7);
  return g;
}
inline std::int64_t random(std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(generator());
}

/// Begins on a cache line, as the executor's buffers do, and as all ones: a NaN where nothing was written.
class buffer {
 public:
  explicit buffer(dtype type, extents e) {
    header_.type = type, header_.rank = static_cast<int>(e.size());
    for (std::size_t d = 0; d < e.size(); ++d) header_.extents[d] = e[d];
    bytes_ = static_cast<std::size_t>(header_.bytes());
    memory_.assign(bytes_ + 128, static_cast<char>(0xff));
    const auto first = reinterpret_cast<std::uintptr_t>(memory_.data());
    data_ = memory_.data() + (64 - first % 64) % 64;
    header_.data = data_;
  }
  const thunder::array& header() const { return header_; }
  std::int64_t count() const { return header_.count(); }
  dtype type() const { return header_.type; }
  char* data() const { return data_; }

  double operator[](std::int64_t i) const {
    auto as = [&]<class T>(T x) {
      std::memcpy(&x, data_ + i * static_cast<std::int64_t>(sizeof x), sizeof x);
      if constexpr (sizeof x == 2) return static_cast<double>(static_cast<float>(x));
      else return static_cast<double>(x);
    };
    switch (type()) {
      case dtype::b8: return as(std::uint8_t{});
      case dtype::i32: return as(std::int32_t{});
      case dtype::i64: return as(std::int64_t{});
      case dtype::f16: return as(thunder::f16{});
      case dtype::bf16: return as(thunder::bf16{});
      case dtype::f32: return as(float{});
      case dtype::f64: return as(double{});
    }
    return 0;
  }
  void set(std::int64_t i, double v) {
    auto as = [&]<class T>(T x) { std::memcpy(data_ + i * static_cast<std::int64_t>(sizeof x), &x, sizeof x); };
    switch (type()) {
      case dtype::b8: return as(static_cast<std::uint8_t>(v != 0));
      case dtype::i32: return as(static_cast<std::int32_t>(v));
      case dtype::i64: return as(static_cast<std::int64_t>(v));
      case dtype::f16: return as(thunder::f16(static_cast<float>(v)));
      case dtype::bf16: return as(thunder::bf16(static_cast<float>(v)));
      case dtype::f32: return as(static_cast<float>(v));
      case dtype::f64: return as(v);
    }
  }
  template <class F> buffer& fill(F f) {
    for (std::int64_t i = 0; i < count(); ++i) set(i, f(i));
    return *this;
  }
  /// Any bits.
  buffer& fill_bits() {
    for (std::size_t i = 0; i < bytes_; ++i) data_[i] = static_cast<char>(generator()() & (type() == dtype::b8 ? 1 : 0xff));
    return *this;
  }
  /// Nothing was written before or behind it.
  bool guarded() const {
    for (const char* p = memory_.data(); p < memory_.data() + memory_.size(); p = p + 1 == data_ ? data_ + bytes_ : p + 1)
      if ((p < data_ || p >= data_ + bytes_) && *p != static_cast<char>(0xff)) return false;
    return true;
  }
  bool equals(const buffer& o) const { return std::memcmp(data_, o.data_, bytes_) == 0; }
  buffer(const buffer&) = delete;
  buffer(buffer&&) = default;

 private:
  std::vector<char> memory_;
  std::size_t bytes_ = 0;
  char* data_ = nullptr;
  thunder::array header_;
};

/// The machine of this program, on one thread.
using serial_target = cpu::target<16, 99, cpu::serial_threads>;

template <class Op, class Target = cpu::default_target>
void run(std::vector<const buffer*> in, const buffer& out, const std::vector<std::int64_t>& words) {
  std::vector<thunder::array> x;
  for (const buffer* b : in) x.push_back(b->header());
  cpu::library_step<Op, Target>::run(
      {x.data(), static_cast<int>(x.size()), &out.header(), 1, words.data(), static_cast<int>(words.size())});
  CHECK(out.guarded());
}

/// The coordinates of element i.
inline extents coordinates(const thunder::array& a, std::int64_t i) {
  extents at(static_cast<std::size_t>(a.rank));
  for (int d = a.rank; d-- > 0;) at[static_cast<std::size_t>(d)] = i % a.extents[d], i /= a.extents[d];
  return at;
}
inline std::int64_t linear(const thunder::array& a, const extents& at) {
  std::int64_t i = 0;
  for (int d = 0; d < a.rank; ++d) i = i * a.extents[d] + at[static_cast<std::size_t>(d)];
  return i;
}

}  // namespace steps
