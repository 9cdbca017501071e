#pragma once
/// Fills tensors with initial values. A value depends on the key and its position only: not on threads, device or other tensors.
#include "../core/digest.hpp"
#include "../core/initialiser.hpp"
#include "../core/math.hpp"
#include "../core/philox.hpp"
#include "any_tensor.hpp"

namespace thunder {

/// The key of one parameter: adding or removing other parameters does not change it.
inline std::uint64_t parameter_key(std::uint64_t key, const std::string& name) { return mix(key, digest_of(name.c_str())); }

/// A normal distribution's two independent values from two uniform words (Box-Muller; at most 5.8 deviations from the mean).
struct normal_pair {
  float first, second;
  normal_pair(std::uint32_t a, std::uint32_t b) {
    const float radius = math::sqrt(-2.0f * math::log(1.0f - uniform01(a))), angle = 6.2831853071795864769f * uniform01(b);
    first = radius * math::cos(angle), second = radius * math::sin(angle);
  }
};

/// Calls f(i, words i ... i + 3 of the key) for i = 0, 4, ... below n: one Philox block a call.
template <class F>
void for_words(std::uint64_t key, std::int64_t n, F&& f) {
  for (std::int64_t i = 0; i < n; i += 4) {
    const auto block = static_cast<std::uint64_t>(i) >> 2;
    const auto r = philox<std::uint32_t>({low_word(block), high_word(block), 0, 0}, low_word(key), high_word(key));
    const std::uint32_t words[4]{r.x, r.y, r.z, r.w};  // = random_word(key, i), ...
    f(i, words);
  }
}

/// Fills n elements. Element i of a uniform distribution is made of random word i of the key; elements 2i and 2i + 1 of a
/// normal one of words 2i and 2i + 1.
template <element T>
void fill_elements(T* data, std::int64_t n, const initialiser& how, std::int64_t fan_in, std::int64_t fan_out,
                   std::uint64_t key) {
  auto set_all = [&](float v) {
    for (std::int64_t i = 0; i < n; ++i) data[i] = static_cast<T>(v);
  };
  if (how.kind == initialiser::zeros) return set_all(0);
  if (how.kind == initialiser::ones) return set_all(1);
  if (how.kind == initialiser::constant) return set_all(how.a);
  if constexpr (!is_floating(dtype_of<T>)) {
    throw_error<error>({"an initialiser that draws random numbers cannot fill a tensor of ", printed_name(dtype_of<T>)});
  } else {
    auto normal = [&](float mean, float deviation) {
      for_words(key, n, [&](std::int64_t i, const std::uint32_t* w) {
        const normal_pair p(w[0], w[1]), q(w[2], w[3]);
        const float four[]{p.first, p.second, q.first, q.second};
        for (std::int64_t k = 0; k < 4 && i + k < n; ++k) data[i + k] = static_cast<T>(mean + deviation * four[k]);
      });
    };
    auto uniform = [&](float low, float high) {
      for_words(key, n, [&](std::int64_t i, const std::uint32_t* w) {
        for (std::int64_t k = 0; k < 4 && i + k < n; ++k) data[i + k] = static_cast<T>(low + (high - low) * uniform01(w[k]));
      });
    };
    auto within = [&](double bound) { uniform(-static_cast<float>(bound), static_cast<float>(bound)); };
    auto fan = [](std::int64_t fans, const char* what) {
      if (fans <= 0) throw_error<shape_error>({"an initialiser needs a positive ", what, ", not ", fans});
      return static_cast<double>(fans);
    };
    const double a = how.a;
    switch (how.kind) {
      case initialiser::uniform: return uniform(how.a, how.b);
      case initialiser::normal: return normal(how.a, how.b);
      case initialiser::xavier_uniform: return within(a * math::sqrt(6 / fan(fan_in + fan_out, "fan_in + fan_out")));
      case initialiser::xavier_normal:
        return normal(0, static_cast<float>(a * math::sqrt(2 / fan(fan_in + fan_out, "fan_in + fan_out"))));
      case initialiser::kaiming_uniform: return within(math::sqrt(6 / ((1 + a * a) * fan(fan_in, "fan_in"))));
      case initialiser::kaiming_normal:
        return normal(0, static_cast<float>(math::sqrt(2 / ((1 + a * a) * fan(fan_in, "fan_in")))));
      case initialiser::fan_in_uniform: return within(a / math::sqrt(fan(fan_in, "fan_in")));
      default: throw error("an initialiser has an unknown rule");
    }
  }
}

/// Fills a tensor or a mutable view. fan_in and fan_out are the numbers of inputs and outputs of one unit of the layer, for the
/// initialisers that scale with them. Throws shape_error if they are needed and not positive, error if a random initialiser
/// meets an integer or bool tensor.
template <tensor_like X>
void fill(X&& x, const initialiser& how, std::int64_t fan_in, std::int64_t fan_out, std::uint64_t key) {
  fill_elements(x.data(), x.size(), how, fan_in, fan_out, key);
}
/// The same for a tensor whose type is known at run time.
inline void fill(any_tensor& x, const initialiser& how, std::int64_t fan_in, std::int64_t fan_out, std::uint64_t key) {
  auto go = [&]<class T>(T*) { fill_elements(static_cast<T*>(x.data()), x.size(), how, fan_in, fan_out, key); };
  switch (x.dtype()) {
    case dtype::b8: return go(static_cast<bool*>(nullptr));
    case dtype::i32: return go(static_cast<std::int32_t*>(nullptr));
    case dtype::i64: return go(static_cast<std::int64_t*>(nullptr));
    case dtype::f16: return go(static_cast<f16*>(nullptr));
    case dtype::bf16: return go(static_cast<bf16*>(nullptr));
    case dtype::f32: return go(static_cast<float*>(nullptr));
    case dtype::f64: return go(static_cast<double*>(nullptr));
  }
}

}  // namespace thunder
