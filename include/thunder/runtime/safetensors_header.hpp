#pragma once
/// The header of a safetensors file, {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}, from and to text.
/// It is read by hand: the header is a flat, fixed form of JSON (strings and whole numbers, three braces deep), so this is less
/// code than it takes to check what a general reader lets through, it cannot recurse, and users need no other package.
#include <string_view>
#include <vector>

#include "extents.hpp"
#include "file.hpp"

namespace thunder {

/// An element type as safetensors calls it.
constexpr const char* safetensors_name(dtype t) {
  constexpr const char* names[]{"BOOL", "I32", "I64", "F16", "BF16", "F32", "F64"};
  return names[static_cast<int>(t)];
}

/// Texts by name, which a file holds beside its tensors: {"format", "pt"}.
using safetensors_metadata = std::vector<std::pair<std::string, std::string>>;

/// What the header says of one tensor. It may be one that thunder cannot hold; then only reading it is an error.
struct safetensors_entry {
  std::string name;
  std::string type_name;             // as in the file: "F32", "F8_E4M3"
  dtype type = dtype::f32;           // if is_known
  bool is_known = false;             // whether thunder has the element type
  int rank = 0;                      // may be more than max_rank
  std::int64_t extents[max_rank]{};  // the first of them
  std::uint64_t begin = 0, end = 0;  // its bytes, counted from the header's end
};
struct safetensors_header {
  std::vector<safetensors_entry> entries;  // in the order of the file
  safetensors_metadata metadata;
};

/// The longest header that is read or written, as in other programs.
inline constexpr std::uint64_t longest_safetensors_header = 100'000'000;

/// The place of the first byte that is not UTF-8, or npos: no overlong forms, no surrogates, nothing above U+10FFFF.
constexpr std::size_t invalid_utf8(std::string_view s) {
  for (std::size_t i = 0; i < s.size();) {
    const auto byte = [&](std::size_t k) { return k < s.size() ? static_cast<unsigned char>(s[k]) : 0u; };
    const unsigned c = byte(i);
    const std::size_t more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xf0 && c < 0xf5 ? 3 : 4;
    if (more == 4) return i;
    for (std::size_t k = 1; k <= more; ++k)
      if ((byte(i + k) & 0xc0) != 0x80) return i;
    const unsigned second = byte(i + 1);
    if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second >= 0xa0) || (c == 0xf0 && second < 0x90) ||
        (c == 0xf4 && second >= 0x90))
      return i;
    i += more + 1;
  }
  return std::string_view::npos;
}

/// The numbers below n, each after those that are less, equal ones in order: a heap sort. (std::sort takes compilers a tenth of a
/// second each time, in every program that has states.)
template <class = void>
std::vector<std::size_t> sorted_indices(std::size_t n, bool (*less)(const void* of, std::size_t, std::size_t),
                                               const void* of) {
  std::vector<std::size_t> r(n);
  for (std::size_t i = 0; i < n; ++i) r[i] = i;
  const auto before = [&](std::size_t a, std::size_t b) { return less(of, a, b) || (a < b && !less(of, b, a)); };
  const auto sink = [&](std::size_t i, std::size_t end) {
    for (std::size_t child; (child = 2 * i + 1) < end; i = child) {
      if (child + 1 < end && before(r[child], r[child + 1])) ++child;
      if (!before(r[i], r[child])) return;
      std::swap(r[i], r[child]);
    }
  };
  for (auto i = n / 2; i-- > 0;) sink(i, n);
  for (auto end = n; end-- > 1;) std::swap(r[0], r[end]), sink(0, end);
  return r;
}
/// The place of a name that occurs twice, or npos.
template <class = void>
std::size_t find_duplicate(const std::vector<std::string_view>& names) {
  const auto less = [](const void* of, std::size_t a, std::size_t b) {
    const auto& n = *static_cast<const std::vector<std::string_view>*>(of);
    return n[a] < n[b];
  };
  const auto order = sorted_indices(names.size(), less, &names);
  for (std::size_t i = 1; i < order.size(); ++i)
    if (names[order[i - 1]] == names[order[i]]) return order[i];
  return std::string_view::npos;
}

[[noreturn]] inline void throw_invalid_safetensors(const std::string& path, const std::string& what) {
  throw_io_error(path, text_of({"is not a valid safetensors file: ", what}));
}

/// Reads a header, and nothing else of JSON. Whatever is wrong becomes an io_error that names the file. (This class and the functions around it are
/// templates only so that compilers do not work on them in programs that read and write no files.)
template <class = void>
class safetensors_header_reader : text_cursor {
 public:
  safetensors_header_reader(std::string_view text, const std::string& path) : text_cursor(text, " \n\t\r"), path_(path) {}

