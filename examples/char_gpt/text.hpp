#pragma once
/// The text that the example learns from, as tokens. It is read as Debian's package bible-kjv-text brings it, compressed; any other file is
/// taken as plain text. Every problem with a file becomes one std::runtime_error whose sentence names the file and says what to do.
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace char_gpt {

inline constexpr const char* default_text = "/usr/lib/bible.data";

/// Tokens: 0 is a new line, the others are the printable characters of ASCII.
inline constexpr int vocabulary = 96;
constexpr std::int32_t token_of(char c) { return c == '\n' ? 0 : c >= ' ' && c <= '~' ? c - ' ' + 1 : '?' - ' ' + 1; }
constexpr char character_of(std::int32_t token) { return token == 0 ? '\n' : static_cast<char>(token - 1 + ' '); }

[[noreturn]] inline void bad_text(const std::string& path, const std::string& what) {
  throw std::runtime_error(path + " " + what + ": install the text with `apt-get install --reinstall bible-kjv-text`, or name a file of plain text with --data FILE");
}

/// The output of compress(1), by which each window of bible.data is compressed: codes of 9 to 16 bits, low bits first (Welch 1984). A code
/// below 256 is a byte, 256 empties the table, and each code after the first adds an entry: the previous code's text and
/// the first byte of its own.
class code_expander {
 public:
  code_expander(std::string_view codes, const std::string& path) : codes_(codes), path_(path), prefix_(most_codes), last_(most_codes) {}

  /// Appends the text; at most `most` bytes.
  void expand(std::string& out, std::size_t most) {
    int width = 9, next = first_free, previous = -1;
    char first = 0;
    std::string reversed;
    const std::size_t end = out.size() + most;
    for (int code; (code = read(width)) >= 0;) {
      if (code == clear) {
        align(width);
        width = 9, next = first_free, previous = -1;
        continue;
      }
      if (code > next || (code == next && previous < 0) || (previous < 0 && code > 255)) bad_text(path_, "is damaged: it has a code that does not exist");
      reversed.clear();
      int at = code;
      if (code == next) reversed += first, at = previous;  // the entry that this code is about to add
      for (; at > 255; at = prefix_[static_cast<std::size_t>(at)]) reversed += last_[static_cast<std::size_t>(at)];
      reversed += first = static_cast<char>(at);
      if (reversed.size() > end - out.size()) bad_text(path_, "is damaged: a part of it is longer than it says");
      out.append(reversed.rbegin(), reversed.rend());
      if (previous >= 0 && next < most_codes) {
        prefix_[static_cast<std::size_t>(next)] = previous, last_[static_cast<std::size_t>(next)] = first;
        if (++next == 1 << width && width < 16) align(width++);
      }
      previous = code;
    }
  }

 private:
  static constexpr int clear = 256, first_free = 257, most_codes = 1 << 16;

  int read(int width) {
    if (at_ + static_cast<std::size_t>(width) > codes_.size() * 8) return -1;
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3 && at_ / 8 + k < codes_.size(); ++k) bits |= static_cast<std::uint32_t>(static_cast<unsigned char>(codes_[at_ / 8 + k])) << (8 * k);
    bits = bits >> at_ % 8 & ((1u << width) - 1);
    at_ += static_cast<std::size_t>(width);
    return static_cast<int>(bits);
  }
  /// Codes come in groups of eight; a change of their width begins a group.
  void align(int width) {
    const std::size_t group = static_cast<std::size_t>(width) * 8;
    at_ = group_ + (at_ - group_ + group - 1) / group * group;
    group_ = at_;
  }

  std::string_view codes_;
  const std::string& path_;
  std::size_t at_ = 0, group_ = 0;  // bits
  std::vector<int> prefix_;
  std::vector<char> last_;
};

/// bible.data: a header; from byte 84 on, as big-endian words, the size of a window, the number of windows and where each starts and the last
/// ends; then three bytes of compress(1), and the windows.
inline std::string expand_windows(const std::string& file, const std::string& path) {
  auto word = [&](std::size_t at) {
    if (at + 4 > file.size()) bad_text(path, "ends too early");
    std::uint32_t w = 0;
    for (std::size_t k = 0; k < 4; ++k) w = w << 8 | static_cast<unsigned char>(file[at + k]);
    return static_cast<std::size_t>(w);
  };
  const std::size_t window = word(84), count = word(88), table = 92;
  if (window == 0 || window > 1 << 24 || count > file.size() / 4) bad_text(path, "is damaged: its header makes no sense");
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t begin = word(table + 4 * i), end = word(table + 4 * i + 4);
    if (begin > end || end > file.size()) bad_text(path, "is damaged: a part of it lies outside");
    const std::size_t before = text.size();
    code_expander(std::string_view(file).substr(begin, end - begin), path).expand(text, window);
    if (i + 1 < count && text.size() != before + window) bad_text(path, "is damaged: a part of it is shorter than it says");
  }
  return text;
}

/// The text of a file.
inline std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot open " + path + ": install the text with `apt-get install bible-kjv-text`, or name a file of plain text with --data FILE");
  const std::string file((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (in.bad()) bad_text(path, "cannot be read");
  return file.starts_with("EC02Compressed Data File") ? expand_windows(file, path) : file;
}

/// The beginning is for training, the last twentieth for validation.
struct corpus {
  std::vector<std::int32_t> train, validation;
  explicit corpus(std::string_view text) {
    const std::size_t held_out = text.size() / 20;
    for (const char c : text.substr(0, text.size() - held_out)) train.push_back(token_of(c));
    for (const char c : text.substr(text.size() - held_out)) validation.push_back(token_of(c));
  }
};

}  // namespace char_gpt
