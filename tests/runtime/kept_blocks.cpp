// Large blocks of memory are kept for the next tensor of their size, within bounds.
#include <thunder/runtime/tensor.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <thread>
#include <vector>

using namespace thunder;

namespace {
constexpr std::size_t MB = std::size_t{1} << 20;
bool aligned(const storage& s) { return reinterpret_cast<std::uintptr_t>(s.data()) % storage::alignment == 0; }
}  // namespace

TEST_CASE("a large block is used again, a small one is not kept") {
  kept_blocks::limit(256 * MB);
  const void* first;
  {
    storage s = storage::allocate(8 * MB - 5);
    first = s.data();
    CHECK(s.bytes() == 8 * MB - 5);
    CHECK(aligned(s));
    CHECK(kept_blocks::total() == 0);
  }
  CHECK(kept_blocks::total() == 8 * MB);
  const storage other = storage::allocate(10 * MB);  // another size
  CHECK(other.data() != first);
  const storage again = storage::allocate(8 * MB);
  CHECK(again.data() == first);
  CHECK(kept_blocks::total() == 0);
  storage::allocate(4 * MB - 1);
  CHECK(kept_blocks::total() == 0);
  storage::allocate(4 * MB);
  CHECK(kept_blocks::total() == 4 * MB);
}

TEST_CASE("no more is kept than the limit, the newest rather than the oldest") {
  kept_blocks::limit(20 * MB);
  CHECK(kept_blocks::total() == 0);
  storage a = storage::allocate(8 * MB), b = storage::allocate(8 * MB), c = storage::allocate(10 * MB), d = storage::allocate(22 * MB);
  const void *pb = b.data(), *pc = c.data();
  a = {}, b = {};
  CHECK(kept_blocks::total() == 16 * MB);
  d = {};  // larger than the limit
  CHECK(kept_blocks::total() == 16 * MB);
  c = {};  // a goes
  CHECK(kept_blocks::total() == 18 * MB);
  CHECK(storage::allocate(10 * MB).data() == pc);
  const storage e = storage::allocate(8 * MB);
  CHECK(e.data() == pb);
  kept_blocks::limit(0);
  CHECK(kept_blocks::total() == 0);
  storage::allocate(8 * MB);
  CHECK(kept_blocks::total() == 0);
  kept_blocks::limit(256 * MB);
  std::vector<storage> many;
  for (int k = 0; k < 20; ++k) many.push_back(storage::allocate(4 * MB));
  many.clear();
  CHECK(kept_blocks::total() == 16 * 4 * MB);
}

TEST_CASE("what nobody can have is refused with a sentence, and costs what was kept") {
  kept_blocks::limit(256 * MB);
  storage::allocate(8 * MB);
  CHECK(kept_blocks::total() == 8 * MB);
  CHECK_THROWS_WITH_AS(storage::allocate(SIZE_MAX / 2), ("out of memory: cannot allocate " + std::to_string(SIZE_MAX / 2) + " bytes for a tensor on the cpu").c_str(), error);
  CHECK_THROWS_AS(storage::allocate(SIZE_MAX), error);
  CHECK(kept_blocks::total() == 0);
}

TEST_CASE("threads that allocate and release at the same time have blocks of their own") {
  kept_blocks::limit(24 * MB);
  std::vector<std::thread> threads;
  int wrong[4]{};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&wrong, t] {
      for (int k = 0; k < 300; ++k) {
        storage s = storage::allocate((4 + 2 * static_cast<std::size_t>(k % 3)) * MB);
        auto* p = static_cast<volatile int*>(s.data());
        *p = t;
        std::this_thread::yield();
        wrong[t] += *p != t;
      }
    });
  for (auto& t : threads) t.join();
  for (const int w : wrong) CHECK(w == 0);
  CHECK(kept_blocks::total() <= 24 * MB);
  kept_blocks::limit(256 * MB);
}
