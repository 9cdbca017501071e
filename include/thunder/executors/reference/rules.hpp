#pragma once
/// What each op does to arrays of the reference executor. Plain loops: the definition that other executors are tested against.
#include <algorithm>
#include <type_traits>

#include "../../ops/all.hpp"
#include "array.hpp"

namespace thunder {

/// One statement to be executed. The results have their types and extents, are zero, and follow each other in memory: a rule is given the first.
struct reference_call {
  const graph_view& graph;
  const node& statement;
  const reference_array* const* operands;
  const bindings& dims;
  bool round_casts;

  const reference_array& operator[](int k) const { return *operands[k]; }
  int count() const { return statement.operands; }
  std::int64_t word(int k) const { return graph.word(statement, k); }
};

// Each op brings a function of scalars; the loops around it are shared by all ops, which keeps them cheap to compile.
template <class T> constexpr const auto& elements(const reference_array& x) {
  if constexpr (std::is_same_v<T, double>) return x.reals;
  else return x.integers;
}
inline void store(reference_array& out, std::size_t i, double v) { out.reals[i] = v; }
inline void store(reference_array& out, std::size_t i, std::int64_t v) { out.integers[i] = wrapped_to(out.type, v); }

template <class R, class... A> void pointwise_loop(const reference_call& c, reference_array& out, R (*f)(A...)) {
  [&]<std::size_t... K>(std::index_sequence<K...>) {
    for (std::size_t i = 0, n = static_cast<std::size_t>(out.size()); i < n; ++i) store(out, i, f(static_cast<A>(elements<A>(c[static_cast<int>(K)])[i])...));
  }(std::index_sequence_for<A...>{});
}
template <class Op> struct pointwise_rule {
  /// Integers divide as the other executors do: x / 0 is 0, and nothing traps.
  template <class... A> static auto scalar(A... x) {
    if constexpr (std::is_same_v<Op, ops::div> && (std::is_same_v<A, std::int64_t> && ...)) {
      return [](std::int64_t a, std::int64_t b) { return b == 0 ? 0 : b == -1 ? static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(a)) : a / b; }(x...);
    } else {
      using result = std::conditional_t<std::is_floating_point_v<decltype(Op::evaluate(x...))>, double, std::int64_t>;
      return static_cast<result>(Op::evaluate(x...));
    }
  }
  template <class T> static void of_type(const reference_call& c, reference_array& out) {
    if constexpr (Op::types == typing::selection) pointwise_loop(c, out, &scalar<bool, T, T>);
    else if constexpr (requires(T x) { Op::evaluate(x); }) pointwise_loop(c, out, &scalar<T>);
    else if constexpr (requires(T x) { Op::evaluate(x, x); }) pointwise_loop(c, out, &scalar<T, T>);
    else pointwise_loop(c, out, &scalar<T, T, T>);
  }
  static void run(const reference_call& c, reference_array& out) {
    if constexpr (std::is_same_v<Op, ops::fold_in>) of_type<std::int64_t>(c, out);
    else if constexpr (Op::types == typing::floating) of_type<double>(c, out);
    else if constexpr (Op::types == typing::logical) of_type<bool>(c, out);
    else c[Op::types == typing::selection].floating() ? of_type<double>(c, out) : of_type<std::int64_t>(c, out);
  }
};

template <class T> void reduction_loop(const reference_call& c, reference_array& out, T identity, T (*combine)(T, T)) {
  const reference_array& x = c[0];
  const auto inner = strides_of(out.extents);
  std::vector<std::int64_t> strides(x.extents.size());
  for (std::size_t d = 0, k = 0; d < strides.size(); ++d) strides[d] = c.word(0) >> d & 1 ? 0 : inner[k++];
  std::vector<T> total(static_cast<std::size_t>(out.size()), identity);
  for_offsets(x.extents, 0, strides, [&](std::size_t i, std::size_t o) { total[o] = combine(total[o], elements<T>(x)[i]); });
  for (std::size_t i = 0; i < total.size(); ++i) store(out, i, total[i]);
}
template <class Op> struct reduction_rule {
  template <class T> static T combine(T a, T b) { return Op::combine(a, b); }
  static void run(const reference_call& c, reference_array& out) {
    if (out.floating()) reduction_loop<double>(c, out, Op::template identity<double>(), &combine<double>);
    else reduction_loop<std::int64_t>(c, out, out.type == dtype::i32 ? Op::template identity<std::int32_t>() : Op::template identity<std::int64_t>(), &combine<std::int64_t>);
  }
};

