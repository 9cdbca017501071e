#pragma once
/// Non-owning views of contiguous row-major memory.
#include <cstring>
#include <initializer_list>
#include <span>
#include <type_traits>

#include "extents.hpp"
#include "storage.hpp"

namespace thunder {

template <element T, class Shape> class basic_tensor;
template <class T, class Shape> class basic_view;

/// A view of somebody's elements: tensor_view<float, B, 784> (mutable) or tensor_view<const float, B, 784>. Trivially
/// copyable; copying or assigning a view never copies elements. Equal shapes are equal types, however they are written.
/// To deduce a view in a template, write basic_view<T, shape<D...>>.
template <class T, auto... D> using tensor_view = basic_view<T, shape_t<D...>>;
/// A tensor that owns its elements; see tensor.hpp.
template <element T, auto... D> using tensor = basic_tensor<T, shape_t<D...>>;

template <class Shape> struct split_shape;
template <auto First, auto... Rest> struct split_shape<shape<First, Rest...>> {
  static constexpr dim first = dim(First);
  using rest = shape<Rest...>;
  template <dim New> using with_first = shape_t<New, Rest...>;
};

/// Throws the shape_error of an index outside [0, extent).
[[noreturn]] inline void throw_index(std::int64_t index, int axis, std::int64_t extent) {
  throw_error<shape_error>({"the index ", index, " is outside axis ", axis, ", whose extent is ", extent});
}

template <class T, auto... D>
class basic_view<T, shape<D...>> : public shaped<shape<D...>> {
  static_assert(element<std::remove_const_t<T>>,
                "a tensor's elements are float, double, std::int32_t, std::int64_t, bool, bf16 or f16");

 public:
  using base = shaped<shape<D...>>;
  using shape_type = shape<D...>;
  using value_type = std::remove_const_t<T>;
  static constexpr thunder::dtype dtype = dtype_of<value_type>;
  static constexpr meta type = make_meta<dtype_of<value_type>>(shape_type{});
  using base::rank, base::is_static, base::size;

  constexpr basic_view() = default;
  /// Views memory that holds the elements in row-major order; the sizes of named dimensions in order of first appearance.
  template <std::integral... I>
  explicit basic_view(T* data, I... extents) : base(bind_positional<shape_type>(extents...)), data_(data) {}
  /// The same with the sizes by name.
  basic_view(T* data, const bindings& b) : base(b), data_(data) {}
  /// The same with the sizes of a shape that has (at least) these names, of memory on a device.
  template <class Other>
  constexpr basic_view(T* data, const shaped<Other>& extents, device where = device::cpu) : base(extents), data_(data), where_(where) {}
  /// A mutable view is a constant view.
  template <class U>
    requires(std::is_const_v<T> && std::is_same_v<U, value_type>)
  constexpr basic_view(const basic_view<U, shape_type>& o) : base(o), data_(o.data()), where_(o.where()) {}

  constexpr T* data() const { return data_; }
  /// The device of the memory. Elements are read and written here only if that is the CPU: what is checked throws a device_error.
  constexpr device where() const { return where_; }
  constexpr std::span<T> span() const {
    if (where_ != device::cpu) require_cpu(where_, "span");
    return {data_, static_cast<std::size_t>(size())};
  }
  constexpr basic_view view() const { return *this; }

