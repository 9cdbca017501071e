// The reader of char_gpt's text: right data is read, and everything else becomes one clear sentence.
#include "char_gpt/text.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <map>

using namespace char_gpt;
namespace {

struct scratch {
  std::filesystem::path folder = std::filesystem::temp_directory_path() / ("thunder-text-" + std::to_string(getpid()));
  scratch() { std::filesystem::create_directories(folder); }
  ~scratch() { std::filesystem::remove_all(folder); }
  std::string write(const std::string& name, const std::string& data) const {
    const std::string path = (folder / name).string();
    std::ofstream(path, std::ios::binary) << data;
    return path;
  }
};

/// What compress(1) writes, without its three bytes of header; the table is emptied when it has `full` entries.
std::string compressed(const std::string& text, int full) {
  std::string out;
  std::vector<bool> group;
  int width = 9;
  auto flush = [&] {  // a group of eight codes
    if (!group.empty()) group.resize(static_cast<std::size_t>(width) * 8);
    for (std::size_t i = 0; i < group.size(); i += 8) {
      int byte = 0;
      for (std::size_t k = 0; k < 8; ++k) byte |= group[i + k] << k;
      out += static_cast<char>(byte);
    }
    group.clear();
  };
  auto put = [&](int code) {
    for (int k = 0; k < width; ++k) group.push_back(code >> k & 1);
    if (group.size() == static_cast<std::size_t>(width) * 8) flush();
  };
  std::map<std::string, int> table;
  auto code_of = [&](const std::string& s) { return s.size() == 1 ? static_cast<int>(static_cast<unsigned char>(s[0])) : table.at(s); };
  std::string known;
  int next = 257;
  bool first = true;  // the reader adds its entries one code later
  for (const char c : text) {
    if (known.empty() || table.count(known + c)) {
      known += c;
      continue;
    }
    put(code_of(known));
    if (!first && next < 1 << 16 && next == 1 << width && width < 16) flush(), ++width;
    first = false;
    table[known + c] = next++;
    known = c;
    if (next - 1 == full) {
      put(code_of(known)), known.clear();
      if (next == 1 << width) flush(), ++width;
      put(256), flush();
      width = 9, next = 257, first = true, table.clear();
    }
  }
  if (!known.empty()) put(code_of(known));
  const std::size_t bits = group.size();
  flush();
  out.resize(out.size() - (bits ? (static_cast<std::size_t>(width) * 8 - bits) / 8 : 0));
  return out;
}
std::string big_endian(std::size_t x) { return {static_cast<char>(x >> 24), static_cast<char>(x >> 16), static_cast<char>(x >> 8), static_cast<char>(x)}; }
std::string data_file(const std::vector<std::string>& windows, std::size_t window) {
  std::string file = "EC02Compressed Data File";
  file.resize(84);
  file += big_endian(window) + big_endian(windows.size());
  std::size_t at = 92 + 4 * (windows.size() + 1) + 3;
  for (const auto& w : windows) file += big_endian(at), at += w.size();
  file += big_endian(at) + "\x1f\x9d\x90";
  for (const auto& w : windows) file += w;
  return file;
}
std::string prose(std::size_t n) {
  std::string s;
  for (std::uint32_t x = 1; s.size() < n; x = x * 1664525 + 1013904223) s += "aab baca\nThe "[x >> 20 & 7], s += (x >> 28) > 12 ? "the the" : "";
  s.resize(n);
  return s;
}
std::string sentence(const std::string& path) {
  try {
    read_text(path);
  } catch (const std::runtime_error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("windows of compressed text, and plain text") {
  const scratch dir;
  const std::string text = prose(30000);
  for (const int full : {1 << 20, 600, 3000}) {
    const auto path = dir.write("bible.data", data_file({compressed(text.substr(0, 12000), full), compressed(text.substr(12000, 12000), full), compressed(text.substr(24000), full)}, 12000));
    CHECK(read_text(path) == text);
  }
  CHECK(read_text(dir.write("plain", "In the beginning")) == "In the beginning");
}

TEST_CASE("what is wrong with a file is one sentence that names it") {
  const scratch dir;
  CHECK(sentence((dir.folder / "none").string()).find("apt-get install bible-kjv-text") != std::string::npos);
  const std::string good = data_file({compressed(prose(5000), 1 << 20)}, 5000);
  for (std::size_t n : {std::size_t{30}, std::size_t{90}, std::size_t{99}, good.size() - 1}) CHECK(sentence(dir.write("short", good.substr(0, n))).find("short") != std::string::npos);
  CHECK(sentence(dir.write("long", data_file({compressed(prose(5000), 1 << 20)}, 4999))).find("longer than it says") != std::string::npos);
  for (std::size_t at = 84; at < good.size(); at += 7) {  // never a crash
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x5a);
    sentence(dir.write("bad", bad));
  }
}

TEST_CASE("tokens") {
  for (int t = 0; t < vocabulary; ++t) CHECK(token_of(character_of(t)) == t);
  CHECK(token_of('\t') == token_of('?'));
  const corpus c(prose(1000));
  CHECK(c.train.size() == 950);
  CHECK(c.validation.size() == 50);
}
