#pragma once
// Helpers of tests that trace typed expressions and run them with the reference executor.
#include <thunder/executors/reference.hpp>
#include <thunder/ir/trace.hpp>

#include <cmath>
#include <vector>

namespace typed_tests {

using namespace thunder;

/// An argument of a trace, as a type: arg<float, B, 3>.
template <class T, auto... D> using arg = decltype(formal<62, 0, dtype_of<T>>(shape_t<D...>{}));

/// Whether an expression has this element type and shape.
template <class T, auto... D, class X> constexpr bool is(X) {
  if constexpr (expression<X>) return X::type == make_meta<dtype_of<T>>(shape_t<D...>{});
  else return false;
}

/// Any function of expressions, traced with arguments of types X... and run.
template <class... X, class F> std::vector<reference_array> run(F, const std::vector<reference_array>& inputs, const interpreter<>::parameter_map& parameters = {}) {
  return interpret(trace_t<F, X...>::body::view, inputs, parameters);
}
template <class... X, class F> std::vector<double> reals(F f, const std::vector<reference_array>& inputs, const interpreter<>::parameter_map& parameters = {}) {
  return run<X...>(f, inputs, parameters)[0].reals;
}
template <class... X, class F> std::vector<std::int64_t> integers(F f, const std::vector<reference_array>& inputs) { return run<X...>(f, inputs)[0].integers; }

/// Central differences of a scalar function of input `which`, element by element.
template <class... X, class F>
std::vector<double> differences(F f, std::vector<reference_array> inputs, std::size_t which, const interpreter<>::parameter_map& parameters = {}) {
  std::vector<double> r;
  for (std::size_t i = 0; i < inputs[which].reals.size(); ++i) {
    const double at = inputs[which].reals[i], h = 1e-5;
    inputs[which].reals[i] = at + h;
    const double up = reals<X...>(f, inputs, parameters)[0];
    inputs[which].reals[i] = at - h;
    const double down = reals<X...>(f, inputs, parameters)[0];
    inputs[which].reals[i] = at;
    r.push_back((up - down) / (2 * h));
  }
  return r;
}

using extents = std::vector<std::int64_t>;
inline reference_array array(extents e, std::vector<double> v, dtype t = dtype::f64) { return {t, std::move(e), std::move(v)}; }
inline reference_array whole(extents e, std::vector<std::int64_t> v, dtype t = dtype::i64) { return {t, std::move(e), std::move(v)}; }
inline reference_array scalar(double v, dtype t = dtype::f64) { return reference_array::scalar(v, t); }
/// 0.3 sin(1), 0.3 sin(2), ... times a scale: n tame numbers.
inline std::vector<double> wave(std::int64_t n, double scale = 1, double phase = 0) {
  std::vector<double> r;
  for (std::int64_t i = 0; i < n; ++i) r.push_back(scale * std::sin(1.7 * static_cast<double>(i) + 0.3 + phase));
  return r;
}

inline bool near(const std::vector<double>& a, const std::vector<double>& b, double tolerance = 1e-12) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!(std::abs(a[i] - b[i]) <= tolerance * (1 + std::abs(b[i])))) return false;
  return true;
}

}  // namespace typed_tests