  /// The element at an index, one integer per axis, unchecked.
  template <std::integral... I>
  constexpr T& operator()(I... index) const {
    static_assert(sizeof...(I) == sizeof...(D), "an index has one integer per axis");
    std::int64_t at = 0;
    if constexpr (sizeof...(I) == sizeof...(D))
      ((at = at * base::template extent_of<dim(D)>() + static_cast<std::int64_t>(index)), ...);
    return data_[at];
  }
  /// The same, checked: throws a shape_error that names the index, the axis and its extent.
  template <std::integral... I>
  constexpr T& at(I... index) const {
    if (where_ != device::cpu) require_cpu(where_, "at");
    [[maybe_unused]] int axis = 0;
    [[maybe_unused]] auto check = [&](std::int64_t i, std::int64_t extent) {
      if (i < 0 || i >= extent) throw_index(i, axis, extent);
      ++axis;
    };
    if constexpr (sizeof...(I) == sizeof...(D))
      (check(static_cast<std::int64_t>(index), base::template extent_of<dim(D)>()), ...);
    return (*this)(index...);
  }
  /// x[i]: the sub-view at index i of the leading axis (an element if there is no other axis), unchecked.
  constexpr decltype(auto) operator[](std::int64_t i) const requires(sizeof...(D) > 0) {
    if constexpr (sizeof...(D) == 1) {
      return static_cast<T&>(data_[i]);
    } else {
      basic_view<T, typename split_shape<shape_type>::rest> row(data_, static_cast<const base&>(*this));
      return basic_view<T, typename split_shape<shape_type>::rest>(data_ + i * row.size(), row, where_);
    }
  }
  /// (x: [B, ...]) -> [end - begin, ...]: rows begin <= i < end of a leading named axis, for example a batch; the view's B is
  /// end - begin. Throws shape_error if the rows are not there.
  basic_view slice(std::int64_t begin, std::int64_t end) const requires(sizeof...(D) > 0) {
    constexpr dim lead = split_shape<shape_type>::first;
    static_assert(
        lead.size == 1 && lead.a && !lead.b && (((dim(D).a == lead.a) + (dim(D).b == lead.a) + (dim(D).c == lead.a)) + ...) == 1,
        "slice(begin, end) needs a leading axis with a name of its own: write slice<begin, end>() or reshape first");
    check_rows(begin, end);
    basic_view r(data_ + begin * row_size(), *this, where_);
    r.resize(base::named.find(lead.a), end - begin);
    return r;
  }
  /// (x: [n, ...]) -> [End - Begin, ...]: the same with extents known to the compiler.
  template <std::int64_t Begin, std::int64_t End>
  auto slice() const requires(sizeof...(D) > 0) {
    static_assert(0 <= Begin && Begin <= End, "a slice is begin <= end");
    check_rows(Begin, End);
    return basic_view<T, typename split_shape<shape_type>::template with_first<dim(End - Begin)>>(data_ + Begin * row_size(), *this, where_);
  }
  /// The same elements with other extents: x.reshape<B, 28, 28>(). Without arguments the new dimensions use the names of this
  /// shape; otherwise the arguments are the sizes of the new shape's names. Throws shape_error if the number of elements differs.
  template <auto... E, std::integral... I>
  auto reshape(I... extents) const {
    using to = shape_t<E...>;
    if constexpr (sizeof...(I) > 0) {
      basic_view<T, to> r(data_, extents...);
      r.where_ = where_;
      return check_count(r);
    } else {
      static_assert(((base::named.uses(dim(E)) == (dim(E).a != 0) + (dim(E).b != 0) + (dim(E).c != 0)) && ...),
                    "reshape to a new name needs its size: x.reshape<N, 4>(100)");
      static_assert(!is_static || (std::int64_t{1} * ... * dim(E).size) == (std::int64_t{1} * ... * dim(D).size),
                    "reshape keeps the number of elements");
      return check_count(basic_view<T, to>(data_, static_cast<const base&>(*this), where_));
    }
  }

  /// The one element. Throws shape_error if there is not exactly one.
  value_type item() const {
    if (size() != 1) throw_error<shape_error>({"item: a tensor ", this->printed(dtype), " has not exactly one element"});
    value_type x;
    copy_bytes(&x, device::cpu, data_, where_, sizeof x);
    return x;
  }
  constexpr operator value_type() const requires(sizeof...(D) == 0) { return where_ == device::cpu ? *data_ : item(); }

