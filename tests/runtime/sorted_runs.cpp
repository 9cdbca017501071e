// The index of a state's names: right in any order, and in few steps.
#include <thunder/runtime/sorted_runs.hpp>

#include <doctest/doctest.h>

using namespace thunder;

namespace {

/// Adds keys one by one, and looks for all of them and for what lies between; keys are even.
void added_and_found(const std::vector<int>& keys) {
  sorted_runs index;
  long added = 0, most = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    CHECK(index.size() == i);
    index.add([&](std::size_t a, std::size_t b) { return ++added, keys[a] < keys[b]; });
  }
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < keys.size(); ++i)
    for (const int offset : {0, 1}) {
      long steps = 0;
      const std::size_t at = index.find([&](std::size_t k) { return ++steps, keys[k] - keys[i] - offset; });
      wrong += at != (offset == 0 ? i : keys.size());
      most = steps > most ? steps : most;
    }
  CHECK(wrong == 0);
  long log = 1;
  while ((1L << log) <= static_cast<long>(keys.size())) ++log;
  CHECK(most <= log * (log + 1) / 2);
  CHECK(added <= static_cast<long>(keys.size()) * log);
}

}  // namespace

TEST_CASE("numbers that come sorted, sorted backwards and in any order cost n log n comparisons") {
  for (const int n : {0, 1, 2, 3, 7, 8, 100, 65535, 65536, 70000}) {
    CAPTURE(n);
    std::vector<int> up, down, any;
    for (int i = 0; i < n; ++i) up.push_back(2 * i), down.push_back(2 * (n - i)), any.push_back(2 * static_cast<int>(i * 48271LL % 99991));
    added_and_found(up), added_and_found(down), added_and_found(any);
  }
}

TEST_CASE("it starts anew") {
  sorted_runs index;
  const auto less = [](std::size_t a, std::size_t b) { return a > b; };
  for (int k = 0; k < 5; ++k) index.add(less);
  const sorted_runs copy = index;
  index.clear();
  CHECK(index.size() == 0);
  CHECK(index.find([](std::size_t) { return 0; }) == 0);
  CHECK(copy.size() == 5);
  CHECK(copy.find([](std::size_t k) { return 3 - static_cast<int>(k); }) == 3);
}
