#pragma once
/// Large blocks of CPU memory that were released, kept for whoever asks for as much next. The system hands memory over page by page and cleared,
/// which takes longer than a fused loop over it: a program whose results replace each other would spend most of its time there.
#include <cstddef>
#include <new>
#if __has_include(<sys/mman.h>)
#include <sys/mman.h>
#endif

namespace thunder {

/// At most 16 blocks, the oldest is given up first. Any thread may call all functions.
class kept_blocks {
 public:
  /// Blocks below this size are malloc's business, which keeps them itself.
  static constexpr std::size_t smallest = std::size_t{4} << 20;

  /// A block of at least `bytes` bytes, bytes >= smallest, aligned to 2 MB; null if there is no such memory.
  static void* allocate(std::size_t bytes) noexcept {
    const std::size_t size = rounded(bytes);
    if (size < bytes) return nullptr;
    void* p = take(size);
    for (int attempt = 0; !p && attempt < 2; ++attempt) {
      p = ::operator new(size, std::align_val_t(page), std::nothrow);
      if (!p) give_up_all();
#ifdef MADV_HUGEPAGE  // pages of 2 MB, where Linux has them on or at "madvise": far fewer faults than with those of 4 kB
      else madvise(p, size, MADV_HUGEPAGE);
#endif
    }
    return p;
  }
  /// `bytes`: as allocate was asked for.
  static void release(void* p, std::size_t bytes) noexcept {
    block b{p, rounded(bytes)};
    while (b.data) {
      block out = b;  // what goes back to the system
      {
        const guard g;
        if (b.bytes <= limit_) {
          if (count_ < most && total_ + b.bytes <= limit_) {
            blocks_[count_++] = b, total_ += b.bytes;
            return;
          }
          out = remove(0);
        } else {
          b.data = nullptr;
        }
      }
      ::operator delete(out.data, std::align_val_t(page));
    }
  }
  /// How many bytes are kept at most, 256 MB unless this was called (none under AddressSanitizer). 0: none.
  static void limit(std::size_t bytes) noexcept {
    {
      const guard g;
      limit_ = bytes;
    }
    give_up_all();
  }
  /// How many bytes are kept now.
  static std::size_t total() noexcept {
    const guard g;
    return total_;
  }

 private:
  static constexpr std::size_t page = std::size_t{2} << 20;
  static constexpr int most = 16;
  struct block {
    void* data;
    std::size_t bytes;
  };
  struct guard {
    guard() noexcept { while (__atomic_test_and_set(&busy_, __ATOMIC_ACQUIRE)) {} }
    ~guard() { __atomic_clear(&busy_, __ATOMIC_RELEASE); }
  };

  static constexpr std::size_t rounded(std::size_t bytes) { return (bytes + page - 1) / page * page; }
  static block remove(int k) noexcept {
    const block b = blocks_[k];
    for (--count_; k < count_; ++k) blocks_[k] = blocks_[k + 1];
    total_ -= b.bytes;
    return b;
  }
  static void* take(std::size_t bytes) noexcept {
    const guard g;
    for (int k = count_; k-- > 0;)
      if (blocks_[k].bytes == bytes) return remove(k).data;
    return nullptr;
  }
  static void give_up_all() noexcept {
    for (block b;;) {
      {
        const guard g;
        if (count_ == 0) return;
        b = remove(0);
      }
      ::operator delete(b.data, std::align_val_t(page));
    }
  }

  // Never destroyed: a tensor of static storage may be released after everything else.
  static inline bool busy_ = false;  // (<atomic> takes compilers a tenth of a second)
  static inline block blocks_[most];
  static inline int count_ = 0;
#if defined(__SANITIZE_ADDRESS__)
  static constexpr std::size_t usual = 0;  // so that AddressSanitizer sees what is used after its release
#else
  static constexpr std::size_t usual = std::size_t{256} << 20;
#endif
  static inline std::size_t total_ = 0, limit_ = usual;
};

}  // namespace thunder