  /// Sets every element.
  constexpr void fill(value_type value) const requires(!std::is_const_v<T>) {
    if (where_ != device::cpu) require_cpu(where_, "fill");
    for (std::int64_t i = 0, n = size(); i < n; ++i) data_[i] = value;
  }
  /// Copies the elements of another view here. The two may overlap. Throws shape_error if the extents differ.
  void assign(const basic_view<const value_type, shape_type>& from) const requires(!std::is_const_v<T>) {
    if (!this->same_extents(from))
      throw_error<shape_error>({"assign: ", from.printed(dtype), " does not fit into ", this->printed(dtype)});
    const auto bytes = static_cast<std::size_t>(size()) * sizeof(T);
    if (where_ != device::cpu || from.where() != device::cpu) copy_bytes(data_, where_, from.data(), from.where(), bytes);
    else if (bytes) std::memmove(data_, from.data(), bytes);
  }
  /// A tensor with a copy of the elements, on the same device (tensor.hpp).
  basic_tensor<value_type, shape_type> copy() const { return to(where_); }
  /// A tensor with a copy of the elements, on the given device.
  basic_tensor<value_type, shape_type> to(device target) const {
    auto r = basic_tensor<value_type, shape_type>::uninitialised(static_cast<const base&>(*this), target);
    r.view().assign(*this);
    return r;
  }
  /// A tensor with the elements converted to U (tensor.hpp): x.cast<thunder::bf16>().
  template <element U>
  basic_tensor<U, shape_type> cast() const {
    require_cpu(where_, "cast");
    auto r = basic_tensor<U, shape_type>::uninitialised(static_cast<const base&>(*this));
    for (std::int64_t i = 0, n = size(); i < n; ++i) r.data()[i] = convert<U>(data_[i]);
    return r;
  }

 private:
  template <class, class> friend class basic_view;
  template <class U>
  static constexpr U convert(value_type x) {
    if constexpr (std::is_same_v<U, bf16> || std::is_same_v<U, f16>) return U(static_cast<float>(x));
    else if constexpr (std::is_same_v<value_type, bf16> || std::is_same_v<value_type, f16>)
      return static_cast<U>(static_cast<float>(x));
    else return static_cast<U>(x);
  }
  constexpr std::int64_t row_size() const {
    return shaped<typename split_shape<shape_type>::rest>(static_cast<const base&>(*this)).size();
  }
  void check_rows(std::int64_t begin, std::int64_t end) const {
    const auto n = base::template extent_of<split_shape<shape_type>::first>();
    if (begin < 0 || begin > end || end > n)
      throw_error<shape_error>({"slice: the rows ", begin, " to ", end, " are not within a leading axis of extent ", n});
  }
  template <class View>
  View check_count(View v) const {
    if (v.size() != size())
      throw_error<shape_error>({"reshape: ", this->printed(dtype), " has other elements than ", v.printed(dtype)});
    return v;
  }

  T* data_ = nullptr;
  device where_ = device::cpu;
};

/// A tensor or a view.
template <class X>
concept tensor_like = requires(const std::remove_cvref_t<X>& x) {
  typename std::remove_cvref_t<X>::shape_type;
  x.view().span();
};

/// Whether extents and all elements are equal (as numbers: NaN differs from itself, -0 equals 0).
template <tensor_like A, tensor_like B>
  requires(A::type == B::type)
bool operator==(const A& a, const B& b) {
  require_cpu(a.where(), "==");
  require_cpu(b.where(), "==");
  if (!a.same_extents(b)) return false;
  for (std::int64_t i = 0, n = a.size(); i < n; ++i)
    if (!(a.data()[i] == b.data()[i])) return false;
  return true;
}

/// Whether extents are equal and |a - b| <= atol + rtol * |b| for all elements (numpy's definition). Equal infinities are
/// close, NaN is close to nothing. The element types may differ.
template <tensor_like A, tensor_like B>
bool allclose(const A& a, const B& b, double rtol = 1e-5, double atol = 1e-8) {
  require_cpu(a.where(), "allclose");
  require_cpu(b.where(), "allclose");
  if (!a.same_extents(b)) return false;
  constexpr double most = 1.7976931348623157e308;
  for (std::int64_t i = 0, n = a.size(); i < n; ++i) {
    const double x = static_cast<double>(a.data()[i]), y = static_cast<double>(b.data()[i]);
    if (x == y) continue;
    const double gap = x < y ? y - x : x - y, size = y < 0 ? -y : y;
    if (!(gap <= atol + rtol * size) || gap > most) return false;
  }
  return true;
}

}  // namespace thunder
