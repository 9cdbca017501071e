#pragma once
/// Fibres: functions with stacks of their own that take turns on one thread of the operating system. The threads of the emulated machine
/// (emulation.hpp).
#include <sys/mman.h>
#include <ucontext.h>

#include <cstddef>
#include <cstdint>
#include <new>

// AddressSanitizer wants to know of every change of the stack; null where it is not linked.
extern "C" {
[[gnu::weak]] void __sanitizer_start_switch_fiber(void** kept, const void* bottom, std::size_t size);
[[gnu::weak]] void __sanitizer_finish_switch_fiber(void* kept, const void** bottom, std::size_t* size);
}

namespace thunder::cuda {

#if defined(__x86_64__)
/// Where a suspended stack goes on. By hand, because swapcontext asks the kernel for the signal mask each time: some 30 times as slow.
struct suspended {
  void* top = nullptr;

  void begin(void* stack, std::size_t size, void (*entry)()) {
    void** p = reinterpret_cast<void**>(static_cast<char*>(stack) + size) - 2;
    *p = reinterpret_cast<void*>(entry);  // what the switch returns to, with the stack as after a call
    for (int i = 0; i < 6; ++i) *--p = nullptr;
    top = p;
  }
  static void change(suspended& from, suspended& to) { change_stack(&from.top, to.top); }
  /// Pushes the registers that a function must keep, and pops those of the other stack.
  [[gnu::naked, gnu::noinline]] static void change_stack([[maybe_unused]] void** from, [[maybe_unused]] void* to) {
    asm("pushq %rbp\n\tpushq %rbx\n\tpushq %r12\n\tpushq %r13\n\tpushq %r14\n\tpushq %r15\n\t"
        "movq %rsp, (%rdi)\n\tmovq %rsi, %rsp\n\t"
        "popq %r15\n\tpopq %r14\n\tpopq %r13\n\tpopq %r12\n\tpopq %rbx\n\tpopq %rbp\n\tret");
  }
};
#else
struct suspended {
  ucontext_t context;

  void begin(void* stack, std::size_t size, void (*entry)()) {
    getcontext(&context);
    context.uc_stack.ss_sp = stack, context.uc_stack.ss_size = size, context.uc_link = nullptr;
    makecontext(&context, entry, 0);
  }
  static void change(suspended& from, suspended& to) { swapcontext(&from.context, &to.context); }
};
#endif

/// One fibre. Its function must not throw; one that is suspended for good may be destroyed or started again: nothing on its stack is.
class fibre {
 public:
  using function = void (*)(void*);

  fibre() {
    memory_ = static_cast<char*>(mmap(nullptr, guard + size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
    mprotect(memory_, guard, PROT_NONE);
  }
  fibre(const fibre&) = delete;
  ~fibre() { munmap(memory_, guard + size); }

  /// The next resume() begins f(x).
  void start(function f, void* x) {
    function_ = f, argument_ = x;
    if (waits_) return;
    inside_.begin(memory_ + guard, size, &entry);
  }
  /// Runs it until it pauses or ends.
  void resume() {
    running_ = this;
    if (__sanitizer_start_switch_fiber) __sanitizer_start_switch_fiber(&outer_kept_, memory_ + guard, size);
    suspended::change(outside_, inside_);
    if (__sanitizer_finish_switch_fiber) __sanitizer_finish_switch_fiber(outer_kept_, nullptr, nullptr);
  }
  /// From inside: back to who resumed it.
  void pause() {
    if (__sanitizer_start_switch_fiber) __sanitizer_start_switch_fiber(&kept_, outer_bottom_, outer_size_);
    suspended::change(inside_, outside_);
    if (__sanitizer_finish_switch_fiber) __sanitizer_finish_switch_fiber(kept_, &outer_bottom_, &outer_size_);
  }

 private:
  static constexpr std::size_t guard = 4096, size = 252 * 1024;
  static void entry() {
    fibre& f = *running_;
    if (__sanitizer_finish_switch_fiber) __sanitizer_finish_switch_fiber(nullptr, &f.outer_bottom_, &f.outer_size_);
    for (;;) {
      f.waits_ = false;
      f.function_(f.argument_);
      f.waits_ = true;
      f.pause();
    }
  }
  static inline thread_local fibre* running_ = nullptr;

  char* memory_;
  function function_ = nullptr;
  void* argument_ = nullptr;
  bool waits_ = false;  // at the end of its function, for another
  suspended inside_, outside_;
  void *kept_ = nullptr, *outer_kept_ = nullptr;
  const void* outer_bottom_ = nullptr;
  std::size_t outer_size_ = 0;
};

}  // namespace thunder::cuda