/// An indexed op: Op::evaluate of each row-major position and of a rank-0 operand, if it has one.
template <class Op> struct indexed_rule {
  static void run(const reference_call& c, reference_array& out) {
    for (std::int64_t i = 0; i < out.size(); ++i) {
      double v;
      if constexpr (requires { Op::template evaluate<words<>, double>(i, i); }) v = static_cast<double>(Op::template evaluate<words<>, double>(i, c[0].integers[0]));
      else v = static_cast<double>(Op::template evaluate<words<>, double>(i));
      if (out.floating()) store(out, static_cast<std::size_t>(i), v);
      else store(out, static_cast<std::size_t>(i), static_cast<std::int64_t>(v));
    }
  }
};

/// How the reference executor runs an op. Specialise it for an op of your own that is neither pointwise, a reduction, indexed nor a composite.
template <class Op> struct reference_rule {
  static void run(const reference_call& c, reference_array& out) {
    if constexpr (Op::is_pointwise) pointwise_rule<Op>::run(c, out);
    else if constexpr (Op::is_reduction) reduction_rule<Op>::run(c, out);
    else if constexpr (Op::is_indexed) indexed_rule<Op>::run(c, out);
    else static_assert(Op::kind == op_kind::composite, "the reference executor has no rule for this op: specialise thunder::reference_rule");
  }
};

template <> struct reference_rule<ops::full> {
  static void run(const reference_call& c, reference_array& out) {
    const double v = std::bit_cast<double>(c.word(0));
    for (auto& y : out.reals) y = v;
    for (auto& y : out.integers) y = out.type == dtype::b8 ? v != 0 : truncated_to(out.type, v);
  }
};
template <> struct reference_rule<ops::cast> {
  static void run(const reference_call& c, reference_array& out) {
    const reference_array& x = c[0];
    for (std::size_t i = 0; i < out.reals.size(); ++i) {
      const double v = x.floating() ? x.reals[i] : static_cast<double>(x.integers[i]);
      out.reals[i] = c.round_casts ? rounded_to(out.type, v) : v;
    }
    for (std::size_t i = 0; i < out.integers.size(); ++i) {
      if (out.type == dtype::b8) out.integers[i] = x.floating() ? x.reals[i] != 0 : x.integers[i] != 0;
      else out.integers[i] = x.floating() ? truncated_to(out.type, x.reals[i]) : wrapped_to(out.type, x.integers[i]);
    }
  }
};
template <> struct reference_rule<ops::iota> {
  static void run(const reference_call& c, reference_array& out) {
    std::vector<std::int64_t> strides(out.extents.size());
    strides[static_cast<std::size_t>(c.word(0))] = 1;
    for_offsets(out.extents, 0, strides, [&](std::size_t i, std::size_t k) {
      if (out.floating()) out.reals[i] = static_cast<double>(k);
      else out.integers[i] = wrapped_to(out.type, static_cast<std::int64_t>(k));
    });
  }
};
template <> struct reference_rule<ops::extent> {
  static void run(const reference_call& c, reference_array& out) { out.integers[0] = c.dims.extent(ops::extent::of(c.graph.words + c.statement.word)); }
};

