#pragma once
/// std::mdspan (C++23), Kokkos' mdspan, and what looks like them, from and to tensors. This header includes none of them.
/// One dimension needs no more than the library: a tensor's elements are x.span(), and tensor_view<float, 2, 3>(s.data()) views a
/// std::span's.
#include <concepts>
#include <limits>

#include "../runtime/tensor.hpp"
#include "strided.hpp"

namespace thunder {

/// Whether m[i, j] is an element in memory, not something computed by an accessor.
template <class M>
constexpr bool refers_to_elements() {
  if constexpr (requires { typename M::reference; })
    return std::is_same_v<typename M::reference, typename M::element_type&>;
  else
    return true;
}

/// A view of several dimensions in memory of the CPU: element_type, rank(), extent(axis), stride(axis) in elements, data_handle()
/// a pointer.
template <class M>
concept mdspan_like = requires(const M& m, std::size_t axis) {
  requires element<std::remove_const_t<typename M::element_type>>;
  requires refers_to_elements<M>();
  { M::rank() } -> std::convertible_to<std::size_t>;
  { m.extent(axis) } -> std::convertible_to<std::int64_t>;
  { m.data_handle() } -> std::convertible_to<typename M::element_type*>;
} && (M::rank() == 0 || requires(const M& m, std::size_t axis) {
                        { m.stride(axis) } -> std::convertible_to<std::int64_t>;
                      });

template <class M>
inline constexpr auto mdspan_rank = static_cast<std::size_t>(M::rank());

/// The extent that an mdspan's type states, or -1.
template <class M>
constexpr std::int64_t static_extent_of([[maybe_unused]] std::size_t axis) {
  if constexpr (requires { M::static_extent(axis); }) {
    const std::size_t n = M::static_extent(axis);
    return n == static_cast<std::size_t>(-1) ? -1 : static_cast<std::int64_t>(n);  // std::dynamic_extent
  } else {
    return -1;
  }
}
template <class M, std::size_t... I>
constexpr auto static_shape(std::index_sequence<I...>) {
  static_assert(((static_extent_of<M>(I) >= 0) && ...),
                "the mdspan's extents are dynamic: say what they are, as in view_mdspan<B, 3>(m)");
  return shape<(static_extent_of<M>(I) < 0 ? 0 : static_extent_of<M>(I))...>();
}
/// The shape of the given dimensions or, without any, of the extents that the type states.
template <class M, auto... D>
constexpr auto shape_of_mdspan() {
  if constexpr (sizeof...(D) > 0)
    return shape_t<D...>();
  else
    return static_shape<M>(std::make_index_sequence<mdspan_rank<M>>());
}

/// The extents and strides of an mdspan as they are when the program runs.
template <mdspan_like M>
struct mdspan_layout {
  std::array<std::int64_t, mdspan_rank<M>> extents{}, strides{};

