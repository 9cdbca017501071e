#pragma once
/// Tensors whose element type and extents are known at run time only: what a file or a state holds.
#include "tensor.hpp"

namespace thunder {

/// An owning tensor without a static type. Move-only; copies are written as x.copy().
class any_tensor {
 public:
  /// No elements: float[0].
  any_tensor() : rank_(1) {}
  /// Takes over a tensor's memory.
  template <class T, class Shape>
  any_tensor(basic_tensor<T, Shape>&& x) : type_(dtype_of<T>), rank_(shaped<Shape>::rank) {
    const auto e = x.extents();
    for (int i = 0; i < rank_; ++i) extents_[i] = e[static_cast<std::size_t>(i)];
    storage_ = std::move(x).release();
  }
  /// Elements of undefined value. Throws shape_error if there are more than six extents or one is negative.
  any_tensor(thunder::dtype type, std::span<const std::int64_t> extents, device where = device::cpu)
      : any_tensor(nothing{}, type, extents) {
    storage_ = storage::allocate(bytes(), where);
  }
  /// Adopts memory that holds the elements in row-major order. Throws shape_error as above, and if the storage has another number of bytes.
  any_tensor(thunder::dtype type, std::span<const std::int64_t> extents, storage&& s) : any_tensor(nothing{}, type, extents) {
    if (s.bytes() != bytes())
      throw_error<shape_error>({"a tensor ", printed(), " cannot adopt a storage of ", s.bytes(), " bytes"});
    storage_ = std::move(s);
  }
  any_tensor(any_tensor&&) noexcept = default;
  any_tensor& operator=(any_tensor&&) noexcept = default;

  thunder::dtype dtype() const { return type_; }
  int rank() const { return rank_; }
  std::int64_t extent(int axis) const { return extents_[axis]; }
  std::span<const std::int64_t> extents() const { return {extents_, static_cast<std::size_t>(rank_)}; }
  std::int64_t size() const {
    std::int64_t n = 1;
    for (int i = 0; i < rank_; ++i) n *= extents_[i];
    return n;
  }
  std::size_t bytes() const { return static_cast<std::size_t>(size()) * static_cast<std::size_t>(size_of(type_)); }
  void* data() { return storage_.data(); }
  const void* data() const { return storage_.data(); }
  device where() const { return storage_.where(); }
  /// "float[784, 512]".
  std::string printed() const { return printed_shape(type_, extents_, rank_); }

  /// A typed view: x.as<float, 784, 512>(). Named dimensions take their sizes from this tensor. Throws state_error if the element
  /// type differs, shape_error if the extents do not fit; `name` is how the message calls the tensor.
  template <element T, auto... D>
  tensor_view<T, D...> as(const std::string& name = {}) {
    return {static_cast<T*>(storage_.data()), shaped<shape_t<D...>>(check<T>(shape_t<D...>{}, name)), where()};
  }
  template <element T, auto... D>
  tensor_view<const T, D...> as(const std::string& name = {}) const {
    return {static_cast<const T*>(storage_.data()), shaped<shape_t<D...>>(check<T>(shape_t<D...>{}, name)), where()};
  }
  /// Moves the memory out into a typed tensor, checked like as().
  template <element T, auto... D>
  tensor<T, D...> take(const std::string& name = {}) && {
    const bindings b = check<T>(shape_t<D...>{}, name);
    tensor<T, D...> r(std::move(storage_), b);
    *this = any_tensor();
    return r;
  }
  /// Gives up the memory; the tensor is then empty.
  storage release() && {
    storage s = std::move(storage_);
    *this = any_tensor();
    return s;
  }
  any_tensor copy() const { return to(where()); }
  /// A copy on a device.
  any_tensor to(device target) const {
    any_tensor r(type_, extents(), target);
    copy_bytes(r.data(), target, data(), where(), bytes());
    return r;
  }
  /// Whether element type, extents and bytes are equal.
  bool operator==(const any_tensor& o) const {
    if (type_ != o.type_ || rank_ != o.rank_) return false;
    for (int i = 0; i < rank_; ++i)
      if (extents_[i] != o.extents_[i]) return false;
    require_cpu(where(), "==");
    require_cpu(o.where(), "==");
    return bytes() == 0 || std::memcmp(data(), o.data(), bytes()) == 0;
  }

 private:
  struct nothing {};
  any_tensor(nothing, thunder::dtype type, std::span<const std::int64_t> extents) : type_(type), rank_(static_cast<int>(extents.size())) {
    if (extents.size() > static_cast<std::size_t>(max_rank))
      throw_error<shape_error>({"a tensor has at most six dimensions, not ", extents.size()});
    for (int i = 0; i < rank_; ++i) extents_[i] = extents[static_cast<std::size_t>(i)];
    if (checked_count(extents_, rank_) < 0) throw_error<shape_error>({"a tensor cannot have the extents ", printed()});
  }
  template <class T, auto... D>
  bindings check(shape<D...>, const std::string& name) const {
    constexpr meta expected = make_meta<dtype_of<T>>(shape<D...>{});
    return check(expected, name);
  }
  bindings check(const meta& expected, const std::string& name) const {
    bindings b;
    const bool same_type = type_ == expected.type;
    if (same_type && rank_ == expected.rank && solve_extents(expected.d, rank_, extents_, b)) return b;
    const std::string what = text_of({name.empty() ? "the tensor" : "the tensor '", name, name.empty() ? " is " : "' is ", printed(), ", not ",
                                      printed_shape(expected.type, expected.d, expected.rank)});
    if (!same_type) throw state_error(what);
    throw shape_error(what);
  }

  thunder::dtype type_ = thunder::dtype::f32;
  int rank_ = 0;
  std::int64_t extents_[max_rank]{};
  storage storage_;
};

}  // namespace thunder
