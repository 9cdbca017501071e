#pragma once
/// Text as a template argument.
#include <cstddef>

namespace thunder {

template <std::size_t N> struct fixed_string {
  char text[N]{};
  constexpr fixed_string() = default;
  constexpr fixed_string(const char (&s)[N]) {
    for (std::size_t i = 0; i < N; ++i) text[i] = s[i];
  }
  constexpr bool empty() const { return N <= 1; }
};

}  // namespace thunder
