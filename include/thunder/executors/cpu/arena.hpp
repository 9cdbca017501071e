#pragma once
/// Working memory of the loops: a few buffers for each thread that grow and stay, so that a call allocates nothing.
#include <cstddef>
#include <new>

namespace thunder::cpu {

/// What a buffer is for: a thread may use one of each at a time.
enum class purpose { scratch_rows, column_accumulators, partial_results, sorted_entries, matmul_operands, count };

/// At least `bytes` bytes, aligned to a cache line; valid until this thread asks again for the same purpose.
inline void* working_memory(purpose p, std::size_t bytes) {
  struct buffers {
    void* memory[static_cast<int>(purpose::count)]{};
    std::size_t size[static_cast<int>(purpose::count)]{};
    ~buffers() {
      for (void* m : memory) ::operator delete (m, std::align_val_t{64});
    }
  };
  static thread_local buffers own;
  const auto i = static_cast<std::size_t>(p);
  if (own.size[i] < bytes) {
    ::operator delete (own.memory[i], std::align_val_t{64});
    own.memory[i] = nullptr, own.size[i] = 0;
    own.memory[i] = ::operator new (bytes, std::align_val_t{64});
    own.size[i] = bytes;
  }
  return own.memory[i];
}

}  // namespace thunder::cpu
