// Kernels with a mistake: the emulated machine says which.
#include <thunder/executors/cuda/emulation.hpp>

#include <doctest/doctest.h>

#include <vector>

namespace {

using namespace thunder::cuda;
using M = emulated;

struct buffers {
  const float* x;  // 1000 numbers
  float* y;        // 256 numbers, not yet written
};
/// A kernel of 64 threads and 64 words of shared memory.
template <void Body(const buffers&)> struct kernel {
  using arguments = buffers;
  static constexpr int threads = 64, min_blocks = 0, shared = 256;
  static void run(const buffers& b) {
    M::begin_dependent();
    Body(b);
  }
};
/// What the machine says of the kernel, in the same words for every order of the threads but for their numbers.
template <class Kernel> std::string fault_of(unsigned blocks, std::uint64_t seed) {
  std::vector<float> x(1000, 1.f), y(256, -1.f);
  emulated_device device(seed);
  const buffers b{device.add("x", static_cast<const float*>(x.data()), x.size()), device.add("y", y.data(), y.size(), false)};
  try {
    device.start<Kernel>(blocks, b);
  } catch (const kernel_fault& f) {
    return f.what();
  }
  return "";
}
template <void Body(const buffers&)> void expect(const std::string& words, unsigned blocks = 1) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const std::string fault = fault_of<kernel<Body>>(blocks, seed);
    CAPTURE(seed);
    CAPTURE(fault);
    if (words.empty()) CHECK(fault == "");
    else CHECK(fault.find(words) != std::string::npos);
  }
}

float* word(int k) { return reinterpret_cast<float*>(M::shared()) + k; }

// ---- what is right
void sum_of_block(const buffers& b) {
  const int t = M::thread();
  float x = M::global_load(b.x + 64 * M::block() + t);
  for (int m = 16; m > 0; m /= 2) x += M::shuffle_xor(x, m);
  if (t % 32 == 0) M::shared_store(word(t / 32), x);
  M::sync();
  x = M::shared_load(word(0)) + M::shared_load(word(1));
  M::sync();
  M::shared_store(word(t), x);
  M::sync();
  M::global_store(b.y + 64 * M::block() + t, M::shared_load(word(63 - t)));
}
void same_numbers(const buffers& b) { M::global_store(b.y, 3.f); }
void leaves_early(const buffers&) {
  if (M::block() == 1) return;  // the whole block
  M::sync();
}

void half_by_half(const buffers& b) {  // each half of the block by itself, many times
  const int t = M::thread(), half = t / 32;
  for (int k = 0; k < 5; ++k) {
    M::shared_store(word(t), static_cast<float>(k));
    M::sync_some(1 + half, 32);
    const float x = M::shared_load(word(t ^ 5)) + M::shared_load(word(32 * half));
    M::sync_some(1 + half, 32);
    M::global_store(b.y + t, x);
  }
  M::sync();
  M::shared_load(word(63 - t));
}
void copies(const buffers& b) {
  const int t = M::thread();
  for (int s = 0; s < 2; ++s) M::copy_async<4>(M::shared() + 4 * t, reinterpret_cast<const char*>(b.x + 64 * s + t)), M::commit_copies();
  M::wait_copies<0>();
  const float x = M::shared_load(word(t));
  M::sync();
  M::global_store(b.y + t, x + M::shared_load(word(t ^ 40)));
}

// ---- shared memory
void other_half(const buffers&) {
  M::shared_store(word(M::thread()), 1.f);
  M::sync_some(1 + M::thread() / 32, 32);
  M::shared_load(word(M::thread() ^ 32));
}
void half_too_many(const buffers&) { M::sync_some(1 + M::thread() / 32, 64); }
void copy_not_waited_for(const buffers& b) {
  M::copy_async<4>(M::shared() + 4 * M::thread(), reinterpret_cast<const char*>(b.x + M::thread()));
  M::commit_copies();
  M::wait_copies<1>();
  M::shared_load(word(M::thread()));
}
void copy_not_shared(const buffers& b) {
  M::copy_async<4>(M::shared() + 4 * M::thread(), reinterpret_cast<const char*>(b.x + M::thread()));
  M::commit_copies();
  M::wait_copies<0>();
  M::shared_load(word(M::thread() ^ 33));
}
void copy_over_what_is_read(const buffers& b) {
  const int t = M::thread();
  M::shared_store(word(t), 1.f);
  M::sync();
  M::shared_load(word(t ^ 33));
  M::copy_async<4>(M::shared() + 4 * t, reinterpret_cast<const char*>(b.x + t));
  M::commit_copies();
  M::wait_copies<0>();
}
void no_barrier(const buffers&) {
  M::shared_store(word(M::thread()), 1.f);
  M::shared_load(word(M::thread() ^ 33));
}
void shuffle_for_barrier(const buffers&) {
  M::shared_store(word(M::thread()), 1.f);
  M::shuffle_xor(1, 1);
  M::shared_load(word(M::thread() ^ 1));
}
void write_after_read(const buffers&) {
  const int t = M::thread();
  M::shared_store(word(t), 1.f);
  M::sync();
  const float x = M::shared_load(word(t ^ 33));
  M::shared_store(word(t), x);
}
void two_writers(const buffers&) { M::shared_store(word(M::thread() / 2), static_cast<float>(M::thread())); }
void nothing_there(const buffers&) { M::shared_load(word(M::thread())); }
void left_by_another_block(const buffers&) {
  if (M::block() == 0) M::shared_store(word(M::thread()), 1.f);
  else M::shared_load(word(M::thread()));
}
void past_shared(const buffers&) { M::shared_store(word(M::thread() + 1), 1.f); }
void misaligned_shared(const buffers&) { M::shared_store(reinterpret_cast<double*>(word(1)), 1.0); }

