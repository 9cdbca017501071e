#pragma once
/// Tensors: contiguous, row-major, owning.
#include "file.hpp"
#include "storage.hpp"
#include "tensor_view.hpp"

namespace thunder {

/// A tensor that owns its elements. T is float, double, std::int32_t, std::int64_t, bool, bf16 or f16; each dimension is an
/// integer or a name. Move-only: copies are written as x.copy().
///
///     tensor<float, 2, 3> a{1, 2, 3, 4, 5, 6};
///     inline constexpr auto B = thunder::dim("batch");
///     tensor<float, B, 784> images(128);        // 128 images, zero
///     images[5](300) = 1;                       // image 5, pixel 300
///     tensor<float> rate = 0.1f;                // rank 0
///
/// tensor<T, D...> is an alias of basic_tensor<T, shape_t<D...>>, so equal shapes are equal types; to deduce a tensor in a
/// template, write basic_tensor<T, shape<D...>>. A moved-from tensor can only be assigned to or destroyed.
template <element T, auto... D>
class basic_tensor<T, shape<D...>> : public shaped<shape<D...>> {
  // bf16 and f16 are written as float literals
  using literal = std::conditional_t<std::is_same_v<T, bf16> || std::is_same_v<T, f16>, float, T>;

 public:
  using base = shaped<shape<D...>>;
  using shape_type = shape<D...>;
  using value_type = T;
  static constexpr thunder::dtype dtype = dtype_of<T>;
  static constexpr meta type = make_meta<dtype_of<T>>(shape_type{});
  using base::rank, base::is_static, base::size;

  /// Zero; every named dimension has the size 0.
  basic_tensor() : basic_tensor(bindings{}, false) {
    if constexpr (is_static) zero();
  }
  /// Zero, with the given sizes of the named dimensions in order of first appearance: tensor<float, B, T, 64> x(8, 1024).
  template <std::integral... I>
    requires(!base::is_static && sizeof...(I) > 0)
  explicit basic_tensor(I... extents) : basic_tensor(bind_positional<shape_type>(extents...)) {}
  /// Zero, with the sizes of the named dimensions by name (other names are ignored).
  explicit basic_tensor(const bindings& b) : basic_tensor(b, true) { zero(); }
  /// The elements in row-major order. Throws shape_error if their number is wrong.
  basic_tensor(std::initializer_list<literal> list) requires(base::is_static) : basic_tensor(bindings{}, true) { take(list); }
  /// A rank-0 tensor: tensor<float> rate = 0.1f.
  basic_tensor(literal value) requires(sizeof...(D) == 0) : basic_tensor(bindings{}, true) { *data() = T(value); }
  basic_tensor& operator=(literal value) requires(sizeof...(D) == 0) {
    const T x(value);
    copy_bytes(data(), where(), &x, device::cpu, sizeof x);
    return *this;
  }
  /// Adopts memory that holds the elements. Throws shape_error if it has another number of bytes than the shape.
  basic_tensor(storage&& s, const bindings& b) : base(b), storage_(std::move(s)) {
    if (storage_.bytes() != bytes())
      throw_error<shape_error>({"a tensor ", this->printed(dtype), " cannot adopt a storage of ", storage_.bytes(), " bytes"});
  }
  basic_tensor(basic_tensor&&) noexcept = default;
  basic_tensor& operator=(basic_tensor&&) noexcept = default;

  /// Elements of undefined value, with the extents of a shape that has (at least) these names.
  template <class Other>
  static basic_tensor uninitialised(const shaped<Other>& extents, device where = device::cpu) {
    basic_tensor r{nothing{}};
    static_cast<base&>(r) = base(extents);
    r.storage_ = storage::allocate(r.bytes(), where);
    return r;
  }
  /// Every element is `value`: full(0.5f) or, with named dimensions, full(0.5f, 128).
  template <std::integral... I>
  static basic_tensor full(literal value, I... extents) {
    basic_tensor r(bind_positional<shape_type>(extents...), true);
    r.view().fill(T(value));
    return r;
  }
  /// A copy of elements in row-major order. Throws shape_error if their number is wrong.
  template <std::integral... I>
  static basic_tensor from(std::span<const T> values, I... extents) {
    basic_tensor r(bind_positional<shape_type>(extents...), true);
    r.take(values);
    return r;
  }
  /// The same from a list: tensor<float, B, 2>::from({1, 2, 3, 4}, 2).
  template <std::integral... I>
  static basic_tensor from(std::initializer_list<literal> values, I... extents) {
    basic_tensor r(bind_positional<shape_type>(extents...), true);
    r.take(values);
    return r;
  }
  /// Reads a raw file of elements in row-major order, little endian. Throws io_error if it cannot be read or its size is wrong.
  template <std::integral... I>
  static basic_tensor read_file(const std::string& path, I... extents) {
    const base shape(bind_positional<shape_type>(extents...));
    file_reader file(path);
    const auto expected = static_cast<std::uint64_t>(shape.size()) * sizeof(T);
    if (file.size() != expected)
      file.fail(text_of({"has ", file.size(), " bytes, but ", shape.printed(dtype), " needs ", expected}));
    basic_tensor r = uninitialised(shape);
    file.read(r.data(), r.bytes());
    if constexpr (dtype == thunder::dtype::b8)
      if (!valid_bools(r.data(), r.bytes())) file.fail("holds a byte that is not a bool (0 or 1)");
    return r;
  }
  /// Writes the elements as a raw file, all or nothing. Throws io_error if that fails.
  void write_file(const std::string& path) const {
    if (where() != device::cpu) return to(device::cpu).write_file(path);
    file_writer file(path);
    file.write(data(), bytes());
    file.commit();
  }