// ---- moving elements
/// out[index] = x[start + index . strides]
inline void gather_strided(reference_array& out, const reference_array& x, std::int64_t start, std::span<const std::int64_t> strides) {
  with_elements(out, x, [&](auto& y, const auto& from) { for_offsets(out.extents, start, strides, [&](std::size_t i, std::size_t o) { y[i] = from[o]; }); });
}
/// out[start + index . strides] = x[index]
inline void scatter_strided(reference_array& out, const reference_array& x, std::int64_t start, std::span<const std::int64_t> strides) {
  with_elements(out, x, [&](auto& y, const auto& from) { for_offsets(x.extents, start, strides, [&](std::size_t i, std::size_t o) { y[o] = from[i]; }); });
}
template <> struct reference_rule<ops::broadcast> {
  static void run(const reference_call& c, reference_array& out) {
    const auto inner = strides_of(c[0].extents);
    std::vector<std::int64_t> strides(out.extents.size());
    for (std::size_t d = 0, k = 0; d < strides.size(); ++d) strides[d] = c.word(0) >> d & 1 ? inner[k++] : 0;
    gather_strided(out, c[0], 0, strides);
  }
};
template <> struct reference_rule<ops::reshape> {
  static void run(const reference_call& c, reference_array& out) { out.reals = c[0].reals, out.integers = c[0].integers; }
};
template <> struct reference_rule<ops::transpose> {
  static void run(const reference_call& c, reference_array& out) {
    const auto inner = strides_of(c[0].extents);
    std::vector<std::int64_t> strides(out.extents.size());
    for (std::size_t d = 0; d < strides.size(); ++d) strides[d] = inner[static_cast<std::size_t>(c.word(static_cast<int>(d)))];
    gather_strided(out, c[0], 0, strides);
  }
};
template <> struct reference_rule<ops::slice> {
  static void run(const reference_call& c, reference_array& out) {
    const int rank = c[0].rank();
    auto strides = strides_of(c[0].extents);
    std::int64_t start = 0;
    for (int d = 0; d < rank; ++d) start += c.word(d) * strides[static_cast<std::size_t>(d)], strides[static_cast<std::size_t>(d)] *= c.word(2 * rank + d);
    gather_strided(out, c[0], start, strides);
  }
};
template <> struct reference_rule<ops::pad> {
  static void run(const reference_call& c, reference_array& out) {
    const int rank = c[0].rank();
    auto strides = strides_of(out.extents);
    std::int64_t start = 0;
    for (int d = 0; d < rank; ++d) start += c.word(d) * strides[static_cast<std::size_t>(d)], strides[static_cast<std::size_t>(d)] *= c.word(2 * rank + d) + 1;
    scatter_strided(out, c[0], start, strides);
  }
};
template <> struct reference_rule<ops::concatenate> {
  static void run(const reference_call& c, reference_array& out) {
    const auto axis = static_cast<std::size_t>(c.word(0));
    const auto strides = strides_of(out.extents);
    std::int64_t begin = 0;
    for (int k = 0; k < c.count(); begin += c[k++].extents[axis]) scatter_strided(out, c[k], begin * strides[axis], strides);
  }
};

