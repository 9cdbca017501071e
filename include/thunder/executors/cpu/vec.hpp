#pragma once
/// vec<T, N>: N elements in a register, on the vector extension of GCC, clang and nvcc's host pass.
///
/// Arithmetic works lane by lane; a comparison gives a mask, vec<bool, N>. Every function is always inlined: translation units
/// with different -m flags share no copy of one. The extension's own type never appears as a parameter or template argument,
/// as its attribute would be dropped there; values are made by assignment to `v`.
#include <cstdint>
#include <type_traits>

#define THUNDER_INLINE [[gnu::always_inline]] inline

/// Bytes of a vector register of the machine that this translation unit is compiled for.
#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#define THUNDER_REGISTER_BYTES 64
#elif defined(__AVX2__)
#define THUNDER_REGISTER_BYTES 32
#else
#define THUNDER_REGISTER_BYTES 16
#endif

namespace thunder::cpu {

/// What a lane is stored as: a mask holds 0 or -1.
template <class T>
using lane = std::conditional_t<std::is_same_v<T, bool>, std::int32_t, T>;

template <class T, int N>
struct vec {
  static_assert((N & (N - 1)) == 0, "the number of lanes is a power of two");
  using element = T;
  static constexpr int lanes = N;
  typedef lane<T> type __attribute__((vector_size(N * sizeof(lane<T>))));
  type v;

  vec() = default;
  /// All lanes equal. (s - 0 keeps the sign of zero.)
  template <class S>
    requires std::is_arithmetic_v<S>
  THUNDER_INLINE explicit vec(S s) {
    if constexpr (std::is_same_v<T, bool>)
      v = (s ? -1 : 0) - type{};
    else
      v = static_cast<T>(s) - type{};
  }
  /// Lane by lane as static_cast does.
  template <class U>
    requires(!std::is_same_v<U, T>)
  THUNDER_INLINE explicit vec(const vec<U, N>& u);

