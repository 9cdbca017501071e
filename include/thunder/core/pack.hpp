#pragma once
/// Lists as types.
#include <cstdint>

namespace thunder {

/// A list of types.
template <class...> struct pack {};
/// A list of integers: the attributes of a statement (floating-point constants by the bits of a double).
template <std::int64_t...> struct words {};
/// A type as a value.
template <class T> struct type_c { using type = T; };

}  // namespace thunder