  T* data() { return static_cast<T*>(storage_.data()); }
  const T* data() const { return static_cast<const T*>(storage_.data()); }
  /// The elements. Throws device_error if they are not on the CPU.
  std::span<T> span() { return view().span(); }
  std::span<const T> span() const { return view().span(); }
  /// The bytes of all elements.
  std::size_t bytes() const { return static_cast<std::size_t>(size()) * sizeof(T); }
  device where() const { return storage_.where(); }

  basic_view<T, shape_type> view() { return {data(), static_cast<const base&>(*this), where()}; }
  basic_view<const T, shape_type> view() const { return {data(), static_cast<const base&>(*this), where()}; }
  operator basic_view<T, shape_type>() { return view(); }
  operator basic_view<const T, shape_type>() const { return view(); }

  // As for views; see tensor_view.hpp.
  template <std::integral... I> T& operator()(I... index) { return view()(index...); }
  template <std::integral... I> const T& operator()(I... index) const { return view()(index...); }
  template <std::integral... I> T& at(I... index) { return view().at(index...); }
  template <std::integral... I> const T& at(I... index) const { return view().at(index...); }
  decltype(auto) operator[](std::int64_t i) requires(sizeof...(D) > 0) { return view()[i]; }
  decltype(auto) operator[](std::int64_t i) const requires(sizeof...(D) > 0) { return view()[i]; }
  auto slice(std::int64_t begin, std::int64_t end) { return view().slice(begin, end); }
  auto slice(std::int64_t begin, std::int64_t end) const { return view().slice(begin, end); }
  template <std::int64_t Begin, std::int64_t End> auto slice() { return view().template slice<Begin, End>(); }
  template <std::int64_t Begin, std::int64_t End> auto slice() const { return view().template slice<Begin, End>(); }
  template <auto... E, std::integral... I> auto reshape(I... extents) { return view().template reshape<E...>(extents...); }
  template <auto... E, std::integral... I> auto reshape(I... extents) const { return view().template reshape<E...>(extents...); }
  T item() const { return view().item(); }
  operator T() const requires(sizeof...(D) == 0) { return view(); }
  void fill(literal value) { view().fill(T(value)); }
  void assign(const basic_view<const T, shape_type>& from) { view().assign(from); }
  basic_tensor copy() const { return view().copy(); }
  /// A copy on a device: x.to(device::cuda). Throws device_error if the program has no such device, thunder::error if it has no memory.
  basic_tensor to(device target) const { return view().to(target); }
  template <element U> basic_tensor<U, shape_type> cast() const { return view().template cast<U>(); }

  /// Gives up the memory; the tensor is then moved-from.
  storage release() && { return std::move(storage_); }

 private:
  struct nothing {};
  explicit basic_tensor(nothing) {}
  basic_tensor(const bindings& b, bool sized) {
    if (sized || is_static) {
      if constexpr (!is_static) static_cast<base&>(*this) = base(b);
      storage_ = storage::allocate(bytes());
    }
  }
  void zero() {
    if (bytes()) std::memset(storage_.data(), 0, bytes());
  }
  template <class List>
  void take(const List& values) {
    if (static_cast<std::int64_t>(values.size()) != size())
      throw_error<shape_error>({"a tensor ", this->printed(dtype), " has ", size(), " elements, but ", values.size(), " values are given"});
    T* to = data();
    for (const auto& v : values) *to++ = T(v);
  }

  storage storage_;
};

}  // namespace thunder
