#pragma once
/// The run-time extents of a shape: integers are known from the type, only the sizes of named dimensions are stored.
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>

#include "../core/dim.hpp"
#include "../core/dtype.hpp"
#include "../core/error.hpp"
#include "../core/shape.hpp"

namespace thunder {

/// An element type as messages and prints name it: "float", "bf16", "int32", ...
constexpr const char* printed_name(dtype t) {
  constexpr const char* names[]{"bool", "int32", "int64", "f16", "bf16", "float", "double"};
  return names[static_cast<int>(t)];
}
/// "float[2, 3]" from run-time extents.
[[gnu::cold]] inline std::string printed_shape(dtype t, const std::int64_t* extents, int rank) {
  std::string r = printed_name(t);
  for (int i = 0; i < rank; ++i) r += text_of({i ? ", " : "[", extents[i]});
  r += rank ? "]" : "[]";
  return r;
}
/// "float[batch, 3]" from dimensions.
[[gnu::cold]] inline std::string printed_shape(dtype t, const dim* d, int rank) {
  std::string r = printed_name(t);
  for (int i = 0; i < rank; ++i) r.append(i ? ", " : "[").append(spelled(d[i]).text);
  r += rank ? "]" : "[]";
  return r;
}
/// A packed name as text: "batch".
[[gnu::cold]] inline std::string printed_dim(std::uint64_t name) {
  dim d;
  d.a = name;
  return spelled(d).text;
}

/// Binds a name or throws a shape_error that names the dimension, both sizes, and `argument`.
inline void bind_size(bindings& b, std::uint64_t name, std::int64_t size, const char* argument = "the argument") {
  if (size < 0)
    throw_error<shape_error>({argument, ": the dimension '", printed_dim(name), "' cannot have the size ", size});
  const auto bound = b.find(name);
  if (bound < 0 && b.count == bindings::room)
    throw_error<shape_error>({argument, ": a program has at most sixteen named dimensions"});
  if (!b.bind(name, size))
    throw_error<shape_error>({argument, ": the dimension '", printed_dim(name), "' has the size ", size, " here, but the size ", bound, " elsewhere"});
}

/// Sizes by name, for shapes whose names have no obvious order: tensor<float, B * S> x(sizes({{B, 2}, {S, 8}})).
inline bindings sizes(std::initializer_list<std::pair<dim, std::int64_t>> list) {
  bindings b;
  for (const auto& [d, n] : list) {
    if (d.size != 1 || !d.a || d.b)
      throw_error<shape_error>({"sizes: '", spelled(d).text, "' is not the name of a dimension"});
    bind_size(b, d.a, n, "sizes");
  }
  return b;
}

/// a * b, or a negative number if that does not fit or one is negative.
constexpr std::int64_t checked_product(std::int64_t a, std::int64_t b) {
  std::int64_t r = 0;
  return a < 0 || b < 0 || __builtin_mul_overflow(a, b, &r) ? -1 : r;
}
/// The number of elements, or a negative number if an extent is negative or the bytes do not fit (at most eight an element,
/// extents of 0 left out, so that no partial product overflows).
constexpr std::int64_t checked_count(const std::int64_t* extents, int rank) {
  std::int64_t n = 8;
  bool none = false;
  for (int i = 0; i < rank; ++i)
    if (extents[i] == 0) none = true;
    else n = checked_product(n, extents[i]);
  return n < 0 ? -1 : none ? 0 : n / 8;
}

/// Finds the sizes of the names in dimensions `d` from run-time extents. False if they do not fit, or leave a name open.
inline bool solve_extents(const dim* d, int rank, const std::int64_t* extents, bindings& b) {
  for (int i = 0; i < rank; ++i)  // plain names first: they make products solvable
    if (d[i].size == 1 && d[i].a && !d[i].b && (extents[i] < 0 || b.count == bindings::room || !b.bind(d[i].a, extents[i])))
      return false;
  for (int pass = 0; pass < rank; ++pass)
    for (int i = 0; i < rank; ++i) {
      std::int64_t known = d[i].size;
      std::uint64_t open = 0;
      int times = 0;
      for (std::uint64_t name : {d[i].a, d[i].b, d[i].c}) {
        if (!name) continue;
        if (const auto e = b.find(name); e >= 0) known = checked_product(known, e);
        else if (!open || open == name) open = name, ++times;
        else times = 99;
      }
      if (!open || times != 1 || known <= 0) continue;
      if (extents[i] % known || b.count == bindings::room) return false;
      b.bind(open, extents[i] / known);
    }
  for (int i = 0; i < rank; ++i)
    if (extents[i] < 0 || b.extent(d[i]) != extents[i]) return false;
  return true;
}

/// The distinct names of some dimensions in order of first appearance. `positional`: that order is evident, as no
/// dimension introduces two names at once.
struct name_list {
  std::uint64_t names[3 * max_rank]{};
  int count = 0;
  bool positional = true;

