#pragma once
/// Messages from parts. (In a chain of operator+ of std::string, each is a choice among a dozen templates and a temporary to
/// destroy: that is slow to compile, in every program that includes it.)
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace thunder {

/// A text or an integer; refers to the text.
class text_part {
 public:
  text_part(const char* s) : text_(s) {}
  text_part(const std::string& s) : text_(s) {}
  text_part(std::string_view s) : text_(s) {}
  text_part(char) = delete;
  text_part(bool) = delete;
  text_part(int n) : text_part(static_cast<long long>(n)) {}
  text_part(long n) : text_part(static_cast<long long>(n)) {}
  text_part(long long n)
      : is_number_(true),
        negative_(n < 0),
        size_(n < 0 ? 0 - static_cast<unsigned long long>(n) : static_cast<unsigned long long>(n)) {}
  text_part(unsigned n) : text_part(static_cast<unsigned long long>(n)) {}
  text_part(unsigned long n) : is_number_(true), size_(n) {}
  text_part(unsigned long long n) : is_number_(true), size_(n) {}

  void append_to(std::string& r) const {
    if (!is_number_) {
      r.append(text_.data(), text_.size());
      return;
    }
    char digits[21];
    char* first = digits + sizeof digits;
    auto n = size_;
    do *--first = static_cast<char>('0' + n % 10);
    while (n /= 10);
    if (negative_) *--first = '-';
    r.append(first, static_cast<std::size_t>(digits + sizeof digits - first));
  }

 private:
  std::string_view text_;
  bool is_number_ = false, negative_ = false;
  unsigned long long size_ = 0;
};

/// The parts one after another: text_of({"the index ", i, " is outside axis ", axis}).
[[gnu::noinline, gnu::cold]] inline std::string text_of(std::initializer_list<text_part> parts) {
  std::string r;
  for (const text_part& p : parts) p.append_to(r);
  return r;
}

}  // namespace thunder
