#pragma once
/// Dimensions: an integer, a name bound when a program is called, or a product of them (a monomial).
#include <cstdint>
#include <initializer_list>

#include "digest.hpp"

namespace thunder {

/// Ten letters of six bits each: flat, ordered, usable inside a template argument.
constexpr std::uint64_t pack_name(const char* s) {
  std::uint64_t r = 0;
  for (int n = 0; *s; ++s, ++n) {
    if (n == 10) throw "a dimension's name has at most ten letters";
    const char c = *s;
    const int code = c >= 'a' && c <= 'z' ? c - 'a' + 1 : c >= 'A' && c <= 'Z' ? c - 'A' + 27 : c >= '0' && c <= '9' ? c - '0' + 53 : c == '_' ? 63 : 0;
    if (!code) throw "a dimension's name consists of letters, digits and underscores";
    r = r << 6 | static_cast<std::uint64_t>(code);
  }
  if (!r) throw "a dimension's name has at least one letter";
  return r;
}

/// size * a * b * c, the names in descending order (0: none).
///
///     inline constexpr auto B = thunder::dim("batch");
///     thunder::tensor<float, B, 784> images(128);          // 128 images
struct dim {
  std::int64_t size = 1;
  std::uint64_t a = 0, b = 0, c = 0;

  constexpr dim() = default;
  constexpr dim(int n) : size(n) {}
  constexpr dim(long n) : size(n) {}
  constexpr dim(long long n) : size(n) {}
  constexpr dim(unsigned n) : size(n) {}
  constexpr dim(unsigned long n) : size(static_cast<std::int64_t>(n)) {}
  constexpr explicit dim(const char* name) : a(pack_name(name)) {}
  /// All four numbers: how nvcc spells a dim that is a template argument in the code for the host.
  constexpr dim(std::int64_t n, std::uint64_t x, std::uint64_t y, std::uint64_t z) : size(n), a(x), b(y), c(z) {}

  constexpr bool operator==(const dim&) const = default;
  constexpr bool named() const { return a != 0; }
  constexpr bool is_one() const { return size == 1 && a == 0; }
};

constexpr dim operator*(dim x, dim y) {
  dim r(x.size * y.size);
  if (!x.a || !y.a) {  // nearly always
    const dim& named = x.a ? x : y;
    r.a = named.a, r.b = named.b, r.c = named.c;
    return r;
  }
  std::uint64_t s[6]{x.a, x.b, x.c, y.a, y.b, y.c};
  for (int i = 0; i < 6; ++i)
    for (int j = i + 1; j < 6; ++j)
      if (s[i] < s[j]) {
        const auto t = s[i];
        s[i] = s[j], s[j] = t;
      }
  if (s[3]) throw "a dimension is a product of at most three names";
  r.a = s[0], r.b = s[1], r.c = s[2];
  return r;
}

constexpr digest mix(digest h, const dim& d) {
  h = mix(h, static_cast<digest>(d.size));
  return d.a ? mix(mix(mix(h, d.a), d.b), d.c) : h;
}

/// A dimension as text ("4*batch*seq"), small enough to be a template argument: error messages show it.
struct dim_text {
  char text[40]{};
  constexpr bool operator==(const dim_text&) const = default;
};
constexpr dim_text spelled(const dim& d) {
  dim_text r;
  int n = 0;
  auto put = [&](char c) { if (n < 39) r.text[n++] = c; };
  if (d.size != 1 || !d.a) {
    char digits[20]{};
    int k = 0;
    std::int64_t v = d.size < 0 ? -d.size : d.size;
    do digits[k++] = static_cast<char>('0' + v % 10); while (v /= 10);
    if (d.size < 0) put('-');
    while (k) put(digits[--k]);
  }
  for (std::uint64_t s : {d.a, d.b, d.c}) {
    if (!s) break;
    if (n) put('*');
    char letters[10]{};
    int k = 0;
    for (; s; s >>= 6) {
      const int q = static_cast<int>(s & 63);
      letters[k++] = static_cast<char>(q < 27 ? 'a' + q - 1 : q < 53 ? 'A' + q - 27 : q < 63 ? '0' + q - 53 : '_');
    }
    while (k) put(letters[--k]);
  }
  return r;
}

/// The sizes of named dimensions: what a call binds.
struct bindings {
  static constexpr int room = 16;
  std::uint64_t names[room]{};
  std::int64_t sizes[room]{};
  int count = 0;

  /// The size bound to a name, or -1.
  constexpr std::int64_t find(std::uint64_t name) const {
    for (int i = 0; i < count; ++i)
      if (names[i] == name) return sizes[i];
    return -1;
  }
  /// The run-time extent of a dimension, or -1 if one of its names is unbound.
  constexpr std::int64_t extent(const dim& d) const {
    std::int64_t n = d.size;
    for (std::uint64_t s : {d.a, d.b, d.c})
      if (s) {
        const auto e = find(s);
        if (e < 0) return -1;
        n *= e;
      }
    return n;
  }
  constexpr bool bind(std::uint64_t name, std::int64_t size) {  // false: already bound to another size
    const auto e = find(name);
    if (e >= 0) return e == size;
    if (count == room) throw "a program has at most sixteen named dimensions";
    names[count] = name, sizes[count++] = size;
    return true;
  }
};

}  // namespace thunder
