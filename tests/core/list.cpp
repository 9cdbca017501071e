// The array of constant evaluation: growth while an element of itself is pushed, copies, and the sort.
#include <thunder/core/list.hpp>

#include <doctest/doctest.h>

using namespace thunder;

namespace {

constexpr int pushed() {
  list<int> l;
  l.push(7);
  for (int i = 0; i < 100; ++i) l.push(l[0]);  // the list grows while its own element is pushed
  int sum = 0;
  for (int x : l) sum += x;
  return sum;
}
static_assert(pushed() == 7 * 101);

constexpr bool copies() {
  list<list<int>> a(3);
  a[1].push(5);
  list<list<int>> b = a;
  b[1][0] = 6;
  a = b;
  b.clear();
  return a.size() == 3 && a[1][0] == 6 && b.empty() && a[0].empty();
}
static_assert(copies());

constexpr bool sorts() {
  list<int> l;
  for (int k = 0; k < 40; ++k) l.push(k * 17 % 40);
  sort_nearly(l, [](int a, int b) { return a < b; });
  for (int k = 0; k < 40; ++k)
    if (l[k] != k) return false;
  return true;
}
static_assert(sorts());

}  // namespace

TEST_CASE("the same at run time") {
  CHECK(pushed() == 7 * 101);
  CHECK(copies());
  CHECK(sorts());
  list<int> l;
  const int more[]{1, 2, 3};
  l.append(more, 3);
  l.append(l.data(), 0);
  l.pop();
  CHECK(l.size() == 2);
  CHECK(l.back() == 2);
}