// ---- together
void half_a_barrier(const buffers&) {
  if (M::thread() < 32) M::sync();
}
void two_barriers(const buffers&) {
  if (M::thread() < 32) M::sync();
  else M::sync();
}
void one_barrier_more(const buffers&) {
  for (int k = 0; k < 2 + M::thread() / 32; ++k) M::sync();
}
void half_a_shuffle(const buffers&) {
  if (M::thread() % 2 == 0) M::shuffle_xor(1.f, 2);
}
void barrier_or_shuffle(const buffers&) {
  if (M::thread() == 5 || M::thread() >= 32) M::sync();
  else M::shuffle_xor(1.f, 1);
}
void two_masks(const buffers&) { M::shuffle_xor(1.f, M::thread() < 16 ? 1 : 2); }

// ---- global memory
void past_the_end(const buffers& b) { M::global_load(b.x + 16 * M::thread()); }
void before_the_start(const buffers& b) { M::global_load(b.x - 1); }
void vector_past_the_end(const buffers& b) {
  std::uint32_t w[4]{};
  M::store<16>(b.y + 4 * M::thread() + 4, w);
}
void misaligned(const buffers& b) {
  std::uint32_t w[4];
  M::load<16, true>(w, b.x + M::thread());
}
void misaligned_half(const buffers& b) {
  std::uint32_t w[2];
  M::load<8, false>(w, b.x + M::thread());
}
void no_buffer(const buffers& b) {
  if (M::thread() == 7) M::global_load(static_cast<const float*>(nullptr));
  M::global_store(b.y + M::thread(), 1.f);
}
void read_before_written(const buffers& b) { M::global_load(b.y + M::thread()); }
void threads_write_one(const buffers& b) { M::global_store(b.y, static_cast<float>(M::thread())); }
void blocks_write_one(const buffers& b) { M::global_store(b.y + M::thread(), static_cast<float>(M::block())); }
void block_reads_block(const buffers& b) {
  M::global_store(b.y + 64 * M::block() + M::thread(), static_cast<float>(M::block()));
  M::sync();
  if (M::block() == 1) M::global_load(b.y + M::thread());
  else M::global_load(b.y + 64 + M::thread());
}
void constant_that_changes(const buffers& b) {
  std::uint32_t w[1]{};
  M::store<4>(b.y + M::thread(), w);
  M::load<4, true>(w, b.y + M::thread());
}

// ---- launches
template <int Threads, int Shared> struct sized {
  using arguments = buffers;
  static constexpr int threads = Threads, min_blocks = 0, shared = Shared;
  static void run(const buffers& b) { M::global_load(b.x); }
};
struct part_of_a_warp : sized<40, 0> {
  static void run(const buffers&) { M::shuffle_xor(1, 1); }
};

TEST_CASE("kernels without a mistake") {
  expect<sum_of_block>("", 4);
  expect<same_numbers>("", 2);
  expect<leaves_early>("", 3);
  expect<half_by_half>("");
  expect<copies>("");
}
TEST_CASE("shared memory") {
  expect<no_barrier>("of shared memory, which ");
  expect<shuffle_for_barrier>("writes without a barrier between");
  expect<write_after_read>("without a barrier between");
  expect<two_writers>("writes without a barrier between");
  expect<nothing_there>("which nobody has written");
  expect<left_by_another_block>("which nobody has written", 4);
  expect<past_shared>("writes 4 bytes at byte 256 of shared memory, past its end: it has 256");
  expect<misaligned_shared>("writes 8 bytes at byte 4 of shared memory, which is not aligned");
}
TEST_CASE("barriers of some threads, and copies") {
  expect<other_half>("of shared memory, which ");
  expect<half_too_many>("wait for each other: thread 0 at the barrier of emulated_faults.cpp:");
  expect<copy_not_waited_for>("which nobody has written");
  expect<copy_not_shared>("of shared memory, which ");
  expect<copy_over_what_is_read>("of shared memory, which ");
}
TEST_CASE("barriers and shuffles") {
  expect<half_a_barrier>("the barrier of emulated_faults.cpp:");
  expect<two_barriers>("waits at that of emulated_faults.cpp:");
  expect<one_barrier_more>("the barrier of emulated_faults.cpp:");
  expect<half_a_shuffle>("shuffle");
  expect<barrier_or_shuffle>("wait for each other: thread 5 at the barrier of emulated_faults.cpp:");
  expect<two_masks>("but its warp waits for a shuffle at");
  CHECK(fault_of<part_of_a_warp>(1, 1).find("its warp has fewer") != std::string::npos);
}
TEST_CASE("global memory") {
  expect<past_the_end>("of x, past its end: it has 4000");
  expect<before_the_start>("bytes that are in no buffer");
  expect<vector_past_the_end>("writes 16 bytes at byte 1024 of y, past its end: it has 1024");
  expect<misaligned>("of x, which is not aligned");
  expect<misaligned_half>("of x, which is not aligned");
  expect<no_buffer>("thread 7 of block 0 reads 4 bytes that are in no buffer");
  expect<read_before_written>("of y, which nobody has written");
  expect<threads_write_one>("at byte 0 of y, which thread");
  expect<blocks_write_one>("of y, which another block writes", 3);
  expect<block_reads_block>("of y, which ", 2);
  expect<constant_that_changes>("as constant, but wrote there before");
}
TEST_CASE("launches") {
  CHECK(fault_of<sized<1025, 0>>(1, 1) == "no block can have 1025 threads and 0 bytes of shared memory");
  CHECK(fault_of<sized<64, 300000>>(1, 1).find("300000 bytes") != std::string::npos);
  CHECK(fault_of<sized<1, 0>>(1, 1) == "thread 0 of block 0 reads global memory before begin_dependent");
}

}  // namespace
