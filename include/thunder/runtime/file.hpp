#pragma once
/// Files that are read with their size known, and written all or nothing.
#include <fcntl.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "../core/error.hpp"

namespace thunder {

static_assert(std::endian::native == std::endian::little, "thunder's files are little endian");

[[noreturn]] inline void throw_io_error(const std::string& path, const std::string& what) {
  throw_error<io_error>({"the file '", path, "' ", what});
}

/// A place in a text that is read from front to back. What counts as space between two words is the format's.
class text_cursor {
 protected:
  text_cursor(std::string_view text, std::string_view spaces) : text_(text), spaces_(spaces) {}
  void space() {
    while (at_ < text_.size() && spaces_.find(text_[at_]) != std::string_view::npos) ++at_;
  }
  /// Steps over c if it comes next, after space.
  bool next_is(char c) {
    space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  std::string_view text_, spaces_;
  std::size_t at_ = 0;
};

/// A text of a file, for a message: in quotes, on one line, not longer than a line.
inline std::string in_quotes(std::string_view text) {
  constexpr std::size_t most = 80;
  std::string r = "'";
  for (const char c : text.substr(0, most)) r += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  if (text.size() > most) {
    for (auto cut = most; cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80; --cut) r.pop_back();  // a whole character
    r += "...";
  }
  return r + "'";
}

/// A regular file open for reading.
class file_reader {
 public:
  /// Throws io_error if there is no such regular file.
  explicit file_reader(const std::string& path) : path_(path), handle_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (handle_ < 0) fail(text_of({"cannot be opened: ", std::strerror(errno)}));
    // Without <sys/stat.h>, which would be part of every user's file: of a folder nothing can be read, a pipe has no end to seek.
    char none;
    const auto end = ::read(handle_, &none, 0) < 0 ? -1 : ::lseek(handle_, 0, SEEK_END);
    if (end < 0 || ::lseek(handle_, 0, SEEK_SET) != 0) close(), fail("is not a regular file");
    size_ = static_cast<std::uint64_t>(end);
  }
  file_reader(const file_reader&) = delete;
  ~file_reader() { close(); }

  std::uint64_t size() const { return size_; }
  const std::string& path() const { return path_; }
  /// Reads exactly `bytes` bytes from where the last read ended. Throws io_error if the file ends before.
  void read(void* to, std::size_t bytes) {
    auto* p = static_cast<char*>(to);
    while (bytes) {
      const auto n = ::read(handle_, p, bytes < chunk ? bytes : chunk);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail(text_of({"cannot be read: ", std::strerror(errno)}));
      if (n == 0) fail("ends too early");
      p += n, bytes -= static_cast<std::size_t>(n);
    }
  }
  /// Goes to a byte of the file.
  void seek(std::uint64_t at) {
    if (::lseek(handle_, static_cast<::off_t>(at), SEEK_SET) < 0) fail(text_of({"cannot be read: ", std::strerror(errno)}));
  }
  [[noreturn]] void fail(const std::string& what) const { throw_io_error(path_, what); }

 private:
  static constexpr std::size_t chunk = std::size_t{1} << 30;
  void close() {
    if (handle_ >= 0) ::close(handle_);
    handle_ = -1;
  }
  std::string path_;
  int handle_ = -1;
  std::uint64_t size_ = 0;
};

/// Writes `path + ".tmp"`, which commit() makes durable and renames to `path`: nobody ever sees half a file. Without
/// commit() the file at `path` stays as it was.
class file_writer {
 public:
  /// Throws io_error if the file cannot be created.
  explicit file_writer(const std::string& path)
      : path_(path),
        temporary_(path + ".tmp"),
        handle_(::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) {
    if (handle_ < 0) fail("created");
  }
  file_writer(const file_writer&) = delete;
  ~file_writer() {
    if (handle_ >= 0) ::close(handle_);
    if (!committed_) ::unlink(temporary_.c_str());
  }

  void write(const void* from, std::size_t bytes) {
    auto* p = static_cast<const char*>(from);
    while (bytes) {
      const auto n = ::write(handle_, p, bytes < chunk ? bytes : chunk);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail("written");
      p += n, bytes -= static_cast<std::size_t>(n);
    }
  }
  void commit() {
    if (::fsync(handle_) != 0) fail("written");
    const int h = handle_;
    handle_ = -1;
    if (::close(h) != 0) fail("written");
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail("written");
    committed_ = true;
    const auto slash = path_.rfind('/');  // the rename itself is durable once the folder is
    const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : path_.substr(0, slash);
    if (const int f = ::open(folder.c_str(), O_RDONLY | O_CLOEXEC); f >= 0) ::fsync(f), ::close(f);
  }

 private:
  static constexpr std::size_t chunk = std::size_t{1} << 30;
  [[noreturn]] void fail(const char* verb) {
    const int why = errno;
    throw_io_error(path_, text_of({"cannot be ", verb, ": ", std::strerror(why)}));
  }
  std::string path_, temporary_;
  int handle_ = -1;
  bool committed_ = false;
};

/// Whether all bytes are 0 or 1.
inline bool valid_bools(const void* data, std::size_t bytes) {
  auto* p = static_cast<const unsigned char*>(data);
  unsigned char all = 0;
  for (std::size_t i = 0; i < bytes; ++i) all |= p[i];
  return all < 2;
}

}  // namespace thunder
