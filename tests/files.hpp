#pragma once
// What tests of files share.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <string>

/// What an exception says.
template <class Error, class F>
std::string message(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "no exception";
}

/// The path of a file that is removed in the end; in memory where there is such a folder.
struct temporary {
  std::string path;
  explicit temporary(const char* name)
      : path(::access("/dev/shm", W_OK) == 0 ? "/dev/shm/thunder_" : "/tmp/thunder_") {
    path += std::to_string(::getpid()) + "_" + name;
  }
  temporary(const temporary&) = delete;
  ~temporary() { ::unlink(path.c_str()); }
};
inline void put_file(const std::string& path, const std::string& bytes) {
  std::FILE* f = std::fopen(path.c_str(), "wb");
  REQUIRE(f);
  std::fwrite(bytes.data(), 1, bytes.size(), f);
  std::fclose(f);
}
inline std::string get_file(const std::string& path) {
  std::FILE* f = std::fopen(path.c_str(), "rb");
  REQUIRE(f);
  std::string r;
  char buffer[4096];
  for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, f)) > 0;) r.append(buffer, n);
  std::fclose(f);
  return r;
}
