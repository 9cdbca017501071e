// What a region computes again instead of reading it: by the bytes that steps move. (That the values stay the same is tested on random
// graphs by tests/fusion/partition.cpp.)
#include <thunder/thunder.hpp>

#include <doctest/doctest.h>

using namespace thunder;

namespace {

constexpr long rows = 512, columns = 256;

/// The steps of f's gradient by all its arguments, or of f.
template <class... In> partition steps_of(auto f, In... in) {
  using body = typename decltype(trace(f, in...))::body;
  return partitioner(lowered<body>::view).run();
}
/// Whole matrices of rows x columns elements that regions (not library calls) read and write, in bytes of an element.
int bytes_per_element(const partition& p, auto count_of) {
  int bytes = 0;
  for (const step_info& s : p.steps) {
    if (s.op) continue;
    for (int k = 0; k < s.inputs; ++k)
      if (count_of(p.inputs[s.input + k].value)) bytes += size_of(p.inputs[s.input + k].type);
    for (int k = 0; k < s.outputs; ++k)
      if (count_of(p.outputs[s.output + k].value)) bytes += size_of(p.outputs[s.output + k].type);
  }
  return bytes;
}
template <class... In> int matrix_bytes(auto f, In... in) {
  using body = typename decltype(trace(f, in...))::body;
  return bytes_per_element(steps_of(f, in...), [](int v) {
    const meta& m = lowered<body>::view.type(v);
    return m.rank == 2 && m.d[0] == dim(rows) && m.d[1] == dim(columns);
  });
}

}  // namespace

namespace {
using spec_x = spec<bf16, rows, columns>;
using vector = spec<bf16, columns>;
using weight = spec<bf16, columns, 64>;

inline constexpr auto normalised = [](auto x, auto g, auto b, auto w) {
  return grad([](auto x1, auto g1, auto b1, auto w1) { return sum(square(matmul(layer_norm(x1, g1, b1), w1))); }, wrt<0, 1, 2, 3>)(x, g, b, w);
};
inline constexpr auto activated = [](auto x, auto v, auto b, auto w) {
  return grad([](auto x1, auto v1, auto b1, auto w1) { return sum(square(matmul(gelu(matmul(x1, v1) + b1), w1))); }, wrt<0, 1, 2, 3>)(x, v, b, w);
};
inline constexpr auto dropped = [](auto x, auto w, auto key) {
  return grad([](auto x1, auto w1, auto k) { return sum(square(matmul(dropout(x1 * x1, 0.5_c, k), w1))); }, wrt<0, 1>)(x, w, key);
};
}  // namespace

TEST_CASE("a normalised row is computed again from the row, its mean and its deviation") {
  // forward: x in, y out; backward: x and the cotangent in, dx out. (Stored in float, the normalised row would cost 8 more and save 2.)
  CHECK(matrix_bytes(normalised, spec_x{}, vector{}, vector{}, weight{}) == 10);
}

TEST_CASE("what an activation's derivative needs is computed again from what the product wrote") {
  // forward: the product in, the activation out; backward: the product and the cotangent in, the product's cotangent out
  CHECK(matrix_bytes(activated, spec_x{}, spec<bf16, columns, columns>{}, vector{}, weight{}) == 10);
}

TEST_CASE("a derivative of what is in memory is not stored") {
  // forward: the product in, tanh out; backward: tanh and the cotangent in, the product's cotangent out
  constexpr auto f = [](auto x, auto v, auto w) {
    return grad([](auto x1, auto v1, auto w1) { return sum(square(matmul(tanh(matmul(x1, v1)), w1))); }, wrt<0, 1, 2>)(x, v, w);
  };
  CHECK(matrix_bytes(f, spec_x{}, spec<bf16, columns, columns>{}, weight{}) == 10);
}

