#pragma once
/// A machine that runs the text of the kernels without a GPU and watches them: every CUDA thread is a fibre, and blocks run one after
/// another, threads and blocks in an order that a seed chooses.
///
/// It reports as kernel_fault: a barrier that not all threads of a block reach, or a shuffle that not all lanes of a warp reach; an access
/// that is not aligned or outside of its buffer; reading what nobody wrote; two threads that touch the same memory without a barrier
/// between (found from the record of accesses, whatever the order was). Pointers that kernels get cannot be followed but by the machine.
#include "launch.hpp"

#ifndef __CUDACC__
#include <algorithm>
#include <bit>
#include <cmath>
#include <exception>
#include <memory>

#include "emulated_memory.hpp"
#include "fibre.hpp"

namespace thunder::cuda {

/// The line of a kernel's text that calls the machine.
struct call_site {
  const char* file;
  int line;
  constexpr call_site(const char* f = __builtin_FILE(), int l = __builtin_LINE()) : file(f), line(l) {}
  bool operator==(const call_site& o) const { return line == o.line && file == o.file; }
  std::string text() const {
    const std::string path = file;
    return path.substr(path.find_last_of('/') + 1) + ":" + std::to_string(line);
  }
};

/// Numbers that a seed determines.
class random_numbers {
 public:
  explicit random_numbers(std::uint64_t seed) : state_(seed * 2 + 1) {}
  std::uint32_t next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(state_ >> 33);
  }
  int below(std::size_t n) { return static_cast<int>(std::uint64_t{next()} * n >> 31); }
  template <class T> void shuffle(std::vector<T>& x, std::size_t from = 0) {
    for (std::size_t k = x.size(); k > from + 1; --k) std::swap(x[k - 1], x[from + static_cast<std::size_t>(below(k - from))]);
  }

 private:
  std::uint64_t state_;
};

/// One launch at a time: its threads, and what they wait for.
class emulation {
 public:
  static constexpr int most_threads = 1024, most_shared = 227 * 1024, warp = 32;
  static inline thread_local emulation* current = nullptr;

  explicit emulation(std::uint64_t seed) : random_(seed) {}

  global_memory& memory() { return memory_; }
  int thread() const { return when_.thread; }
  int block() const { return block_; }
  char* shared() const { return shared_addresses_.first(); }

  void launch(unsigned blocks, int threads, int shared, fibre::function body, void* argument) {
    const std::string sizes = std::to_string(threads) + " threads and " + std::to_string(shared) + " bytes of shared memory";
    if (threads < 1 || threads > most_threads || shared < 0 || shared > most_shared) throw kernel_fault("no block can have " + sizes);
    blocks_ = static_cast<int>(blocks), body_ = body, argument_ = argument;
    threads_.assign(static_cast<std::size_t>(threads), {});
    warps_.assign(static_cast<std::size_t>((threads + warp - 1) / warp), {});
    names_.assign(threads_.size(), 0);
    when_.names = names_.data();
    auto& pool = fibres();
    while (pool.size() < threads_.size()) pool.push_back(std::make_unique<fibre>());
    when_.launch = ++when_.now;
    std::vector<int> order;
    for (int b = 0; b < blocks_; ++b) order.push_back(b);
    random_.shuffle(order);
    emulation* const outer = std::exchange(current, this);
    try {
      for (int b : order) run_block(b, static_cast<std::size_t>(shared));
    } catch (...) {
      current = outer;
      throw;
    }
    current = outer;
  }