  explicit mdspan_layout(const M& m) {
    if constexpr (mdspan_rank<M> > 0)
      for (std::size_t i = 0; i < mdspan_rank<M>; ++i)
        extents[i] = static_cast<std::int64_t>(m.extent(i)), strides[i] = static_cast<std::int64_t>(m.stride(i));
  }
  bool is_row_major() const { return thunder::is_row_major(extents, strides); }
};

/// An mdspan's extents as the sizes of named dimensions. Throws shape_error if they do not fit the dimensions.
template <mdspan_like M, auto... D>
bindings bind_mdspan(const mdspan_layout<M>& m, shape<D...>) {
  static_assert(mdspan_rank<M> == sizeof...(D), "the mdspan has another number of dimensions");
  bindings b;
  if constexpr (mdspan_rank<M> == sizeof...(D)) {
    constexpr meta expected = make_meta<dtype_of<std::remove_const_t<typename M::element_type>>>(shape<D...>());
    if (!solve_extents(expected.d, expected.rank, m.extents.data(), b))
      throw shape_error("the mdspan is " + printed_shape(expected.type, m.extents.data(), expected.rank) + ", not " +
                        printed_shape(expected.type, expected.d, expected.rank));
  }
  return b;
}

/// (m) -> a tensor_view of its elements. Named dimensions take their sizes from it; without dimensions they are those that its
/// type states. Throws shape_error if the extents do not fit or the elements are not row-major.
///
///     void f(std::mdspan<const float, std::dextents<int, 2>> m) { auto x = view_mdspan<B, 784>(m); ... }
template <auto... D, mdspan_like M>
auto view_mdspan(const M& m) {
  using shape_type = decltype(shape_of_mdspan<M, D...>());
  const mdspan_layout<M> layout(m);
  const bindings b = bind_mdspan(layout, shape_type());
  if (!layout.is_row_major()) throw shape_error("view_mdspan: the mdspan is not row-major; from_mdspan copies it");
  return basic_view<typename M::element_type, shape_type>(m.data_handle(), b);
}

/// (m) -> a tensor with a copy of its elements, whatever its strides are (layout_left, layout_stride, padded rows).
/// Throws shape_error if the extents do not fit.
template <auto... D, mdspan_like M>
auto from_mdspan(const M& m) {
  using T = std::remove_const_t<typename M::element_type>;
  using shape_type = decltype(shape_of_mdspan<M, D...>());
  const mdspan_layout<M> layout(m);
  auto r = basic_tensor<T, shape_type>::uninitialised(shaped<shape_type>(bind_mdspan(layout, shape_type())));
  const typename M::element_type* data = m.data_handle();
  copy_strided(r.data(), data, layout.extents, layout.strides, sizeof(T));
  return r;
}

/// (x: a tensor or view on the CPU) -> an M of its elements, made of the pointer and all extents, as std::mdspan is. Throws
/// shape_error if M has another extent, an index type that is too small, or another layout than layout_right; device_error if x
/// is not on the CPU.
///
///     auto m = to_mdspan<std::mdspan<float, std::dextents<int, 2>>>(x);
template <mdspan_like M, tensor_like X>
M to_mdspan(X&& x) {
  constexpr std::size_t rank = std::remove_cvref_t<X>::rank;
  static_assert(std::is_lvalue_reference_v<X> || std::is_trivially_copyable_v<std::remove_cvref_t<X>>,
                "to_mdspan: the elements of a temporary tensor would be gone");
  static_assert(mdspan_rank<M> == rank, "to_mdspan: the mdspan has another number of dimensions");
  static_assert(std::is_convertible_v<decltype(x.data()), typename M::element_type*>,
                "to_mdspan: the mdspan has another element type, or the tensor is const and the mdspan's element type is not");
  require_cpu(x.where(), "to_mdspan");
  const auto extents = x.extents();
  for (std::size_t i = 0; i < rank; ++i)
    if (const auto n = static_extent_of<M>(i); n >= 0 && n != extents[i])
      throw shape_error("to_mdspan: the extent of axis " + std::to_string(i) + " of " + x.printed(std::remove_cvref_t<X>::dtype) +
                        " is not " + std::to_string(n));
  if constexpr (requires { typename M::index_type; })
    if (std::cmp_greater(x.size(), std::numeric_limits<typename M::index_type>::max()))
      throw shape_error("to_mdspan: the mdspan's index type is too small for " + x.printed(std::remove_cvref_t<X>::dtype));
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    static_assert(std::is_constructible_v<M, typename M::element_type*, decltype(extents[I])...>,
                  "to_mdspan: the mdspan cannot be made of a pointer and its extents (is its layout layout_stride?)");
    M m(x.data(), extents[I]...);
    if (!mdspan_layout<M>(m).is_row_major()) throw shape_error("to_mdspan: the mdspan's layout is not row-major, as tensors are");
    return m;
  }(std::make_index_sequence<rank>());
}

}  // namespace thunder