  constexpr int find(std::uint64_t name) const {
    for (int i = 0; i < count; ++i)
      if (names[i] == name) return i;
    return -1;
  }
  constexpr int uses(const dim& d) const {
    int n = 0;
    for (std::uint64_t s : {d.a, d.b, d.c}) n += s && find(s) >= 0;
    return n;
  }
  constexpr void add(const dim& d) {
    const int before = count;
    for (std::uint64_t s : {d.a, d.b, d.c})
      if (s && find(s) < 0) names[count++] = s;
    positional = positional && count - before < 2;
  }
};

template <int N> struct named_sizes {
  std::int64_t value[N]{};
  constexpr std::int64_t get(int i) const { return value[i]; }
  constexpr void set(int i, std::int64_t n) { value[i] = n; }
};
template <> struct named_sizes<0> {
  constexpr std::int64_t get(int) const { return 0; }
  constexpr void set(int, std::int64_t) {}
};

/// What tensors and views share: rank, extents, size. Empty if no dimension is named.
template <class Shape> class shaped;
template <auto... D>
class shaped<shape<D...>> {
  static_assert(sizeof...(D) <= max_rank, "a tensor has at most six dimensions");
  static_assert(((dim(D).size >= 0) && ...), "a dimension is not negative");

  static constexpr name_list collect() {
    name_list l;
    (l.add(dim(D)), ...);
    return l;
  }

 public:
  using shape_type = shape<D...>;
  static constexpr int rank = sizeof...(D);
  /// The names whose sizes are stored.
  static constexpr name_list named = collect();
  static constexpr bool is_static = named.count == 0;

  /// Every named dimension has the size 0.
  constexpr shaped() = default;
  /// Takes the sizes of the names from `b`. Throws shape_error if one is missing or the tensor would be too large.
  explicit shaped(const bindings& b) {
    if constexpr (!is_static) {
      for (int i = 0; i < named.count; ++i) {
        const auto n = b.find(named.names[i]);
        if (n < 0) throw_error<shape_error>({"the dimension '", printed_dim(named.names[i]), "' has no size"});
        sizes_.set(i, n);
      }
      const dim dims[]{dim(D)...};
      std::int64_t e[rank];
      for (int i = 0; i < rank; ++i) {
        const std::uint64_t names[]{dims[i].a, dims[i].b, dims[i].c};  // nvcc cannot loop over a braced list in a template
        e[i] = dims[i].size;
        for (const auto s : names)
          if (s) e[i] = checked_product(e[i], b.find(s));
      }
      if (checked_count(e, rank) < 0) throw shape_error("a tensor of these extents has more bytes than memory can have");
    }
  }
  /// Takes the sizes of the names from a shape that has at least those names.
  template <class Other>
  constexpr explicit shaped(const shaped<Other>& o) {
    if constexpr (!is_static)
      for (int i = 0; i < named.count; ++i) sizes_.set(i, o.size_of_name(named.names[i]));
  }

  /// The extent of an axis, 0 <= axis < rank.
  constexpr std::int64_t extent(int axis) const { return extents()[static_cast<std::size_t>(axis)]; }
  /// All extents.
  constexpr std::array<std::int64_t, sizeof...(D)> extents() const { return {extent_of<dim(D)>()...}; }
  /// The number of elements.
  constexpr std::int64_t size() const { return (std::int64_t{1} * ... * extent_of<dim(D)>()); }
  constexpr bool empty() const { return size() == 0; }
  /// The extent of a dimension whose names this shape has: x.extent_of<B>().
  template <dim E>
  constexpr std::int64_t extent_of() const {
    std::int64_t n = E.size;
    if constexpr (E.a != 0) n *= size_of_name(E.a);
    if constexpr (E.b != 0) n *= size_of_name(E.b);
    if constexpr (E.c != 0) n *= size_of_name(E.c);
    return n;
  }
  /// The size of a packed name that this shape has.
  constexpr std::int64_t size_of_name(std::uint64_t name) const { return sizes_.get(named.find(name)); }
  /// Adds the sizes of the named dimensions to `b`. Throws a shape_error that names the dimension, both sizes and
  /// `argument` if a name has another size there.
  void bind(bindings& b, const char* argument = "the argument") const {
    for (int i = 0; i < named.count; ++i) bind_size(b, named.names[i], sizes_.get(i), argument);
  }
  template <class Other>
  constexpr bool same_extents(const shaped<Other>& o) const {
    if constexpr (rank != shaped<Other>::rank) return false;
    else return extents() == o.extents();
  }
  /// "float[128, 784]" for messages.
  std::string printed(dtype t) const { return printed_shape(t, extents().data(), rank); }

 protected:
  constexpr void resize(int name, std::int64_t n) { sizes_.set(name, n); }

 private:
  [[no_unique_address]] named_sizes<named.count> sizes_;
};

/// The bindings of positional extents: one for each name of `Shape`, in order of first appearance.
template <class Shape, std::integral... I>
bindings bind_positional(I... extents) {
  using s = shaped<Shape>;
  static_assert(sizeof...(I) == static_cast<std::size_t>(s::named.count),
                "give one extent for each named dimension of the tensor, in order of first appearance, and none for the others");
  static_assert(s::named.positional || sizeof...(I) != static_cast<std::size_t>(s::named.count),
                "a product of names has no evident order: give the extents by name, with sizes({{B, 2}, {S, 8}})");
  bindings b;
  if constexpr (sizeof...(I) > 0 && sizeof...(I) == static_cast<std::size_t>(s::named.count)) {
    int i = 0;
    (bind_size(b, s::named.names[i++], static_cast<std::int64_t>(extents), "the extents"), ...);
  }
  return b;
}

}  // namespace thunder