  // ---- what threads ask for
  void begin_dependent() { self().begun = true; }
  void sync(call_site at) {
    for (std::size_t k = 0; k < threads_.size(); ++k) {
      if (arrived_ == 0 && ended_ == 0) break;
      const auto& t = threads_[k];
      if (t.state == waits_for::nothing_more) fail("comes to the barrier of " + at.text() + ", but thread " + std::to_string(k) + " has ended");
      if (t.state == waits_for::block && !(t.at == at)) fail("comes to the barrier of " + at.text() + ", but thread " + std::to_string(k) + " waits at that of " + t.at.text());
      if (t.state == waits_for::block) break;  // those that wait agree
    }
    self().state = waits_for::block, self().at = at;
    if (++arrived_ == static_cast<int>(threads_.size())) {
      arrived_ = 0, when_.synced = ++when_.now;
      wake(0, threads_.size());
    }
    pause();
  }
  void sync_some(int name, int count, call_site at) {
    if (name < 1 || name > 15 || count < warp || count % warp != 0) fail("comes to a barrier of " + std::to_string(count) + " threads with the name " + std::to_string(name) + " at " + at.text());
    some_threads& b = some_[name];
    if (b.arrived == 0) b.count = count, b.at = at;
    if (b.count != count || !(b.at == at)) fail("comes to the barrier of " + at.text() + ", but others wait with the same name at that of " + b.at.text());
    self().state = waits_for::some, self().at = at, self().name = name;
    if (++b.arrived == count) {
      b.arrived = 0, when_.named[name] = ++when_.now;
      const std::size_t before = ready_.size();
      for (std::size_t k = 0; k < threads_.size(); ++k)
        if (threads_[k].state == waits_for::some && threads_[k].name == name) threads_[k].state = waits_for::a_turn, names_[k] = static_cast<std::uint8_t>(name), ready_.push_back(static_cast<int>(k));
      random_.shuffle(ready_, before);
    }
    pause();
  }
  std::uint64_t shuffle(std::uint64_t x, int mask, call_site at) {
    const std::size_t me = static_cast<std::size_t>(thread()), first = me / warp * warp;
    one_warp& w = warps_[me / warp];
    if (first + warp > threads_.size()) fail("shuffles at " + at.text() + " with 32 lanes, but its warp has fewer");
    if (mask < 0 || mask >= warp) fail("shuffles at " + at.text() + " with a lane that is in no warp");
    if (w.arrived == 0) w.mask = mask, w.at = at;
    if (!(w.at == at) || w.mask != mask) fail("shuffles at " + at.text() + " by " + std::to_string(mask) + ", but its warp waits for a shuffle at " + w.at.text() + " by " + std::to_string(w.mask));
    for (std::size_t k = first; w.ended > 0 && k < first + warp; ++k)
      if (threads_[k].state == waits_for::nothing_more) fail("shuffles at " + at.text() + ", but thread " + std::to_string(k) + " of its warp has ended");
    self().state = waits_for::warp, self().at = at;
    w.given[me - first] = x;
    if (++w.arrived == warp) {
      w.arrived = 0;
      for (std::size_t k = 0; k < warp; ++k) w.taken[k] = w.given[k ^ static_cast<std::size_t>(mask)];
      wake(first, first + warp);
    }
    pause();
    return w.taken[me - first];
  }
  void shared_load(void* to, const void* p, std::size_t bytes, call_site at) {
    const std::size_t offset = shared_offset(p, bytes, "reads", at);
    if (const auto wrong = shared_history_.read(offset, bytes, when_); !wrong.empty()) fail_shared("reads", bytes, offset, wrong, at);
    std::memcpy(to, shared_.data() + offset, bytes);
  }
  void shared_store(void* p, const void* from, std::size_t bytes, call_site at) {
    const std::size_t offset = shared_offset(p, bytes, "writes", at);
    if (const auto wrong = shared_history_.write(offset, bytes, when_); !wrong.empty()) fail_shared("writes", bytes, offset, wrong, at);
    std::memcpy(shared_.data() + offset, from, bytes);
  }
  /// The bytes arrive as late as they may: when the thread waits for them.
  void copy_async(void* to, const void* from, std::size_t bytes, call_site at) {
    if (bytes < 4) fail("copies " + std::to_string(bytes) + " bytes to shared memory (" + at.text() + "), but 4 are the least");
    copy c{shared_offset(to, bytes, "copies", at), bytes, self().commits, at, {}};
    load(c.data, from, bytes, true);
    if (const auto wrong = shared_history_.write(c.offset, bytes, when_); !wrong.empty()) fail_shared("copies to", bytes, c.offset, wrong, at);
    shared_history_.forget(c.offset, bytes);
    self().copies.push_back(c);
  }
  void commit_copies() { ++self().commits; }
  void wait_copies(int but) {
    auto& t = self();
    std::size_t kept = 0;
    for (copy& c : t.copies) {
      if (c.group >= t.commits - but) t.copies[kept++] = c;
      else shared_store(shared() + c.offset, c.data, c.bytes, c.at);
    }
    t.copies.resize(kept);
  }
  void load(void* to, const void* p, std::size_t bytes, bool constant) {
    if (!self().begun) fail("reads global memory before begin_dependent");
    if (const auto wrong = memory_.read(to, p, bytes, when_, constant); !wrong.empty()) fail(wrong);
  }
  void store(void* p, const void* from, std::size_t bytes) {
    if (!self().begun) fail("writes global memory before begin_dependent");
    if (const auto wrong = memory_.write(p, from, bytes, when_); !wrong.empty()) fail(wrong);
  }

