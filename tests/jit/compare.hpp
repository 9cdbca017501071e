#pragma once
// Compiled programs against the reference executor.
#include <thunder/executors/reference.hpp>
#include <thunder/thunder.hpp>

#include <cmath>
#include <map>
#include <string>
#include <vector>

namespace jit_tests {

using namespace thunder;

/// 3 sin(..): different numbers of both signs; for bool every third is true. A tensor whose named dimensions have the given sizes.
template <class T, auto... D, class... I> tensor<T, D...> wave(double start, I... sizes) {
  auto x = [&] {
    if constexpr (sizeof...(I) > 0) return tensor<T, D...>(sizes...);
    else return tensor<T, D...>();
  }();
  T* p = x.data();
  for (std::int64_t i = 0; i < x.size(); ++i) {
    const double v = 3 * std::sin(start + 1.7 * static_cast<double>(i));
    if constexpr (std::is_same_v<T, bool>) p[i] = (i + static_cast<int>(start)) % 3 == 0;
    else if constexpr (std::is_integral_v<T>) p[i] = static_cast<T>(v * 3);
    else p[i] = static_cast<T>(static_cast<float>(v));
  }
  return x;
}

/// The leaves of arguments or results.
template <class... A> std::vector<reference_array> leaves(const A&... a) {
  std::vector<reference_array> r;
  auto add = [&]<class X>(const X& x) {
    using E = typename argument_of<X>::expression;
    std::vector<dtype> types;
    [&]<class... L>(pack<L...>) { (types.push_back(L::element), ...); }(leaves_of<E>{});
    std::size_t at = 0;
    argument_of<X>::each(x, [&](const void* data, const std::int64_t* extents, const auto& shape, device) {
      r.push_back(to_reference(data, types[at++], extents, std::remove_cvref_t<decltype(shape)>::rank));
    });
  };
  (add(a), ...);
  return r;
}
inline std::map<std::string, reference_array, std::less<>> leaves(const state& s) {
  std::map<std::string, reference_array, std::less<>> r;
  for (const auto& [name, x] : s) r.emplace(name, to_reference(x.data(), x.dtype(), x.extents().data(), x.rank()));
  return r;
}

/// The largest difference, relative to 1 + the size of the number; infinity where types, extents or integers differ.
inline double difference(const reference_array& got, const reference_array& expected) {
  if (got.type != expected.type || got.extents != expected.extents || got.integers != expected.integers) return INFINITY;
  double d = 0;
  for (std::size_t i = 0; i < got.reals.size(); ++i) {
    const double x = got.reals[i], y = expected.reals[i];
    if (x == y || (x != x && y != y)) continue;
    const double e = std::abs(x - y) / (1 + std::abs(y));
    d = e <= d ? d : e != e ? INFINITY : e;
  }
  return d;
}
inline double difference(const std::vector<reference_array>& got, const std::vector<reference_array>& expected) {
  if (got.size() != expected.size()) return INFINITY;
  double d = 0;
  for (std::size_t k = 0; k < got.size(); ++k) d = std::max(d, difference(got[k], expected[k]));
  return d;
}

/// What f means for these arguments.
template <class F, class... A> std::vector<reference_array> meaning(F, const A&... a) {
  return interpret(trace_t<F, typename argument_of<A>::expression...>::body::view, leaves(a...));
}
template <class F, class... A> std::vector<reference_array> meaning(F, const state& s, const A&... a) {
  return interpret(trace_t<F, typename argument_of<A>::expression...>::body::view, leaves(a...), leaves(s));
}
/// How far the compiled program is from that.
template <class F, class... A> double error_of(F f, const A&... a) {
  auto program = jit(f);
  return difference(leaves(program(a...)), meaning(f, a...));
}

}  // namespace jit_tests
