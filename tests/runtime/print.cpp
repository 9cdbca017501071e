#include <doctest/doctest.h>

#include <limits>
#include <sstream>
#include <thunder/runtime/print.hpp>

using namespace thunder;

namespace {

constexpr auto B = dim("batch");

template <class X>
std::string printed(const X& x) {
  std::ostringstream s;
  s << x;
  return s.str();
}

}  // namespace

TEST_CASE("small tensors") {
  tensor<float, 2, 3> a{1, 2, 3, 4, 5, -60};
  CHECK(printed(a) == "[[  1.,   2.,   3.],\n [  4.,   5., -60.]]\nfloat[2, 3]");
  CHECK(printed(a.view()) == printed(a));
  CHECK(printed(a[1]) == "[  4.,   5., -60.]\nfloat[3]");
  CHECK(printed(tensor<float>(0.1f)) == "0.1000\nfloat[]");
  CHECK(printed(tensor<double, 2, 1, 2>{0.5, 1, 2, 3}) == "[[[0.5000, 1.0000]],\n\n [[2.0000, 3.0000]]]\ndouble[2, 1, 2]");
  CHECK(printed(tensor<std::int32_t, 3>{-1, 10, 5}) == "[-1, 10,  5]\nint32[3]");
  CHECK(printed(tensor<std::int64_t, 1>{std::numeric_limits<std::int64_t>::min()}) == "[-9223372036854775808]\nint64[1]");
  CHECK(printed(tensor<bool, 2>{true, false}) == "[ true, false]\nbool[2]");
  CHECK(printed(tensor<bf16, 2>{1.5f, -2}) == "[ 1.5000, -2.0000]\nbf16[2]");
  CHECK(printed(tensor<f16, 1>{3}) == "[3.]\nf16[1]");
  CHECK(printed(tensor<float, B, 2>(1)) == "[[0., 0.]]\nfloat[batch=1, 2]");
  CHECK(printed(any_tensor(tensor<float, B, 2>(1))) == "[[0., 0.]]\nfloat[1, 2]");
}

TEST_CASE("no elements") {
  CHECK(printed(tensor<float, 0>()) == "[]\nfloat[0]");
  CHECK(printed(tensor<float, B, 1000000000>(0)) == "[]\nfloat[batch=0, 1000000000]");
  CHECK(printed(tensor<float, 1000000000, B>(0)) == "[]\nfloat[1000000000, batch=0]");
}

TEST_CASE("styles of numbers") {
  using limits = std::numeric_limits<float>;
  CHECK(printed(tensor<float, 4>{limits::infinity(), -limits::infinity(), limits::quiet_NaN(), 1}) ==
        "[ inf, -inf,  nan,   1.]\nfloat[4]");
  CHECK(printed(tensor<float, 2>{1e-5f, 1}) == "[1.0000e-05, 1.0000e+00]\nfloat[2]");
  CHECK(printed(tensor<float, 2>{1e9f, 0}) == "[1.0000e+09, 0.0000e+00]\nfloat[2]");
  CHECK(printed(tensor<float, 1>{limits::max()}) == "[3.4028e+38]\nfloat[1]");
  CHECK(printed(tensor<double, 1>{std::numeric_limits<double>::denorm_min()}) == "[4.9407e-324]\ndouble[1]");
  CHECK(to_string(tensor<float, 1>{1.0f / 3}, {.precision = 7}) == "[0.3333333]\nfloat[1]");
}

TEST_CASE("elided and broken rows") {
  CHECK(printed(tensor<std::int32_t, 2000>()) == "[0, 0, 0, ..., 0, 0, 0]\nint32[2000]");
  CHECK(printed(tensor<std::int32_t, 2, 501>()) == "[[0, 0, 0, ..., 0, 0, 0],\n [0, 0, 0, ..., 0, 0, 0]]\nint32[2, 501]");
  CHECK(printed(tensor<std::int32_t, 501, 2>()) ==
        "[[0, 0],\n [0, 0],\n [0, 0],\n ...,\n [0, 0],\n [0, 0],\n [0, 0]]\nint32[501, 2]");
  CHECK(to_string(tensor<std::int32_t, 8>{1, 2, 3, 4, 5, 6, 7, 8}, {.threshold = 5, .edge = 1}) == "[1, ..., 8]\nint32[8]");
  CHECK(to_string(tensor<std::int32_t, 5>{1, 2, 3, 4, 5}, {.threshold = 1, .edge = 0}).find("...") != std::string::npos);
  CHECK(to_string(tensor<std::int32_t, 5>{1, 2, 3, 4, 5}, {.width = 10}) == "[1, 2, 3,\n 4, 5]\nint32[5]");
  for (const auto& row : {printed(tensor<float, 100>()), printed(tensor<double, 2, 50>::full(-1.5))}) {
    std::istringstream lines(row);
    for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 80);
  }
}
