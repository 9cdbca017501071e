#pragma once
/// The memory of the emulated machine (emulation.hpp): addresses that only the machine can follow, and a record of who touched what.
#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <deque>
#include <new>
#include <string>
#include <vector>

#include "../../core/error.hpp"

namespace thunder::cuda {

/// A kernel broke a rule of the machine. The message is a sentence that says which thread of which block did what.
struct kernel_fault : error { using error::error; };

/// Addresses that belong to nobody: following one without the machine is a segmentation fault.
class address_range {
 public:
  explicit address_range(std::size_t bytes) : bytes_(bytes), first_(static_cast<char*>(mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {
    if (first_ == MAP_FAILED) throw std::bad_alloc();
  }
  address_range(const address_range&) = delete;
  ~address_range() { munmap(first_, bytes_); }
  char* first() const { return first_; }
  std::size_t bytes() const { return bytes_; }

 private:
  std::size_t bytes_;
  char* first_;
};

/// Who accesses memory, and when. An epoch ends where a launch, a block or any barrier begins; blocks run one after another.
struct moment {
  static constexpr int several = 0xffff, several_of = 0x8000;  // instead of a thread; several_of + name: threads of one named barrier

  int thread = 0;
  std::uint32_t now = 0, block = 0, launch = 0;  // this epoch, and the first ones of this block and of this launch
  std::uint32_t synced = 0;                      // the first epoch after the last barrier of the whole block
  std::uint32_t named[16]{};                     // and after the last barrier of each name
  const std::uint8_t* names = nullptr;           // of threads: the barrier of some that it last came to, or 0

  int name() const { return names[thread]; }
  bool shares_name(int who) const { return name() != 0 && (who >= several_of ? who == several_of + name() : names[who] == name()); }
  /// Whether a barrier lies between what `who` did in this block and now.
  bool is_after(std::uint32_t when, int who) const { return when < synced || (shares_name(who) && when < named[name()]); }
};

/// Who wrote and read each cell of a piece of memory. Two threads conflict if they touch a cell, at least one writes, and no barrier of their
/// block is between; threads of two blocks of one launch conflict always. A shuffle is no barrier: it does not order memory.
class access_history {
 public:
  void reset(std::size_t bytes, std::size_t cell_bytes, bool written) {
    cell_bytes_ = cell_bytes;
    cells_.assign((bytes + cell_bytes - 1) / cell_bytes, cell{written ? 1u : 0u, 0, 0, 0, 0});
  }
  /// What is wrong with the access, as the end of a sentence that begins "thread 3 of block 1 reads 4 bytes of x"; empty: nothing.
  std::string read(std::size_t offset, std::size_t bytes, const moment& m, bool constant = false) {
    for (std::size_t k = offset / cell_bytes_; k <= (offset + bytes - 1) / cell_bytes_; ++k) {
      cell& c = cells_[k];
      if (c.wrote == 0) return ", which nobody has written";
      if (conflicts(c.wrote, c.writer, m)) return ", which " + name(c.wrote, c.writer, m) + " writes without a barrier between";
      if (constant && c.wrote >= m.launch) return " as constant, but wrote there before";
      if (c.read >= m.launch && c.read < m.block) c.read_elsewhere = m.launch;
      const bool alone = c.read < m.block || c.reader == m.thread || m.is_after(c.read, c.reader);
      c.reader = static_cast<std::uint16_t>(alone ? m.thread : m.shares_name(c.reader) ? moment::several_of + m.name() : moment::several);
      c.read = m.now;
    }
    return {};
  }
  /// harmless: the bytes there are the same already.
  std::string write(std::size_t offset, std::size_t bytes, const moment& m, bool harmless = false) {
    for (std::size_t k = offset / cell_bytes_; k <= (offset + bytes - 1) / cell_bytes_; ++k) {
      cell& c = cells_[k];
      if (!harmless && c.wrote != 0 && conflicts(c.wrote, c.writer, m)) return ", which " + name(c.wrote, c.writer, m) + " writes without a barrier between";
      if (conflicts(c.read, c.reader, m)) return ", which " + name(c.read, c.reader, m) + " reads without a barrier between";
      if (c.read_elsewhere == m.launch) return ", which another block reads";
      c.wrote = m.now, c.writer = static_cast<std::uint16_t>(m.thread);
    }
    return {};
  }
  /// As before anything was written, because a copy is under way.
  void forget(std::size_t offset, std::size_t bytes) {
    for (std::size_t k = offset / cell_bytes_; k <= (offset + bytes - 1) / cell_bytes_; ++k) cells_[k].wrote = 0;
  }
  /// The first cell that nobody has written, or -1.
  std::int64_t unwritten() const {
    for (std::size_t k = 0; k < cells_.size(); ++k)
      if (cells_[k].wrote == 0) return static_cast<std::int64_t>(k);
    return -1;
  }

 private:
  struct cell {
    std::uint32_t wrote, read, read_elsewhere;  // epochs; read_elsewhere: the launch in which an earlier block read
    std::uint16_t writer, reader;
  };
  static bool conflicts(std::uint32_t when, int who, const moment& m) { return when >= m.launch && (when < m.block || (who != m.thread && !m.is_after(when, who))); }
  static std::string name(std::uint32_t when, int who, const moment& m) {
    return when < m.block ? "another block" : who >= moment::several_of ? "more than one thread" : "thread " + std::to_string(who);
  }
  std::size_t cell_bytes_ = 1;
  std::vector<cell> cells_;
};

/// Global memory: the host's buffers, each at an address of its own, with nothing between them.
class global_memory {
 public:
  global_memory() : addresses_(std::size_t{1} << 34), next_(addresses_.first()) {}

  /// The address of `bytes` bytes at `memory` for kernels: a multiple of 16, and no more. cell: the bytes of an element; written: it has contents.
  void* add(std::string name, void* memory, std::size_t bytes, std::size_t cell, bool written) {
    buffer& b = buffers_.emplace_back();
    b.name = std::move(name), b.memory = static_cast<char*>(memory), b.bytes = bytes, b.address = next_ + 16;
    b.past.reset(bytes, cell, written);
    next_ += (bytes + 4096) / 256 * 256;
    if (next_ >= addresses_.first() + addresses_.bytes()) throw std::bad_alloc();
    return b.address;
  }
  const access_history& history(const void* address) { return find(static_cast<const char*>(address))->past; }

  /// What is wrong with reading or writing, as for access_history but from "reads 4 bytes" on; empty: nothing, and it is done.
  std::string read(void* to, const void* p, std::size_t bytes, const moment& m, bool constant) {
    buffer* b = find(static_cast<const char*>(p));
    if (const auto wrong = misplaced(b, p, bytes); !wrong.empty()) return "reads " + describe(b, p, bytes) + wrong;
    const std::size_t offset = static_cast<std::size_t>(static_cast<const char*>(p) - b->address);
    if (const auto wrong = b->past.read(offset, bytes, m, constant); !wrong.empty()) return "reads " + describe(b, p, bytes) + wrong;
    std::memcpy(to, b->memory + offset, bytes);
    return {};
  }
  std::string write(void* p, const void* from, std::size_t bytes, const moment& m) {
    buffer* b = find(static_cast<const char*>(p));
    if (const auto wrong = misplaced(b, p, bytes); !wrong.empty()) return "writes " + describe(b, p, bytes) + wrong;
    const std::size_t offset = static_cast<std::size_t>(static_cast<const char*>(p) - b->address);
    if (const auto wrong = b->past.write(offset, bytes, m, std::memcmp(b->memory + offset, from, bytes) == 0); !wrong.empty()) return "writes " + describe(b, p, bytes) + wrong;
    std::memcpy(b->memory + offset, from, bytes);
    return {};
  }

 private:
  struct buffer {
    std::string name;
    char *memory = nullptr, *address = nullptr;
    std::size_t bytes = 0;
    access_history past;
  };
  /// The last buffer that begins at p or before it.
  buffer* find(const char* p) {
    buffer* found = nullptr;
    for (buffer& b : buffers_)
      if (b.address <= p) found = &b;
    return found;
  }
  static std::string describe(const buffer* b, const void* p, std::size_t bytes) {
    if (!b) return std::to_string(bytes) + " bytes that are in no buffer";
    return std::to_string(bytes) + " bytes at byte " + std::to_string(static_cast<const char*>(p) - b->address) + " of " + b->name;
  }
  static std::string misplaced(const buffer* b, const void* p, std::size_t bytes) {
    if (!b) return " ";
    if (reinterpret_cast<std::uintptr_t>(p) % (bytes < 16 ? bytes : 16) != 0) return ", which is not aligned";
    if (static_cast<const char*>(p) + bytes > b->address + b->bytes) return ", past its end: it has " + std::to_string(b->bytes);
    return {};
  }
  address_range addresses_;
  char* next_;
  std::deque<buffer> buffers_;
};

}  // namespace thunder::cuda