 private:
  enum class waits_for : std::uint8_t { a_turn, block, some, warp, nothing_more };
  struct copy {
    std::size_t offset, bytes;
    int group;
    call_site at;
    char data[16];
  };
  struct one_thread {
    waits_for state = waits_for::a_turn;
    bool begun = false;
    int name = 0, commits = 0;
    call_site at{"", 0};
    std::vector<copy> copies{};
  };
  struct some_threads {
    int arrived = 0, count = 0;
    call_site at{"", 0};
  };
  struct one_warp {
    int arrived = 0, ended = 0, mask = 0;
    call_site at{"", 0};
    std::uint64_t given[warp]{}, taken[warp]{};
  };

  static std::vector<std::unique_ptr<fibre>>& fibres() {
    static thread_local std::vector<std::unique_ptr<fibre>> pool;
    return pool;
  }
  one_thread& self() { return threads_[static_cast<std::size_t>(thread())]; }
  [[noreturn]] void fail(const std::string& what) const { throw kernel_fault("thread " + std::to_string(thread()) + " of block " + std::to_string(block_) + " " + what); }
  [[noreturn]] void fail_shared(const char* verb, std::size_t bytes, std::size_t offset, const std::string& wrong, call_site at) const {
    fail(verb + (" " + std::to_string(bytes)) + " bytes at byte " + std::to_string(offset) + " of shared memory" + wrong + " (" + at.text() + ")");
  }
  std::size_t shared_offset(const void* p, std::size_t bytes, const char* verb, call_site at) const {
    const auto offset = reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(shared());
    if (offset > shared_.size() || bytes > shared_.size() - offset) fail_shared(verb, bytes, offset, ", past its end: it has " + std::to_string(shared_.size()), at);
    if (offset % bytes != 0) fail_shared(verb, bytes, offset, ", which is not aligned", at);
    return offset;
  }