TEST_CASE("the mask of a dropout is stored, a byte an element") {
  // forward: x in, the product's operand and the mask out; backward: x, the mask and the cotangent in, dx out
  CHECK(matrix_bytes(dropped, spec_x{}, weight{}, spec<std::int64_t>{}) == 2 + 2 + 1 + 2 + 1 + 2 + 2);
}

TEST_CASE("a value that costs as much to make again is read") {
  // Two matrices would be read for the sum of them: it is stored.
  const auto f = [](auto x, auto y, auto w) {
    auto z = x + y;
    return std::tuple{matmul(z, w), sum(matmul(z, w)) * z};
  };
  CHECK(matrix_bytes(f, spec_x{}, spec_x{}, weight{}) == 3 * 2 + 2 * 2);
}

TEST_CASE("a statement without a reader is left out of its region") {
  using body = decltype(trace(normalised, spec_x{}, vector{}, vector{}, weight{}))::body;
  const partition p = partitioner(lowered<body>::view).run();
  for (const step_info& s : p.steps) {
    if (s.op) continue;
    std::vector<bool> used(static_cast<std::size_t>(s.inputs + s.statements), false);
    for (int k = 0; k < s.outputs; ++k) used[static_cast<std::size_t>(p.outputs[s.output + k].local)] = true;
    for (int k = 0; k < s.statements; ++k) {
      const step_statement& t = p.statements[s.statement + k];
      for (int j = 0; j < t.operands; ++j) used[static_cast<std::size_t>(p.operands[t.operand + j])] = true;
    }
    for (const bool u : used) CHECK(u);
  }
}

TEST_CASE("dimensions that only such statements had leave with them") {
  // y is computed again where it is read; what its region still makes has a number for each row
  constexpr auto f = [](auto a, auto b, auto s, auto c) {
    auto m = matmul(a, b);
    auto u = exp(unsqueeze(s, axis<1>));
    auto y = m * u;
    return std::pair{y + matmul(u, c), m};
  };
  const partition p = steps_of(f, spec_x{}, spec<bf16, columns, columns>{}, spec<bf16, rows>{}, spec<bf16, 1, columns>{});
  CHECK(p.steps.size() == 4);
  CHECK(p.steps[1].extents == 1);
  CHECK(p.extents[p.steps[1].extent] == dim(rows));
}

TEST_CASE("nothing is computed again from an argument that has been updated in place") {
  // y could be made again from x instead of being stored; but x is gone by then, or else its new value needs a copy
  constexpr auto f = [](auto x, auto w) {
    auto y = exp(x);
    auto next = x - 0.1_c * y;
    return std::pair{next, y + matmul(next, w)};
  };
  using donating = decltype(jit(f).lower(donate(std::declval<tensor<float, rows, columns>&>()), spec<float, columns, columns>{}));
  using copying = decltype(jit(f).lower(spec<float, rows, columns>{}, spec<float, columns, columns>{}));
  CHECK(donating::step_count == 3);  // two regions and the product
  CHECK(donating::plan::data.steps[2].inputs == 2);
  CHECK(copying::step_count == 3);
  bool again = false;
  for (int k = 0; k < copying::plan::data.steps[2].statements; ++k)
    again = again || copying::plan::data.statements[copying::plan::data.steps[2].statement + k].op->id == digest_of(ops::exp::name);
  CHECK(again);
}

TEST_CASE("a value that is read in two shapes is computed again in both, or not at all") {
  constexpr auto f = [](auto u, auto w) {
    auto y = exp(cast<float>(u));
    auto x = exp(broadcast<8, 8>(unsqueeze(y, axis<0>)));
    return matmul(x, w) * x + broadcast<8, 8>(unsqueeze(y, axis<1>));
  };
  using body = decltype(trace(f, spec<bf16, 8>{}, spec<float, 8, 8>{}))::body;
  const partition p = partitioner(lowered<body>::view).run();
  for (int k = 0; k < p.operands.size(); ++k) CHECK(p.operands[k] >= 0);
}
