#pragma once
/// Prints tensors: nested brackets, aligned columns, long axes elided. Include <iostream> yourself.
#include <cstdio>
#include <iosfwd>
#include <string_view>

#include "any_tensor.hpp"

namespace thunder {

/// How tensors are printed (the defaults are those of numpy and PyTorch).
struct print_options {
  std::int64_t threshold = 1000;  ///< more elements than this are elided ...
  std::int64_t edge = 3;          ///< ... to so many (at least 1) at both ends of each axis
  int precision = 4;              ///< digits after the point
  std::size_t width = 80;         ///< rows are broken at this column
};

/// Formats memory as a nested list; what tensors of every type share.
class printer {
 public:
  [[gnu::cold]] printer(dtype type, const void* data, std::span<const std::int64_t> extents, const print_options& options)
      : type_(type), data_(data), extents_(extents), options_(options) {
    if (options_.edge < 1) options_.edge = 1;
    std::int64_t size = 1;
    for (const auto e : extents) size *= e;
    empty_ = size == 0;
    elide_ = size > options.threshold;
    if (empty_) return;
    choose_style();
    visit(0, 0, [&](std::int64_t i) {
      const auto width = cell(i).size();
      width_ = width > width_ ? width : width_;
    });
  }

  [[gnu::cold]] std::string text() const {
    if (empty_) return "[]";
    std::string r;
    put(r, 0, 0);
    return r;
  }

 private:
  int rank() const { return static_cast<int>(extents_.size()); }
  std::int64_t extent(int axis) const { return extents_[static_cast<std::size_t>(axis)]; }
  std::int64_t stride(int axis) const {
    std::int64_t n = 1;
    for (int i = axis + 1; i < rank(); ++i) n *= extent(i);
    return n;
  }
  bool elided(int axis) const { return elide_ && extent(axis) > 2 * options_.edge; }

  /// Calls `f` with the offset of each element that is shown.
  template <class F>
  [[gnu::cold]] void visit(int axis, std::int64_t at, F&& f) const {
    if (axis == rank()) return f(at);
    const auto n = extent(axis), step = stride(axis);
    for (std::int64_t i = 0; i < n; ++i) {
      if (elided(axis) && i == options_.edge) i = n - options_.edge;
      visit(axis + 1, at + i * step, f);
    }
  }
  double value(std::int64_t i) const {
    switch (type_) {
      case dtype::f16: return static_cast<float>(static_cast<const f16*>(data_)[i]);
      case dtype::bf16: return static_cast<float>(static_cast<const bf16*>(data_)[i]);
      case dtype::f32: return static_cast<const float*>(data_)[i];
      case dtype::f64: return static_cast<const double*>(data_)[i];
      default: return 0;
    }
  }
  /// One style for all elements: whole numbers as "3.", scientific if the range is too wide for a fixed point.
  [[gnu::cold]] void choose_style() {
    if (!is_floating(type_)) return;
    double most = 0, least = 1e308;
    visit(0, 0, [&](std::int64_t i) {
      const double v = value(i), a = v < 0 ? -v : v;
      if (!(a <= 1.7976931348623157e308)) return;
      if (a >= 1e15 || a != static_cast<double>(static_cast<std::int64_t>(a))) whole_ = false;
      if (a > 0) most = a > most ? a : most, least = a < least ? a : least;
    });
    scientific_ = most > 0 && (whole_ ? most >= 1e8 : most >= 1e8 || least < 1e-4 || most / least > 1e6);
  }
  [[gnu::cold]] std::string cell(std::int64_t i) const {
    char r[64];
    switch (type_) {
      case dtype::b8: return static_cast<const unsigned char*>(data_)[i] ? "true" : "false";
      case dtype::i32: return text_of({static_cast<const std::int32_t*>(data_)[i]});
      case dtype::i64: return text_of({static_cast<const std::int64_t*>(data_)[i]});
      default: break;
    }
    const double v = value(i);
    if (v != v) return "nan";
    if (v > 1.7976931348623157e308 || v < -1.7976931348623157e308) return v > 0 ? "inf" : "-inf";
    const int precision = options_.precision < 0 ? 0 : options_.precision > 17 ? 17 : options_.precision;
    if (scientific_) std::snprintf(r, sizeof r, "%.*e", precision, v);
    else if (whole_) std::snprintf(r, sizeof r, "%.0f.", v);
    else std::snprintf(r, sizeof r, "%.*f", precision, v);
    return r;
  }
  [[gnu::cold]] void put(std::string& r, int axis, std::int64_t at) const {
    if (axis == rank()) {
      const std::string c = cell(at);
      r.append(width_ - c.size(), ' ') += c;
      return;
    }
    const bool last = axis == rank() - 1;
    const auto n = extent(axis), step = stride(axis);
    const auto indent = static_cast<std::size_t>(axis + 1);
    const std::string line = std::string(last ? 1 : static_cast<std::size_t>(rank() - axis - 1), '\n') + std::string(indent, ' ');
    std::size_t column = indent;
    auto separate = [&](std::size_t width) {
      r += ',';
      column += 2 + width;
      if (last && column + 1 <= options_.width) r += ' ';
      else r += line, column = indent + width;
    };
    r += '[';
    for (std::int64_t i = 0; i < n; ++i) {
      if (elided(axis) && i == options_.edge) {
        separate(3);
        r += "...";
        i = n - options_.edge;
      }
      if (i) separate(width_);
      else column += width_;
      put(r, axis + 1, at + i * step);
    }
    r += ']';
  }

  dtype type_;
  const void* data_;
  std::span<const std::int64_t> extents_;
  print_options options_;
  bool empty_ = false, elide_ = false, whole_ = true, scientific_ = false;
  std::size_t width_ = 0;
};

/// What to_string does for a tensor of any type. `dims`: its dimensions, some of which may be named, or null.
[[gnu::noinline, gnu::cold]] inline std::string printed_tensor(dtype type, const dim* dims, std::span<const std::int64_t> extents, const void* data, device where, const print_options& options) {
  const int rank = static_cast<int>(extents.size());
  storage here;
  if (where != device::cpu) {
    std::size_t bytes = static_cast<std::size_t>(size_of(type));
    for (const auto e : extents) bytes *= static_cast<std::size_t>(e);
    here = storage::allocate(bytes);
    copy_bytes(here.data(), device::cpu, data, where, bytes);
    data = here.data();
  }
  std::string r = printer(type, data, extents, options).text();
  r.append(1, '\n').append(printed_name(type)).append(1, '[');
  for (int i = 0; i < rank; ++i) {
    const bool named = dims && dims[i].named();
    r += text_of({i ? ", " : "", named ? spelled(dims[i]).text : "", named ? "=" : "", extents[static_cast<std::size_t>(i)]});
  }
  r += ']';
  return r;
}
/// A tensor as text (from any device), its element type and extents in the last line: "[[1., 2.],\n [3., 4.]]\nfloat[2, 2]".
template <tensor_like X>
std::string to_string(const X& x, const print_options& options = {}) {
  return printed_tensor(X::type.type, X::type.d, x.extents(), x.data(), x.where(), options);
}
inline std::string to_string(const any_tensor& x, const print_options& options = {}) {
  return printed_tensor(x.dtype(), nullptr, x.extents(), x.data(), x.where(), options);
}

template <class Traits, tensor_like X>
std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out, const X& x) {
  return out << to_string(x);
}
template <class Traits>
std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out, const any_tensor& x) {
  return out << to_string(x);
}

}  // namespace thunder