  THUNDER_INLINE T operator[](int i) const { return static_cast<T>(v[i]); }
  THUNDER_INLINE void set(int i, T x) {
    if constexpr (std::is_same_v<T, bool>)
      v[i] = x ? -1 : 0;
    else
      v[i] = x;
  }
  THUNDER_INLINE vec& operator+=(const vec& o) { return *this = *this + o; }
  THUNDER_INLINE vec& operator-=(const vec& o) { return *this = *this - o; }
  THUNDER_INLINE vec& operator*=(const vec& o) { return *this = *this * o; }
  THUNDER_INLINE vec& operator/=(const vec& o) { return *this = *this / o; }
};

template <class X>
inline constexpr bool is_vec = false;
template <class T, int N>
inline constexpr bool is_vec<vec<T, N>> = true;

// ---- reinterpretation and conversion
/// The same bits as another type of equal size.
template <class To, class From>
THUNDER_INLINE To bits_as(const From& x) {
  return __builtin_bit_cast(To, x);
}

/// The lanes 0, 1, 2, ...
template <class T, int N>
THUNDER_INLINE vec<T, N> lane_numbers() {
  vec<T, N> r;
  for (int i = 0; i < N; ++i) r.v[i] = static_cast<T>(i);
  return r;
}

template <class To, class From, int N>
THUNDER_INLINE vec<To, N> convert(const vec<From, N>& x) {
  if constexpr (std::is_same_v<To, From>)
    return x;
  else {
    vec<To, N> r;
    if constexpr (std::is_same_v<To, bool>) {
      if constexpr (sizeof(From) == 4)
        r.v = x.v != 0;
      else
        r.v = __builtin_convertvector(x.v != 0, typename vec<bool, N>::type);
    } else if constexpr (std::is_same_v<From, bool>) {
      r.v = __builtin_convertvector(x.v & 1, typename vec<To, N>::type);
    } else {
      r.v = __builtin_convertvector(x.v, typename vec<To, N>::type);
    }
    return r;
  }
}
template <class T, int N>
template <class U>
  requires(!std::is_same_v<U, T>)
THUNDER_INLINE vec<T, N>::vec(const vec<U, N>& u) : v(convert<T>(u).v) {}

// ---- arithmetic. Signed integers wrap around: they are computed as unsigned ones.
template <class T, int N>
struct wrapping : vec<T, N> {};
template <class T, int N>
  requires(std::is_integral_v<T> && std::is_signed_v<T>)
struct wrapping<T, N> : vec<std::make_unsigned_t<T>, N> {};

#define THUNDER_BINARY(op)                                                       \
  template <class T, int N>                                                      \
  THUNDER_INLINE vec<T, N> operator op(const vec<T, N>& a, const vec<T, N>& b) { \
    using type = typename wrapping<T, N>::type;                                  \
    vec<T, N> r;                                                                 \
    r.v = (typename vec<T, N>::type)((type)a.v op(type) b.v);                    \
    return r;                                                                    \
  }
THUNDER_BINARY(+)
THUNDER_BINARY(-)
THUNDER_BINARY(*)
THUNDER_BINARY(&)
THUNDER_BINARY(|)
THUNDER_BINARY(^)
#undef THUNDER_BINARY

/// Integers divide lane by lane and never trap: x / 0 is 0, and the most negative number by -1 is itself.
template <class T, int N>
THUNDER_INLINE vec<T, N> operator/(const vec<T, N>& a, const vec<T, N>& b) {
  vec<T, N> r;
  if constexpr (std::is_floating_point_v<T>)
    r.v = a.v / b.v;
  else
    for (int i = 0; i < N; ++i) {
      const T x = a.v[i], d = b.v[i];
      if constexpr (std::is_signed_v<T>)
        r.v[i] = d == 0 ? T(0) : d == T(-1) ? static_cast<T>(0 - static_cast<std::make_unsigned_t<T>>(x)) : x / d;
      else
        r.v[i] = d == 0 ? T(0) : x / d;
    }
  return r;
}
/// The rest of the division above; x % 0 is x.
template <class T, int N>
  requires std::is_integral_v<T>
THUNDER_INLINE vec<T, N> operator%(const vec<T, N>& a, const vec<T, N>& b) {
  return a - a / b * b;
}

template <class T, int N>
THUNDER_INLINE vec<T, N> operator-(const vec<T, N>& a) {
  vec<T, N> r;
  r.v = (typename vec<T, N>::type)(-(typename wrapping<T, N>::type)a.v);
  return r;
}
template <class T, int N>
THUNDER_INLINE vec<T, N> operator+(const vec<T, N>& a) {
  return a;
}
template <class T, int N>
THUNDER_INLINE vec<T, N> operator~(const vec<T, N>& a) {
  vec<T, N> r;
  r.v = ~a.v;
  return r;
}
template <class T, int N>
THUNDER_INLINE vec<T, N> operator<<(const vec<T, N>& a, int n) {
  vec<T, N> r;
  r.v = a.v << n;
  return r;
}
template <class T, int N>
THUNDER_INLINE vec<T, N> operator>>(const vec<T, N>& a, int n) {
  vec<T, N> r;
  r.v = a.v >> n;
  return r;
}

// ---- masks
#define THUNDER_COMPARISON(op)                                                      \
  template <class T, int N>                                                         \
  THUNDER_INLINE vec<bool, N> operator op(const vec<T, N>& a, const vec<T, N>& b) { \
    vec<bool, N> r;                                                                 \
    if constexpr (sizeof(lane<T>) == 4)                                             \
      r.v = a.v op b.v;                                                             \
    else                                                                            \
      r.v = __builtin_convertvector(a.v op b.v, typename vec<bool, N>::type);       \
    return r;                                                                       \
  }
THUNDER_COMPARISON(==)
THUNDER_COMPARISON(!=)
#undef THUNDER_COMPARISON
// false < true, though a mask holds -1 for true
#define THUNDER_COMPARISON(op)                                                      \
  template <class T, int N>                                                         \
  THUNDER_INLINE vec<bool, N> operator op(const vec<T, N>& a, const vec<T, N>& b) { \
    vec<bool, N> r;                                                                 \
    if constexpr (std::is_same_v<T, bool>)                                          \
      r.v = b.v op a.v;                                                             \
    else if constexpr (sizeof(lane<T>) == 4)                                        \
      r.v = a.v op b.v;                                                             \
    else                                                                            \
      r.v = __builtin_convertvector(a.v op b.v, typename vec<bool, N>::type);       \
    return r;                                                                       \
  }
THUNDER_COMPARISON(<)
THUNDER_COMPARISON(<=)
THUNDER_COMPARISON(>)
THUNDER_COMPARISON(>=)
#undef THUNDER_COMPARISON

template <int N>
THUNDER_INLINE vec<bool, N> operator!(const vec<bool, N>& a) {
  return ~a;
}
template <int N>
THUNDER_INLINE vec<bool, N> operator&&(const vec<bool, N>& a, const vec<bool, N>& b) {
  return a & b;
}
template <int N>
THUNDER_INLINE vec<bool, N> operator||(const vec<bool, N>& a, const vec<bool, N>& b) {
  return a | b;
}

/// m ? a : b.
template <class T, int N>
THUNDER_INLINE vec<T, N> select(const vec<bool, N>& m, const vec<T, N>& a, const vec<T, N>& b) {
  vec<T, N> r;
  if constexpr (sizeof(lane<T>) == 4)
    r.v = m.v ? a.v : b.v;
  else
    r.v = __builtin_convertvector(m.v, typename vec<std::int64_t, N>::type) ? a.v : b.v;
  return r;
}
/// Whether the mask holds anywhere.
template <int N>
THUNDER_INLINE bool any(const vec<bool, N>& m) {
  if constexpr (N == 2)
    return (m.v[0] | m.v[1]) != 0;
  else {
    const auto w = bits_as<vec<std::int64_t, N / 2>>(m);
    std::int64_t r = 0;
    for (int i = 0; i < N / 2; ++i) r |= w.v[i];
    return r != 0;
  }
}

// ---- the words of Philox (core/philox.hpp finds these)
template <int N>
THUNDER_INLINE vec<std::uint32_t, N> low_word(const vec<std::int64_t, N>& x) {
  return convert<std::uint32_t>(x);
}
template <int N>
THUNDER_INLINE vec<std::uint32_t, N> high_word(const vec<std::int64_t, N>& x) {
  return convert<std::uint32_t>(convert<std::uint64_t>(x) >> 32);
}
/// The upper 32 bits of the product with a constant, from the products of the even and of the odd lanes.
template <int N>
THUNDER_INLINE vec<std::uint32_t, N> high_product(const vec<std::uint32_t, N>& a, std::uint32_t m) {
  using wide = vec<std::uint64_t, N / 2>;
  const wide pairs = bits_as<wide>(a), low(0xffffffffu);
  const wide even = (pairs & low) * wide(m), odd = (pairs >> 32) * wide(m);
  return bits_as<vec<std::uint32_t, N>>((even >> 32) | (odd & ~low));
}
template <int N>
THUNDER_INLINE vec<std::uint32_t, N> choose_word(const vec<bool, N>& c, const vec<std::uint32_t, N>& a,
                                                 const vec<std::uint32_t, N>& b) {
  return select(c, a, b);
}
/// float(x), for x < 2^31.
template <int N>
THUNDER_INLINE vec<float, N> to_float(const vec<std::uint32_t, N>& x) {
  return convert<float>(convert<std::int32_t>(x));
}

}  // namespace thunder::cpu
