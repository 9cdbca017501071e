#pragma once
// A region run the slow way: every value at every point of the iteration space, in double precision (integers and bools as
// themselves), with the ops' own scalar functions. What fused_loop must agree with.
#include <thunder/executors/cpu/region.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

namespace reference {

using namespace thunder;

template <dtype T>
using scalar = std::conditional_t<is_floating(T), double, std::conditional_t<T == dtype::b8, bool, std::int64_t>>;

template <dtype T>
double element(const void* p, std::int64_t i) {
  if constexpr (T == dtype::f16 || T == dtype::bf16)
    return static_cast<double>(static_cast<float>(static_cast<const element_t<T>*>(p)[i]));
  else
    return static_cast<double>(static_cast<const element_t<T>*>(p)[i]);
}

template <class Region>
struct run;
template <std::int64_t... E, class... I, int... OV, dtype... OT, unsigned... OM, class... S>
struct run<region<space<E...>, pack<I...>, pack<output<OV, OT, OM>...>, S...>> {
  static constexpr int dims = sizeof...(E), inputs = sizeof...(I);
  std::vector<std::int64_t> extent;
  std::int64_t points = 1;
  std::vector<std::vector<double>> value;  // [value][point]

  std::int64_t offset(std::int64_t point, unsigned mask) const {
    std::int64_t o = 0, stride = 1;
    for (int d = dims; d-- > 0; point /= extent[static_cast<std::size_t>(d)])
      if (mask >> d & 1) o += point % extent[static_cast<std::size_t>(d)] * stride, stride *= extent[static_cast<std::size_t>(d)];
    return o;
  }
  std::int64_t size(unsigned mask) const {
    std::int64_t n = 1;
    for (int d = 0; d < dims; ++d) n *= mask >> d & 1 ? extent[static_cast<std::size_t>(d)] : 1;
    return n;
  }
  template <dtype T, unsigned M>
  void add_input(input<T, M>, const void* p) {
    std::vector<double> v;
    for (std::int64_t k = 0; k < points; ++k) v.push_back(element<T>(p, offset(k, M)));
    value.push_back(v);
  }
  template <dtype T>
  static double rounded(double x) {
    if constexpr (T == dtype::bf16 || T == dtype::f16)
      return static_cast<double>(static_cast<float>(element_t<T>(static_cast<float>(x))));
    else if constexpr (T == dtype::b8)
      return x != 0;
    else if constexpr (is_integer(T))
      return std::trunc(x);
    else
      return x;
  }
  template <class Op, std::int64_t... W, dtype T, unsigned M, int... X>
  void add(s<Op, words<W...>, T, M, X...>) {
    using traits = cpu::region_traits<region<space<E...>, pack<I...>, pack<output<OV, OT, OM>...>, S...>>;
    constexpr auto types = [] {
      std::array<dtype, traits::values> t{};
      for (int k = 0; k < traits::values; ++k) t[static_cast<std::size_t>(k)] = traits::plan.value[k].type;
      return t;
    }();
    std::vector<double> v(static_cast<std::size_t>(points));
    const std::int64_t w[]{W..., 0};
    const int operand[]{X..., 0};
    if constexpr (std::is_same_v<Op, ops::full>) {
      for (double& x : v) x = rounded<T>(std::bit_cast<double>(w[0]));
    } else if constexpr (std::is_same_v<Op, ops::cast>) {
      for (std::size_t k = 0; k < v.size(); ++k) v[k] = rounded<T>(value[static_cast<std::size_t>(operand[0])][k]);
    } else if constexpr (Op::is_reduction) {
      const auto removed = static_cast<unsigned>(w[0]);
      std::vector<scalar<T>> sum(static_cast<std::size_t>(size(M)), Op::template identity<scalar<T>>());
      for (std::int64_t k = 0; k < points; ++k) {
        if (offset(k, ~(M | removed)) != 0) continue;
        auto& a = sum[static_cast<std::size_t>(offset(k, M))];
        a = Op::combine(a, static_cast<scalar<T>>(value[static_cast<std::size_t>(operand[0])][static_cast<std::size_t>(k)]));
      }
      for (std::int64_t k = 0; k < points; ++k)
        v[static_cast<std::size_t>(k)] = static_cast<double>(sum[static_cast<std::size_t>(offset(k, M))]);
    } else if constexpr (Op::is_indexed) {
      for (std::int64_t k = 0; k < points; ++k)
        v[static_cast<std::size_t>(k)] = static_cast<double>(Op::template evaluate<words<W...>, scalar<T>>(
            offset(k, static_cast<unsigned>(w[0])), static_cast<scalar<types[X]>>(value[X][static_cast<std::size_t>(k)])...));
    } else {
      for (std::size_t k = 0; k < v.size(); ++k)
        v[k] = static_cast<double>(Op::evaluate(static_cast<scalar<types[X]>>(value[X][k])...));
    }
    value.push_back(v);
  }
  run(const void* const* in, const std::int64_t* run_time) {
    for (std::int64_t e : {E...}) extent.push_back(e < 0 ? run_time[-1 - e] : e), points *= extent.back();
    int k = 0;
    (add_input(I{}, in[k++]), ...);
    (add(S{}), ...);
  }
  std::vector<double> result(int o) const {
    const int v[]{OV...};
    const unsigned m[]{OM...};
    std::vector<double> r(static_cast<std::size_t>(size(m[o])));
    for (std::int64_t k = 0; k < points; ++k)
      r[static_cast<std::size_t>(offset(k, m[o]))] = value[static_cast<std::size_t>(v[o])][static_cast<std::size_t>(k)];
    return r;
  }
};

template <dtype T>
void fill(std::vector<unsigned char>& bytes, std::int64_t n, std::mt19937& random) {
  bytes.resize(static_cast<std::size_t>(n * size_of(T)) + 64);
  for (std::int64_t k = 0; k < n; ++k) {
    element_t<T> x;
    if constexpr (T == dtype::b8)
      x = random() & 1;
    else if constexpr (is_integer(T))
      x = static_cast<element_t<T>>(random() % 11) - 3;
    else
      x = element_t<T>(std::uniform_real_distribution<float>(-2, 2)(random));
    std::memcpy(bytes.data() + k * size_of(T), &x, sizeof x);
  }
}

/// The largest difference between fused_loop and the reference, relative to the largest value (at least 1) of the output; where
/// memory beside an output changed, infinity.
template <class Region>
struct compare;
template <std::int64_t... E, dtype... IT, unsigned... IM, int... OV, dtype... OT, unsigned... OM, class... S>
struct compare<region<space<E...>, pack<input<IT, IM>...>, pack<output<OV, OT, OM>...>, S...>> {
  using Region = region<space<E...>, pack<input<IT, IM>...>, pack<output<OV, OT, OM>...>, S...>;
  static double difference(std::vector<std::int64_t> dims = {}) {
    std::mt19937 random(7);
    dims.push_back(0);
    auto size = [&](unsigned mask) {
      std::int64_t n = 1, d = 0;
      for (std::int64_t e : {E...}) n *= mask >> d++ & 1 ? (e < 0 ? dims[static_cast<std::size_t>(-1 - e)] : e) : 1;
      return n;
    };
    std::vector<std::vector<unsigned char>> in, out;
    ((in.emplace_back(), fill<IT>(in.back(), size(IM), random)), ...);
    (out.emplace_back(static_cast<std::size_t>(size(OM) * size_of(OT)) + 64, 0xA5), ...);
    std::vector<const void*> ins;
    std::vector<void*> outs;
    for (auto& b : in) ins.push_back(b.data());
    for (auto& b : out) outs.push_back(b.data());
    cpu::fused_loop<Region>::run(ins.data(), outs.data(), dims.data());
    const run<Region> expected(ins.data(), dims.data());
    double worst = 0;
    int o = 0;
    auto check = [&]<dtype T>(std::integral_constant<dtype, T>) {
      const auto e = expected.result(o);
      const auto& bytes = out[static_cast<std::size_t>(o++)];
      double scale = 1;
      for (double x : e) scale = std::max(scale, std::isfinite(x) ? std::abs(x) : 0);
      for (std::size_t k = 0; k < e.size(); ++k) {
        const double y = element<T>(bytes.data(), static_cast<std::int64_t>(k));
        const double d = e[k] == y || (e[k] != e[k] && y != y) ? 0 : std::abs(e[k] - y) / scale;
        worst = d <= worst ? worst : d != d ? 1e30 : d;
      }
      for (std::size_t k = e.size() * static_cast<std::size_t>(size_of(T)); k < bytes.size(); ++k)
        if (bytes[k] != 0xA5) worst = 1e30;
    };
    (check(std::integral_constant<dtype, OT>{}), ...);
    return worst;
  }
};

}  // namespace reference
