#include "../files.hpp"

#include <array>
#include <span>
#include <thunder/interop/mdspan.hpp>

using namespace thunder;

namespace {

constexpr auto B = dim("batch");
constexpr std::size_t dyn = static_cast<std::size_t>(-1);

/// std::mdspan as far as thunder sees it: static and dynamic extents, layout_right or layout_left, or strides of its own.
enum class layout { right, left, stride };
template <class T, layout L, class Index, std::size_t... E>
struct stand_in {
  using element_type = T;
  using reference = T&;
  using index_type = Index;
  static constexpr std::size_t rank() { return sizeof...(E); }
  static constexpr std::size_t static_extent(std::size_t i) {
    constexpr std::size_t e[]{E..., 0};
    return e[i];
  }
  template <class... I>
    requires(L != layout::stride && sizeof...(I) == sizeof...(E))
  stand_in(T* p, I... extents) : data(p), extents_{static_cast<Index>(extents)...} {
    Index dense = 1;
    for (std::size_t k = 0; k < rank(); ++k) {
      const std::size_t i = L == layout::left ? k : rank() - 1 - k;
      strides_[i] = dense, dense = static_cast<Index>(dense * extents_[i]);
    }
  }
  stand_in(T* p, std::array<Index, sizeof...(E)> extents, std::array<Index, sizeof...(E)> strides)
    requires(L == layout::stride)
      : data(p), extents_(extents), strides_(strides) {}
  Index extent(std::size_t i) const { return extents_[i]; }
  Index stride(std::size_t i) const { return strides_[i]; }
  T* data_handle() const { return data; }

  T* data;
  std::array<Index, sizeof...(E)> extents_{}, strides_{};
};
static_assert(mdspan_like<stand_in<float, layout::right, int, 2, dyn>>);
static_assert(mdspan_like<stand_in<const bf16, layout::left, std::size_t>>);
static_assert(!mdspan_like<stand_in<short, layout::right, int, 2>>);
static_assert(!mdspan_like<std::span<float>>);

/// The least that is one: a user's matrix, padded rows.
struct matrix {
  using element_type = const double;
  static constexpr int rank() { return 2; }
  long extent(std::size_t axis) const { return axis == 0 ? 2 : 3; }
  long stride(std::size_t axis) const { return axis == 0 ? pitch : 1; }
  const double* data_handle() const { return data; }
  const double* data;
  long pitch;
};
static_assert(mdspan_like<matrix>);

/// What an accessor computes is not an element in memory.
struct scaled : stand_in<float, layout::right, int, 2> {
  using reference = float;
};
static_assert(!mdspan_like<scaled>);

}  // namespace

TEST_CASE("views of an mdspan") {
  float elements[6]{1, 2, 3, 4, 5, 6};
  stand_in<float, layout::right, int, dyn, dyn> m(elements, 2, 3);
  auto x = view_mdspan<B, 3>(m);
  static_assert(std::is_same_v<decltype(x), tensor_view<float, B, 3>>);
  CHECK(x.extent_of<B>() == 2);
  x(1, 2) = 60;
  CHECK(elements[5] == 60);
  stand_in<const float, layout::right, std::size_t, 2, 3> c(elements, 2, 3);
  static_assert(std::is_same_v<decltype(view_mdspan(c)), tensor_view<const float, 2, 3>>);
  CHECK(view_mdspan(c).data() == elements);
  stand_in<float, layout::right, int> scalar(elements + 1);
  CHECK(view_mdspan(scalar).item() == 2);

  CHECK(message<shape_error>([&] { view_mdspan<3, 2>(m); }) == "the mdspan is float[2, 3], not float[3, 2]");
  CHECK(message<shape_error>([&] { view_mdspan<B, B>(m); }) == "the mdspan is float[2, 3], not float[batch, batch]");
  stand_in<float, layout::left, int, dyn, dyn> l(elements, 2, 3);
  CHECK(message<shape_error>([&] { view_mdspan<B, 3>(l); }) == "view_mdspan: the mdspan is not row-major; from_mdspan copies it");
  CHECK(view_mdspan<1, 6>(stand_in<float, layout::left, int, dyn, dyn>(elements, 1, 6)).data() == elements);
  CHECK(view_mdspan<0, 6>(stand_in<float, layout::left, int, dyn, dyn>(elements, 0, 6)).empty());
}

TEST_CASE("copies of an mdspan") {
  float elements[6]{1, 2, 3, 4, 5, 6};
  stand_in<const float, layout::left, int, 2, 3> l(elements, 2, 3);
  const tensor<float, 2, 3> x = from_mdspan(l);
  CHECK(x == tensor<float, 2, 3>{1, 3, 5, 2, 4, 6});
  stand_in<float, layout::stride, int, dyn, dyn> s(elements + 5, {2, 2}, {-3, -1});
  CHECK(from_mdspan<B, 2>(s) == tensor<float, B, 2>::from({6, 5, 3, 2}, 2));
  const double padded[8]{1, 2, 3, 0, 4, 5, 6, 0};
  CHECK(from_mdspan<2, 3>(matrix{padded, 4}) == tensor<double, 2, 3>{1, 2, 3, 4, 5, 6});
  CHECK(view_mdspan<2, 3>(matrix{padded, 3})(1, 0) == 0);
  CHECK(from_mdspan(stand_in<float, layout::right, int>(elements)).item() == 1);
  CHECK(message<shape_error>([&] { from_mdspan<B, 4>(s); }) == "the mdspan is float[2, 2], not float[batch, 4]");
}

TEST_CASE("an mdspan of a tensor") {
  tensor<float, B, 3> x = tensor<float, B, 3>::from({1, 2, 3, 4, 5, 6}, 2);
  auto m = to_mdspan<stand_in<float, layout::right, int, dyn, 3>>(x);
  CHECK((m.data_handle() == x.data() && m.extent(0) == 2 && m.extent(1) == 3 && m.stride(0) == 3));
  auto c = to_mdspan<stand_in<const float, layout::right, int, 3>>(std::as_const(x)[1]);
  CHECK((c.data_handle() == x.data() + 3 && c.extent(0) == 3));
  const auto fixed = [&] { to_mdspan<stand_in<float, layout::right, int, 4, 3>>(x); };
  CHECK(message<shape_error>(fixed) == "to_mdspan: the extent of axis 0 of float[2, 3] is not 4");
  const auto left = [&] { to_mdspan<stand_in<float, layout::left, int, dyn, dyn>>(x); };
  CHECK(message<shape_error>(left) == "to_mdspan: the mdspan's layout is not row-major, as tensors are");
  const tensor<bool, 200> many;
  const auto small = [&] { to_mdspan<stand_in<const bool, layout::right, signed char, dyn>>(many); };
  CHECK(message<shape_error>(small) == "to_mdspan: the mdspan's index type is too small for bool[200]");
  const tensor_view<float, 2> away(x.data(), bindings{});
  const basic_view<float, shape_t<2>> gpu(x.data(), shaped<shape_t<2>>(), device::cuda);
  CHECK_THROWS_AS((to_mdspan<stand_in<float, layout::right, int, 2>>(gpu)), device_error);
  CHECK(to_mdspan<stand_in<float, layout::right, int, 2>>(away).data_handle() == x.data());
}
