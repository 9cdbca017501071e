#pragma once
/// Dropout with an explicit key.
#include "random.hpp"

namespace thunder {

namespace ops {

/// (x: floating [...], key: i64 []) -> [...]: x / (1 - rate) where uniform(key) >= rate, else 0. words: the bits of the rate.
/// The backward pass draws the same numbers again, so no mask is stored.
struct dropout : composite_op<dropout> {
  static constexpr const char* name = "thunder.dropout";
  static constexpr void infer(const arguments& x, inference& r) {
    if (!is_floating(x[0].type)) return r.refuse(mistake::needs_floating);
    if (x[1].type != dtype::i64 || x[1].rank != 0) return r.refuse(mistake::key_shape, x[1].rank);
    r.result = x[0];
  }
  static constexpr value masked(auto x, auto key, std::int64_t rate) {
    const double p = std::bit_cast<double>(rate);
    const meta m = x.type().with(dtype::f32);
    const value keep = thunder::uniform_like(key, m) >= thunder::full_like(x.g, p, m);
    return thunder::where(keep, x * thunder::full_like(x.g, 1 / (1 - p), x.type()), 0_c);
  }
  static constexpr void decompose(auto c) { c.give(masked(c.operand(0), c.operand(1), c.word(0))); }
  static constexpr void vjp(auto& c) { c.contribute(0, masked(c.cotangent(), c.operand(1), c.word(0))); }
};

}  // namespace ops

/// Zeroes elements with probability `rate` (0.1_c; in [0, 1)) and scales the others by 1 / (1 - rate). Equal keys drop equal elements:
/// derive one for each use with fold_in. (x: floating [...], rate, key: i64 []) -> [...]
template <typed X, std::int64_t Rate, typed K> constexpr auto dropout(X x, number<Rate>, K key) {
  static_assert(number<Rate>::value >= 0 && number<Rate>::value < 1, "dropout: the rate is a probability from 0 to below 1, such as 0.1_c");
  if constexpr (number<Rate>::value == 0) return x;
  else return make<ops::dropout, words<Rate>>(x, key);
}

}  // namespace thunder
