#pragma once
// Operands of rotate_pairs, and what is right for them.
#include "cpu/arrays.hpp"

#include <cmath>
#include <string>

namespace thunder::ops {
struct rotate_pairs;
}

namespace rotation_tests {

using namespace steps;
namespace ops = thunder::ops;

struct sample {
  extents x, rows;  // the shape of x; of the tables, without the last dimension
  std::string text(dtype t, std::int64_t style, std::int64_t back) const {
    std::string s = thunder::name_of(t);
    s += " [";
    for (const auto e : x) s.append(" ").append(std::to_string(e));
    s += " ] by [";
    for (const auto e : rows) s.append(" ").append(std::to_string(e));
    return s.append(" ], ").append(style ? "halves" : "neighbours").append(back ? ", back" : "");
  }
};
/// Rows of whole packets and others; tables for every row, and shared along the first, middle and last dimensions; nothing at all.
inline const sample samples[]{{{64}, {}},           {{6}, {}},
                              {{5, 16}, {5}},       {{5, 16}, {1}},
                              {{7, 10}, {}},        {{3, 5, 4, 32}, {5, 1}},
                              {{3, 5, 4, 32}, {5, 4}}, {{2, 9, 7, 34}, {2, 1, 7}},
                              {{2, 3, 5, 48}, {2, 3, 5}}, {{9, 3, 5, 2}, {9, 1, 1}},
                              {{2, 3, 2, 3, 2, 8}, {3, 1, 3, 1}}, {{3, 1, 40, 16}, {3, 1, 1}},
                              {{2, 33, 6, 128}, {33, 1}}, {{2, 6, 33, 64}, {33}},
                              {{4, 0, 8}, {}},      {{4, 3, 0}, {3}},
                              {{1, 1, 1, 24}, {1}}};

class operands {
 public:
  operands(const sample& c, dtype t) : x(t, c.x), cosine(table(c, t)), sine(table(c, t)) {
    x.fill([](std::int64_t) { return static_cast<double>(random(-1000, 1000)) / 300; });
    for (std::int64_t i = 0; i < cosine.count(); ++i) {
      const double angle = static_cast<double>(random(-3000, 3000)) / 500;
      cosine.set(i, std::cos(angle)), sine.set(i, std::sin(angle));
    }
  }
  /// The largest error of y, in units of what the rounding of its type allows.
  double error_of(const buffer& y, std::int64_t style, std::int64_t back) const {
    const std::int64_t d = x.header().extents[x.header().rank - 1], pairs = d / 2;
    const double allowed = y.type() == dtype::f16 ? 0x1p-10 : y.type() == dtype::bf16 ? 0x1p-7 : y.type() == dtype::f32 ? 0x1p-21 : 0x1p-50;
    double worst = 0;
    auto check = [&](std::int64_t i, double expected) {
      const double e = std::abs(y[i] - expected) / (allowed * (1 + std::abs(expected)));
      worst = e <= worst ? worst : e != e ? INFINITY : e;
    };
    for (std::int64_t row = 0; row < (d ? x.count() / d : 0); ++row) {
      const std::int64_t entry = entry_of(row) * pairs;
      for (std::int64_t i = 0; i < pairs; ++i) {
        const std::int64_t a = d * row + (style ? i : 2 * i), b = a + (style ? pairs : 1);
        const double c = cosine[entry + i], s = back ? -sine[entry + i] : sine[entry + i];
        check(a, x[a] * c - x[b] * s);
        check(b, x[b] * c + x[a] * s);
      }
    }
    return worst;
  }
  buffer x, cosine, sine;

 private:
  static buffer table(const sample& c, dtype t) {
    extents e = c.rows;
    e.push_back(c.x.back() / 2);
    return buffer(t == dtype::f64 ? t : dtype::f32, e);
  }
  /// The row of the tables for a row of x.
  std::int64_t entry_of(std::int64_t row) const {
    const thunder::array &all = x.header(), &part = cosine.header();
    std::int64_t at = 0, stride = 1;
    for (int d = all.rank - 1; d-- > 0; row /= all.extents[d])
      if (const int k = d - (all.rank - part.rank); k >= 0) {
        if (part.extents[k] != 1) at += row % all.extents[d] * stride;
        stride *= part.extents[k];
      }
    return at;
  }
};

/// f(sample, type, style, back) for every sample and floating type, both styles, forward and back.
template <class F> void for_every_case(F&& f) {
  for (const sample& c : samples)
    for (const dtype t : {dtype::f16, dtype::bf16, dtype::f32, dtype::f64})
      for (const std::int64_t style : {0, 1})
        for (const std::int64_t back : {0, 1}) f(c, t, style, back);
}

}  // namespace rotation_tests