  void pause() { fibres()[static_cast<std::size_t>(thread())]->pause(); }
  void wake(std::size_t from, std::size_t to) {
    const std::size_t before = ready_.size();
    for (std::size_t k = from; k < to; ++k) threads_[k].state = waits_for::a_turn, ready_.push_back(static_cast<int>(k));
    random_.shuffle(ready_, before);
  }
  static void run_thread(void* x) {
    emulation& e = *static_cast<emulation*>(x);
    try {
      e.body_(e.argument_);
      e.end_thread();
    } catch (...) {
      e.failure_ = std::current_exception();
    }
  }
  void end_thread() {
    one_warp& w = warps_[static_cast<std::size_t>(thread() / warp)];
    self().state = waits_for::nothing_more;
    ++ended_, ++w.ended;
    if (arrived_ > 0 || w.arrived > 0)
      for (std::size_t k = 0; k < threads_.size(); ++k) {
        const auto& t = threads_[k];
        const bool same_warp = static_cast<int>(k) / warp == thread() / warp;
        if (t.state == waits_for::block || (t.state == waits_for::warp && same_warp)) fail("ends while thread " + std::to_string(k) + " waits at the " + (t.state == waits_for::block ? "barrier" : "shuffle") + " of " + t.at.text());
      }
  }
  void run_block(int b, std::size_t shared) {
    block_ = b, when_.block = when_.synced = ++when_.now, arrived_ = ended_ = 0, failure_ = nullptr;
    shared_.assign(shared, '\xff');
    shared_history_.reset(shared, 1, false);
    ready_.clear();
    for (std::size_t k = 0; k < threads_.size(); ++k) {
      threads_[k] = {}, ready_.push_back(static_cast<int>(k));
      fibres()[k]->start(&run_thread, this);
    }
    for (auto& w : warps_) w.arrived = w.ended = 0;
    for (auto& s : some_) s.arrived = 0;
    for (auto& n : names_) n = 0;
    random_.shuffle(ready_);
    while (ready_.size() > 0) {
      // Mostly who was woken last, so that some run far ahead while others starve.
      const std::size_t k = random_.next() % 8 != 0 ? ready_.size() - 1 : static_cast<std::size_t>(random_.below(ready_.size()));
      when_.thread = ready_[k];
      ready_[k] = ready_.back();
      ready_.pop_back();
      fibres()[static_cast<std::size_t>(when_.thread)]->resume();
      if (failure_) std::rethrow_exception(failure_);
    }
    if (ended_ < static_cast<int>(threads_.size())) report_deadlock();
  }
  [[noreturn]] void report_deadlock() const {
    std::string who;
    for (waits_for what : {waits_for::block, waits_for::some, waits_for::warp})
      for (std::size_t k = 0; k < threads_.size(); ++k)
        if (threads_[k].state == what) {
          who += (who.empty() ? "thread " : ", thread ") + std::to_string(k) + " at the " + (what == waits_for::warp ? "shuffle" : "barrier") + " of " + threads_[k].at.text();
          break;
        }
    throw kernel_fault("the threads of block " + std::to_string(block_) + " wait for each other: " + who);
  }

  global_memory memory_;
  address_range shared_addresses_{most_shared};
  std::vector<char> shared_;
  access_history shared_history_;
  random_numbers random_;
  std::vector<one_thread> threads_;
  std::vector<one_warp> warps_;
  std::vector<int> ready_;
  std::vector<std::uint8_t> names_;
  some_threads some_[16];
  moment when_{0, 1, 1, 1, 1, {}, nullptr};  // what is written at epoch 1 was there before all launches
  int block_ = 0, blocks_ = 0, arrived_ = 0, ended_ = 0;
  fibre::function body_ = nullptr;
  void* argument_ = nullptr;
  std::exception_ptr failure_;
};

/// The machine as kernels see it: gpu's members (machine.hpp).
struct emulated {
  static constexpr machine_limits limits{};
  static constexpr int argument_bytes = 4096;  // of a kernel's arguments: less than the GPU's, so that tests need not many calls to exceed it

  static int thread() { return emulation::current->thread(); }
  static int block() { return emulation::current->block(); }
  static char* shared() { return emulation::current->shared(); }