  safetensors_header read() {
    safetensors_header r;
    at_ = invalid_utf8(text_);
    if (at_ != std::string_view::npos) fail("its header is not UTF-8");
    at_ = 0;
    if (!text_.starts_with('{')) fail("a '{' is missing");  // no space before it
    at_ = 1;
    bool metadata = false;
    if (!next_is('}')) {
      do {
        std::string name = string();
        expect(':');
        if (name != "__metadata__") {
          r.entries.push_back(tensor(std::move(name)));
        } else {
          if (metadata) fail("it has two \"__metadata__\"");
          metadata = true;
          read_metadata(r.metadata);
        }
      } while (next_is(','));
      expect('}');
    }
    space();
    if (at_ != text_.size()) fail("something follows its header's last brace");

    std::vector<std::string_view> names;
    for (const auto& e : r.entries) names.push_back(e.name);
    if (const auto i = find_duplicate(names); i != std::string_view::npos)
      throw_invalid_safetensors(path_, text_of({"it has two tensors named ", in_quotes(names[i])}));
    names.clear();
    for (const auto& [key, value] : r.metadata) names.push_back(key);
    if (const auto i = find_duplicate(names); i != std::string_view::npos)
      throw_invalid_safetensors(path_, text_of({"its metadata has two entries ", in_quotes(names[i])}));
    return r;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw_invalid_safetensors(path_, text_of({what, " (byte ", at_, " of the header)"}));
  }
  void expect(char c) {
    if (!next_is(c)) fail(text_of({"a '", std::string_view(&c, 1), "' is missing"}));
  }
  unsigned hex4() {
    unsigned v = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = at_ < text_.size() ? text_[at_] : ' ';
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) fail("a string has a bad \\u escape");
      v = v << 4 | static_cast<unsigned>(digit);
    }
    return v;
  }
  static void put_utf8(std::string& r, unsigned code) {
    auto put = [&](unsigned byte) { r += static_cast<char>(static_cast<unsigned char>(byte)); };
    if (code < 0x80)
      put(code);
    else if (code < 0x800)
      put(0xc0 | code >> 6), put(0x80 | (code & 63));
    else if (code < 0x10000)
      put(0xe0 | code >> 12), put(0x80 | (code >> 6 & 63)), put(0x80 | (code & 63));
    else
      put(0xf0 | code >> 18), put(0x80 | (code >> 12 & 63)), put(0x80 | (code >> 6 & 63)), put(0x80 | (code & 63));
  }
  std::string string() {
    expect('"');
    std::string r;
    for (;;) {
      if (at_ == text_.size()) fail("a string does not end");
      const char c = text_[at_++];
      if (c == '"') return r;
      if (static_cast<unsigned char>(c) < 0x20) fail("a string has a control character");
      if (c != '\\') {
        r += c;
        continue;
      }
      const char e = at_ < text_.size() ? text_[at_++] : ' ';
      switch (e) {
        case '"':
        case '\\':
        case '/':
          r += e;
          break;
        case 'b':
          r += '\b';
          break;
        case 'f':
          r += '\f';
          break;
        case 'n':
          r += '\n';
          break;
        case 'r':
          r += '\r';
          break;
        case 't':
          r += '\t';
          break;
        case 'u': {
          unsigned code = hex4();
          if (code >= 0xd800 && code < 0xdc00 && text_.substr(at_, 2) == "\\u") {
            at_ += 2;
            const unsigned low = hex4();
            if (low < 0xdc00 || low > 0xdfff) fail("a string has half a surrogate pair");
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
          } else if (code >= 0xd800 && code < 0xe000) {
            fail("a string has half a surrogate pair");
          }
          put_utf8(r, code);
          break;
        }
        default:
          fail("a string has a bad escape");
      }
    }
  }
  std::uint64_t number() {
    space();
    std::uint64_t v = 0;
    const auto start = at_;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      const auto digit = static_cast<std::uint64_t>(text_[at_] - '0');
      if (v > (INT64_MAX - digit) / 10) fail("a number is too large");
      v = v * 10 + digit;
    }
    if (at_ == start) fail("a number is missing");
    if (text_[start] == '0' && at_ > start + 1) fail("a number starts with 0");
    return v;
  }
  void read_metadata(safetensors_metadata& r) {
    expect('{');
    if (next_is('}')) return;
    do {
      std::string key = string();
      expect(':');
      r.emplace_back(std::move(key), string());
    } while (next_is(','));
    expect('}');
  }

  safetensors_entry tensor(std::string name) {
    safetensors_entry r;
    r.name = std::move(name);
    if (r.name.empty()) fail("a tensor has no name");
    const std::string the_tensor = text_of({"the tensor ", in_quotes(r.name)});
    bool type = false, shape = false, offsets = false;
    expect('{');
    do {
      const std::string key = string();
      expect(':');
      bool* seen = key == "dtype" ? &type : key == "shape" ? &shape : key == "data_offsets" ? &offsets : nullptr;
      if (!seen) fail(text_of({the_tensor, " has an unknown key ", in_quotes(key)}));
      if (*seen) fail(text_of({the_tensor, " has two keys ", in_quotes(key)}));
      *seen = true;
      if (seen == &type) {
        r.type_name = string();
        for (int i = 0; i < dtype_count; ++i)
          if (const auto t = static_cast<dtype>(i); r.type_name == safetensors_name(t)) r.type = t, r.is_known = true;
      } else if (seen == &shape) {
        expect('[');
        if (next_is(']')) continue;
        do {
          const auto n = static_cast<std::int64_t>(number());
          if (r.rank < max_rank) r.extents[r.rank] = n;
          ++r.rank;
        } while (next_is(','));
        expect(']');
      } else {
        expect('[');
        r.begin = number();
        expect(',');
        r.end = number();
        expect(']');
      }
    } while (next_is(','));
    expect('}');
    if (!type || !shape || !offsets) fail(text_of({the_tensor, " lacks its dtype, shape or data_offsets"}));
    auto misfit = [&](const std::string& is) {
      fail(text_of({the_tensor, " is ", is, ", which its data_offsets ", r.begin, " to ", r.end, " do not fit"}));
    };
    if (r.end < r.begin) misfit(in_quotes(r.type_name));
    if (r.is_known && r.rank <= max_rank) {
      const auto count = checked_count(r.extents, r.rank);
      if (count < 0 || r.end - r.begin != static_cast<std::uint64_t>(count) * static_cast<std::uint64_t>(size_of(r.type)))
        misfit(printed_shape(r.type, r.extents, r.rank));
    }
    return r;
  }

  const std::string& path_;
};

