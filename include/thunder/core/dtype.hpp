#pragma once
/// Element types and their promotion lattice.
#include <cstddef>
#include <cstdint>

#include "half.hpp"

namespace thunder {

enum class dtype : std::uint8_t { b8, i32, i64, f16, bf16, f32, f64 };
inline constexpr int dtype_count = 7;

constexpr bool is_floating(dtype t) { return t >= dtype::f16; }
constexpr bool is_integer(dtype t) { return t == dtype::i32 || t == dtype::i64; }

/// Bytes of one element.
constexpr int size_of(dtype t) {
  constexpr int bytes[]{1, 4, 8, 2, 2, 4, 8};
  return bytes[static_cast<int>(t)];
}

/// The name as C++ code spells it: "float", "thunder::bf16", ...
constexpr const char* cpp_name(dtype t) {
  constexpr const char* names[]{"bool", "std::int32_t", "std::int64_t", "thunder::f16", "thunder::bf16", "float", "double"};
  return names[static_cast<int>(t)];
}
/// The short name: "f32", "bf16", "bool", ...
constexpr const char* name_of(dtype t) {
  constexpr const char* names[]{"bool", "i32", "i64", "f16", "bf16", "f32", "f64"};
  return names[static_cast<int>(t)];
}

/// The type that holds both without losing the kind: bool < i32 < i64 < {f16, bf16} < f32 < f64; f16 with bf16 gives
/// f32, an integer with a floating type gives the floating type (the lattice of JAX and PyTorch).
constexpr dtype promote(dtype a, dtype b) {
  if (a == b) return a;
  const dtype low = a < b ? a : b, high = a < b ? b : a;
  return low == dtype::f16 && high == dtype::bf16 ? dtype::f32 : high;
}

template <class T> inline constexpr bool is_element = false;
template <class T> inline constexpr dtype dtype_of = dtype::f32;
template <dtype> struct element_type;
#define THUNDER_ELEMENT(Type, tag)                                     \
  template <> inline constexpr bool is_element<Type> = true;           \
  template <> inline constexpr dtype dtype_of<Type> = dtype::tag;      \
  template <> struct element_type<dtype::tag> { using type = Type; };
THUNDER_ELEMENT(bool, b8)
THUNDER_ELEMENT(std::int32_t, i32)
THUNDER_ELEMENT(std::int64_t, i64)
THUNDER_ELEMENT(f16, f16)
THUNDER_ELEMENT(bf16, bf16)
THUNDER_ELEMENT(float, f32)
THUNDER_ELEMENT(double, f64)
#undef THUNDER_ELEMENT

/// The C++ type of an element: element_t<dtype::f32> is float.
template <dtype T> using element_t = typename element_type<T>::type;
/// What can be the element of a tensor.
template <class T> concept element = is_element<T>;

}  // namespace thunder