  static void sync(call_site at = call_site()) { emulation::current->sync(at); }
  static void sync_some(int name, int count, call_site at = call_site()) { emulation::current->sync_some(name, count, at); }
  template <class T> static T shuffle_xor(T x, int mask, call_site at = call_site()) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &x, sizeof x);
    bits = emulation::current->shuffle(bits, mask, at);
    std::memcpy(&x, &bits, sizeof x);
    return x;
  }
  template <class T> static T shared_load(const T* p, call_site at = call_site()) {
    T x;
    emulation::current->shared_load(&x, p, sizeof x, at);
    return x;
  }
  template <class T> static void shared_store(T* p, T x, call_site at = call_site()) { emulation::current->shared_store(p, &x, sizeof x, at); }
  template <class T> static T global_load(const T* p) {
    T x;
    emulation::current->load(&x, p, sizeof x, false);
    return x;
  }
  template <class T> static void global_store(T* p, T x) { emulation::current->store(p, &x, sizeof x); }
  static void begin_dependent() { emulation::current->begin_dependent(); }

  template <int Bytes, bool Constant> static void load(std::uint32_t* w, const void* p) {
    static_assert(Bytes == 1 || Bytes == 2 || Bytes == 4 || Bytes == 8 || Bytes % 16 == 0);
    if constexpr (Bytes < 4) w[0] = 0;
    constexpr std::size_t one = Bytes < 16 ? Bytes : 16;
    for (std::size_t k = 0; k < Bytes; k += one) emulation::current->load(w + k / 4, static_cast<const char*>(p) + k, one, Constant);
  }
  template <int Bytes> static void load_cached(std::uint32_t* w, const void* p) { load<Bytes, true>(w, p); }
  template <int Bytes> static void store(void* p, const std::uint32_t* w) {
    static_assert(Bytes == 1 || Bytes == 2 || Bytes == 4 || Bytes == 8 || Bytes % 16 == 0);
    constexpr std::size_t one = Bytes < 16 ? Bytes : 16;
    for (std::size_t k = 0; k < Bytes; k += one) emulation::current->store(static_cast<char*>(p) + k, w + k / 4, one);
  }

  template <int Bytes> static void copy_async(char* to, const char* from, call_site at = call_site()) {
    constexpr std::size_t one = Bytes < 16 ? Bytes : 16;
    for (std::size_t k = 0; k < Bytes; k += one) emulation::current->copy_async(to + k, from + k, one, at);
  }
  static void commit_copies() { emulation::current->commit_copies(); }
  template <int N> static void wait_copies() { emulation::current->wait_copies(N); }
  template <int Bytes> static void shared_read(std::uint32_t* w, const char* from, call_site at = call_site()) {
    constexpr std::size_t one = Bytes < 16 ? Bytes : 16;
    for (std::size_t k = 0; k < Bytes; k += one) emulation::current->shared_load(w + k / 4, from + k, one, at);
  }

  static float as_float(std::uint32_t w) { return std::bit_cast<float>(w); }
  static std::uint32_t as_word(float x) { return std::bit_cast<std::uint32_t>(x); }
  static double as_double(std::uint32_t low, std::uint32_t high) { return std::bit_cast<double>(std::uint64_t{high} << 32 | low); }
  static std::uint64_t double_bits(double x) { return std::bit_cast<std::uint64_t>(x); }

  static float unpack_bf16(std::uint32_t w, bool upper, std::uint32_t opaque) { return as_float((upper ? w & 0xffff0000u : w << 16) | (opaque & 0xffu) * 0x101u); }
  static std::uint32_t pack_bf16(float low, float high) { return bf16(low).bits | static_cast<std::uint32_t>(bf16(high).bits) << 16; }
  static float unpack_f16(std::uint32_t w, bool upper, std::uint32_t) {
    f16 x;
    x.bits = static_cast<std::uint16_t>(upper ? w >> 16 : w);
    return x;
  }
  static std::uint32_t pack_f16(float low, float high) { return f16(low).bits | static_cast<std::uint32_t>(f16(high).bits) << 16; }

  template <bool Fast> static float exp(float x) { return std::exp(x); }
  template <bool Fast> static float tanh(float x) { return std::tanh(x); }
  static float log(float x) { return std::log(x); }
  template <bool Fast> static float divide(float a, float b) { return a / b; }
  template <bool Fast> static float rsqrt(float x) { return 1 / std::sqrt(x); }
  static float sqrt(float x) { return std::sqrt(x); }
  static float erf(float x) { return std::erf(x); }
  static float expm1(float x) { return std::expm1(x); }
  static float log1p(float x) { return std::log1p(x); }
  static float sin(float x) { return std::sin(x); }
  static float cos(float x) { return std::cos(x); }
  static float pow(float a, float b) { return std::pow(a, b); }
  static float floor(float x) { return std::floor(x); }
  static float ceil(float x) { return std::ceil(x); }
  static float trunc(float x) { return std::trunc(x); }
  static float round(float x) { return std::rint(x); }
  static float abs(float x) { return std::fabs(x); }
  static float maximum(float a, float b) { return a != a || a > b ? a : b; }
  static float minimum(float a, float b) { return a != a || a < b ? a : b; }
};

/// The Device of launch.hpp.
class emulated_device {
 public:
  using machine = emulated;