/// A text as a JSON string.
template <class = void>
std::string json_string(std::string_view text) {
  std::string r = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') r += '\\';
    if (static_cast<unsigned char>(c) >= 0x20)
      r += c;
    else
      r.append("\\u00").append(1, c < 16 ? '0' : '1').append(1, "0123456789abcdef"[c & 15]);
  }
  return r + '"';
}

/// The text of a header, padded with spaces so that the 8 bytes of its length and the text are a multiple of 8.
/// Throws state_error for what no reader accepts: names that are empty, not UTF-8 or there twice, and headers above 100 MB.
template <class = void>
std::string written(const safetensors_header& h) {
  auto check = [](const std::vector<std::string_view>& texts, const char* what) {
    for (const auto t : texts)
      if (invalid_utf8(t) != std::string_view::npos) throw_error<state_error>({what, " ", in_quotes(t), " is not UTF-8"});
  };
  auto check_size = [](std::size_t n) {
    if (n > longest_safetensors_header)
      throw_error<state_error>({"the names and metadata make a header of at least ", n, " bytes, and it may have ", longest_safetensors_header});
  };
  std::vector<std::string_view> names, keys, values;
  std::size_t least = 0;
  for (const auto& e : h.entries) names.push_back(e.name), least += e.name.size();
  for (const auto& [key, value] : h.metadata) keys.push_back(key), values.push_back(value), least += key.size() + value.size();
  check_size(least);
  check(names, "the name of a tensor"), check(keys, "the key of metadata"), check(values, "the metadata");
  for (const auto n : names)
    if (n.empty() || n == "__metadata__") throw_error<state_error>({in_quotes(n), " cannot be the name of a tensor"});
  if (const auto i = find_duplicate(names); i != std::string_view::npos)
    throw_error<state_error>({"two tensors are named ", in_quotes(names[i])});
  if (const auto i = find_duplicate(keys); i != std::string_view::npos)
    throw_error<state_error>({"the metadata has two entries ", in_quotes(keys[i])});

  std::string r = "{";
  if (!h.metadata.empty()) {
    r += "\"__metadata__\":{";
    for (std::size_t i = 0; i < keys.size(); ++i) r += text_of({i ? "," : "", json_string(keys[i]), ":", json_string(values[i])});
    r += "}";
  }
  for (const auto& e : h.entries) {
    r += text_of({r.size() > 1 ? "," : "", json_string(e.name), ":{\"dtype\":\"", safetensors_name(e.type), "\",\"shape\":["});
    for (int k = 0; k < e.rank; ++k) r += text_of({k ? "," : "", e.extents[k]});
    r += text_of({"],\"data_offsets\":[", e.begin, ",", e.end, "]}"});
  }
  r += "}";
  while (r.size() % 8) r += ' ';
  check_size(r.size());
  return r;
}

}  // namespace thunder