// ---- indices
/// Calls f(number of the index, the row it picks), clamped into [0, rows).
template <class F> void for_rows(const reference_array& index, std::int64_t rows, F&& f) {
  for (std::size_t i = 0; rows > 0 && i < index.integers.size(); ++i) {
    const std::int64_t r = index.integers[i];
    f(i, static_cast<std::size_t>(r < 0 ? 0 : r >= rows ? rows - 1 : r));
  }
}
inline std::size_t row_size(const reference_array& x) { return x.extents[0] == 0 ? 0 : static_cast<std::size_t>(x.size() / x.extents[0]); }
template <> struct reference_rule<ops::take> {
  static void run(const reference_call& c, reference_array& out) {
    const std::size_t n = row_size(c[0]);
    with_elements(out, c[0], [&](auto& y, const auto& x) {
      for_rows(c[1], c[0].extents[0], [&](std::size_t i, std::size_t row) {
        for (std::size_t k = 0; k < n; ++k) y[i * n + k] = x[row * n + k];
      });
    });
  }
};
template <> struct reference_rule<ops::scatter_add> {
  static void run(const reference_call& c, reference_array& out) {
    const std::size_t n = row_size(out);
    with_elements(out, c[1], [&](auto& y, const auto& x) {
      for_rows(c[0], out.extents[0], [&](std::size_t i, std::size_t row) {
        for (std::size_t k = 0; k < n; ++k) y[row * n + k] += x[i * n + k];
      });
    });
  }
};
/// Where a part of n elements that is m long starts.
inline std::int64_t clamped_start(const reference_array& start, std::int64_t n, std::int64_t m) { return std::clamp<std::int64_t>(start.integers[0], 0, n - m); }
template <> struct reference_rule<ops::dynamic_slice> {
  static void run(const reference_call& c, reference_array& out) {
    const auto axis = static_cast<std::size_t>(c.word(0));
    const auto strides = strides_of(c[0].extents);
    gather_strided(out, c[0], clamped_start(c[1], c[0].extents[axis], out.extents[axis]) * strides[axis], strides);
  }
};
template <> struct reference_rule<ops::dynamic_update_slice> {
  static void run(const reference_call& c, reference_array& out) {
    const auto axis = static_cast<std::size_t>(c.word(0));
    const auto strides = strides_of(out.extents);
    out.reals = c[0].reals, out.integers = c[0].integers;
    scatter_strided(out, c[1], clamped_start(c[2], out.extents[axis], c[1].extents[axis]) * strides[axis], strides);
  }
};
template <> struct reference_rule<ops::scatter> {
  static void run(const reference_call& c, reference_array& out) {
    const std::size_t n = row_size(out);
    with_elements(out, c[1], [&](auto& y, const auto& x) {
      for_rows(c[0], out.extents[0], [&](std::size_t i, std::size_t row) {
        for (std::size_t k = 0; k < n; ++k) y[row * n + k] = x[i * n + k];
      });
    });
  }
};
template <> struct reference_rule<ops::argmax> {
  static void run(const reference_call& c, reference_array& out) {
    const auto axis = static_cast<std::size_t>(c.word(0));
    const auto all = strides_of(c[0].extents);
    auto strides = all;
    strides.erase(strides.begin() + static_cast<std::ptrdiff_t>(axis));
    auto search = [&](const auto& x) {
      for_offsets(out.extents, 0, strides, [&](std::size_t i, std::size_t first) {
        std::int64_t best = 0;
        auto at = [&](std::int64_t k) { return x[first + static_cast<std::size_t>(k * all[axis])]; };
        for (std::int64_t k = 1; k < c[0].extents[axis]; ++k)
          if (at(best) == at(best) && !(at(k) <= at(best))) best = k;  // a NaN is the largest
        out.integers[i] = best;
      });
    };
    if (c[0].floating()) search(c[0].reals);
    else search(c[0].integers);
  }
};

// ---- along an axis
template <class Op> struct scan_rule {
  template <class T> static T combine(T a, T b) {
    if constexpr (std::is_same_v<T, double>) return Op::combine(a, b);
    else return static_cast<T>(Op::combine(static_cast<std::uint64_t>(a), static_cast<std::uint64_t>(b)));
  }
  static void run(const reference_call& c, reference_array& out) {
    const auto axis = static_cast<std::size_t>(c.word(0));
    const auto all = strides_of(out.extents);
    auto lines = out.extents;
    lines[axis] = 1;
    const std::int64_t n = out.extents[axis], step = c.word(1) ? -all[axis] : all[axis], start = c.word(1) ? (n - 1) * all[axis] : 0;
    with_elements(out, c[0], [&]<class V>(V& y, const V& x) {
      using T = typename V::value_type;
      for_offsets(lines, start, all, [&](std::size_t, std::size_t first) {
        T total = Op::template identity<T>();
        for (std::int64_t k = 0; k < n; ++k) {
          const auto i = static_cast<std::size_t>(static_cast<std::int64_t>(first) + k * step);
          store(out, i, total = combine(total, x[i]));
          if constexpr (!std::is_same_v<T, double>) total = y[i];
        }
      });
    });
  }
};
template <> struct reference_rule<ops::cumsum> : scan_rule<ops::cumsum> {};
template <> struct reference_rule<ops::cumprod> : scan_rule<ops::cumprod> {};
/// The first `out.extents.back()` of each row in order.
inline void sort_rows(const reference_array& from, bool descending, reference_array& out) {
  reference_array& where = (&out)[1];
  const auto n = static_cast<std::size_t>(from.extents.back()), k = static_cast<std::size_t>(out.extents.back());
  std::vector<std::int64_t> order(n);
  with_elements(out, from, [&](auto& y, const auto& x) {
    for (std::size_t row = 0; k > 0 && row < y.size() / k; ++row) {
      const auto at = [&](std::int64_t i) { return x[row * n + static_cast<std::size_t>(i)]; };
      auto less = [&](std::int64_t a, std::int64_t b) { return at(a) < at(b) || (at(a) == at(a) && at(b) != at(b)); };  // a NaN is the largest
      for (std::size_t i = 0; i < n; ++i) order[i] = static_cast<std::int64_t>(i);
      const auto before = [&](std::int64_t a, std::int64_t b) { return descending ? less(b, a) : less(a, b); };
      // Equal ones in order. (std::stable_sort of g++ 12's library is a warning with clang 19.)
      std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) { return before(a, b) || (a < b && !before(b, a)); });
      for (std::size_t i = 0; i < k; ++i) y[row * k + i] = at(order[i]), where.integers[row * k + i] = order[i];
    }
  });
}
template <> struct reference_rule<ops::sort> {
  static void run(const reference_call& c, reference_array& out) { sort_rows(c[0], c.word(0) != 0, out); }
};
template <> struct reference_rule<ops::top_k> {
  static void run(const reference_call& c, reference_array& out) { sort_rows(c[0], true, out); }
};