  explicit emulated_device(std::uint64_t seed = 0, int resident_blocks = 6, int shared_bytes = emulation::most_shared)
      : emulation_(seed), resident_(resident_blocks), shared_(shared_bytes) {}
  emulation& running() { return emulation_; }
  template <class T> T* add(std::string name, T* p, std::size_t count, bool written = true) {
    return static_cast<T*>(emulation_.memory().add(std::move(name), const_cast<std::remove_const_t<T>*>(p), count * sizeof(T), sizeof(T), written));
  }

  template <class Kernel> int resident(int) const { return resident_; }
  int shared_room(int blocks) const { return shared_ / blocks; }
  void* workspace(std::size_t bytes) {
    auto& w = workspaces_.emplace_back(bytes, '\xff');
    return emulation_.memory().add("the workspace", w.data(), bytes, 1, false);
  }
  template <class Kernel> void start(unsigned blocks, const typename Kernel::arguments& a, int shared = Kernel::shared) {
    using arguments = typename Kernel::arguments;
    auto body = [](void* x) { Kernel::run(*static_cast<const arguments*>(x)); };
    emulation_.launch(blocks, Kernel::threads, shared, body, const_cast<arguments*>(&a));
  }

 private:
  std::deque<std::vector<char>> workspaces_;
  emulation emulation_;
  int resident_, shared_;
};

/// Runs a region's kernels on the emulated machine, for each call. A call's buffers are in the host's memory (an output may be an input);
/// resident_blocks: how many a persistent kernel gets; Device: emulated_device, or one with other limits. Throws kernel_fault, also if an
/// element of an output is not written.
template <class Region, class Device = emulated_device, int Count> void emulate(const region_call (&calls)[Count], std::uint64_t seed = 0, int resident_blocks = 6) {
  using traits = region_traits<Region>;
  constexpr auto& plan = traits::plan;
  Device device(seed, resident_blocks);
  global_memory& memory = device.running().memory();
  const void* from[Count][traits::inputs + 1]{};
  void* to[Count][traits::outputs]{};
  region_call there[Count];
  auto name = [&](const char* what, int i, int k) { return what + std::to_string(i) + (Count > 1 ? " of call " + std::to_string(k) : ""); };
  for (int k = 0; k < Count; ++k) {
    const region_call& c = calls[k];
    auto elements = [&](unsigned mask) {
      std::int64_t n = 1;
      for (int d = 0; d < traits::dims; ++d)
        if (mask >> plan.group[d] & 1) n *= traits::extent[d] < 0 ? c.dims[-1 - traits::extent[d]] : traits::extent[d];
      return static_cast<std::size_t>(n);
    };
    for (int i = 0; i < traits::inputs; ++i) {
      const auto size = static_cast<std::size_t>(size_of(plan.value[i].type));
      from[k][i] = memory.add(name("input ", i, k), const_cast<void*>(c.inputs[i]), elements(plan.value[i].mask) * size, size, true);
    }
    for (int o = 0; o < traits::outputs; ++o) {
      const auto size = static_cast<std::size_t>(size_of(plan.output[o].type));
      for (int i = 0; i < traits::inputs; ++i)
        if (c.inputs[i] == c.outputs[o] && elements(plan.value[i].mask) > 0) to[k][o] = const_cast<void*>(from[k][i]);  // in place
      if (!to[k][o]) to[k][o] = memory.add(name("output ", o, k), c.outputs[o], elements(plan.output[o].mask) * size, size, false);
    }
    there[k] = {from[k], to[k], c.dims};
  }
  run_fused<Region>(device, there);
  for (int k = 0; k < Count; ++k)
    for (int o = 0; o < traits::outputs; ++o)
      if (const auto e = memory.history(to[k][o]).unwritten(); e >= 0) throw kernel_fault("no thread writes element " + std::to_string(e) + " of " + name("output ", o, k));
}
/// The same for one call. in[i], out[o]: the region's buffers; dims: its run-time extents.
template <class Region, class Device = emulated_device>
void emulate(const void* const* in, void* const* out, const std::int64_t* dims, std::uint64_t seed = 0, int resident_blocks = 6) {
  const region_call calls[]{{in, out, dims}};
  emulate<Region, Device>(calls, seed, resident_blocks);
}

}  // namespace thunder::cuda
#endif
