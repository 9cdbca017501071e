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

/// "h.3" and ".keys" -> "h.3.keys"
template <fixed_string A, fixed_string Z> constexpr auto joined_name() {
  fixed_string<sizeof(A.text) + sizeof(Z.text) - 1> r;
  std::size_t n = 0;
  for (const char* s = A.text; *s; ++s) r.text[n++] = *s;
  for (const char* s = Z.text; *s; ++s) r.text[n++] = *s;
  return r;
}

}  // namespace thunder