// ---- rotations
template <> struct reference_rule<ops::rotate_pairs> {
  static void run(const reference_call& c, reference_array& out) {
    const std::span<const std::int64_t> extents = out.extents, given = c[1].extents;
    const std::size_t lead = extents.size() - given.size(), last = extents.size() - 1;
    std::vector<std::int64_t> strides = strides_of(given);
    strides.insert(strides.begin(), lead, 0);
    for (std::size_t d = 0; d < last; ++d)
      if (d >= lead && given[d - lead] == 1) strides[d] = 0;
    const bool halves = c.word(0) == static_cast<std::int64_t>(rope_style::halves);
    const auto pairs = static_cast<std::size_t>(extents[last]) / 2;
    for_offsets(extents.first(last), 0, std::span(strides).first(last), [&](std::size_t row, std::size_t entry) {
      for (std::size_t i = 0; i < pairs; ++i) {
        const std::size_t a = 2 * pairs * row + (halves ? i : 2 * i), b = a + (halves ? pairs : 1);
        const double x = c[0].reals[a], y = c[0].reals[b], cosine = c[1].reals[entry + i], sine = c.word(1) ? -c[2].reals[entry + i] : c[2].reals[entry + i];
        out.reals[a] = x * cosine - y * sine, out.reals[b] = y * cosine + x * sine;
      }
    });
  }
};

// ---- products
template <> struct reference_rule<ops::matmul> {
  static void run(const reference_call& c, reference_array& out) {
    const reference_array &a = c[0], &b = c[1];
    const auto rank = out.extents.size();
    const bool ta = c.word(0) != 0, tb = c.word(1) != 0;
    const auto n = static_cast<std::size_t>(out.extents[rank - 2]), m = static_cast<std::size_t>(out.extents[rank - 1]);
    const auto inner = static_cast<std::size_t>(a.extents[rank - (ta ? 2 : 1)]);
    const std::size_t batches = n * m == 0 ? 0 : out.reals.size() / (n * m), b_step = b.extents.size() == rank ? inner * m : 0;
    for (std::size_t q = 0; q < batches; ++q) {
      const double *x = a.reals.data() + q * n * inner, *y = b.reals.data() + q * b_step;
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < m; ++j) {
          double s = 0;
          for (std::size_t k = 0; k < inner; ++k) s += x[ta ? k * n + i : i * inner + k] * y[tb ? j * inner + k : k * m + j];
          out.reals[(q * n + i) * m + j] = s;
        }
    }
  }
};
template <> struct reference_rule<ops::matmul_epilogue> {
  static void run(const reference_call& c, reference_array& out) {
    reference_rule<ops::matmul>::run(c, out);
    const std::vector<double> zero{0}, &third = c.count() > 2 ? c[2].reals : zero;
    const auto what = static_cast<epilogue>(c.word(2));
    for (std::size_t i = 0; i < out.reals.size(); ++i) {
      const double u = out.reals[i], t = third[i % third.size()];
      const bool two = what == epilogue::gelu_kept;
      (&out)[two ? 1 : 0].reals[i] = after_product(what, u, t);
      if (two) out.reals[i] = u + t;
    }
  }
};

}  // namespace thunder
