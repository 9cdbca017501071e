#pragma once
/// States in files, in the safetensors format: 8 bytes with the length of a JSON header (little endian), the header
/// {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}, and the elements. Other programs (PyTorch, JAX,
/// numpy) read and write such files too.
#include <algorithm>

#include "state.hpp"

namespace thunder {

/// Reads the JSON of a safetensors header, and nothing else of JSON. Whatever is wrong becomes an io_error that names the file.
class header_reader {
 public:
  /// What the header says of one tensor.
  struct entry {
    std::string name;
    thunder::dtype type = thunder::dtype::f32;
    std::int64_t extents[max_rank]{};
    int rank = 0;
    std::uint64_t begin = 0, end = 0;
  };

  header_reader(std::string_view text, const std::string& path) : text_(text), path_(path) {}

  std::vector<entry> read() {
    std::vector<entry> r;
    expect('{');
    if (!next_is('}')) {
      do {
        std::string name = string();
        expect(':');
        if (name == "__metadata__") skip_metadata();
        else r.push_back(tensor(std::move(name)));
      } while (next_is(','));
      expect('}');
    }
    space();
    if (at_ != text_.size()) fail("something follows its header's last brace");
    return r;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw_io_error(path_, "is not a valid state: " + what + " (byte " + std::to_string(at_) + " of the header)");
  }
  void space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) ++at_;
  }
  bool next_is(char c) {
    space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!next_is(c)) fail(std::string("a '") + c + "' is missing");
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
    if (code < 0x80) put(code);
    else if (code < 0x800) put(0xc0 | code >> 6), put(0x80 | (code & 63));
    else if (code < 0x10000) put(0xe0 | code >> 12), put(0x80 | (code >> 6 & 63)), put(0x80 | (code & 63));
    else put(0xf0 | code >> 18), put(0x80 | (code >> 12 & 63)), put(0x80 | (code >> 6 & 63)), put(0x80 | (code & 63));
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
        case '"': case '\\': case '/': r += e; break;
        case 'b': r += '\b'; break;
        case 'f': r += '\f'; break;
        case 'n': r += '\n'; break;
        case 'r': r += '\r'; break;
        case 't': r += '\t'; break;
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
        default: fail("a string has a bad escape");
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
  void skip_metadata() {
    if (metadata_) fail("it has two \"__metadata__\"");
    metadata_ = true;
    expect('{');
    if (next_is('}')) return;
    do string(), expect(':'), string(); while (next_is(','));
    expect('}');
  }
  static bool dtype_named(std::string_view name, thunder::dtype& t);

  entry tensor(std::string name) {
    entry r;
    r.name = std::move(name);
    if (r.name.empty()) fail("a tensor has no name");
    bool type = false, shape = false, offsets = false;
    expect('{');
    do {
      const std::string key = string();
      expect(':');
      bool* seen = key == "dtype" ? &type : key == "shape" ? &shape : key == "data_offsets" ? &offsets : nullptr;
      if (!seen) fail("the tensor '" + r.name + "' has an unknown key '" + key + "'");
      if (*seen) fail("the tensor '" + r.name + "' has two keys '" + key + "'");
      *seen = true;
      if (seen == &type) {
        const std::string t = string();
        if (!dtype_named(t, r.type))
          fail("the tensor '" + r.name + "' has the element type '" + t + "', which thunder does not have");
      } else if (seen == &shape) {
        expect('[');
        if (next_is(']')) continue;
        do {
          if (r.rank == max_rank) fail("the tensor '" + r.name + "' has more than six dimensions");
          r.extents[r.rank++] = static_cast<std::int64_t>(number());
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
    if (!type || !shape || !offsets) fail("the tensor '" + r.name + "' lacks its dtype, shape or data_offsets");
    const auto count = checked_count(r.extents, r.rank);
    const auto bytes = static_cast<std::uint64_t>(count) * static_cast<std::uint64_t>(size_of(r.type));
    if (count < 0 || r.end < r.begin || r.end - r.begin != bytes)
      fail("the tensor '" + r.name + "' is " + printed_shape(r.type, r.extents, r.rank) + ", which its data_offsets " +
           std::to_string(r.begin) + " to " + std::to_string(r.end) + " do not fit");
    return r;
  }

  std::string_view text_;
  const std::string& path_;
  std::size_t at_ = 0;
  bool metadata_ = false;
};

/// An element type as safetensors calls it.
constexpr const char* safetensors_name(dtype t) {
  constexpr const char* names[]{"BOOL", "I32", "I64", "F16", "BF16", "F32", "F64"};
  return names[static_cast<int>(t)];
}
inline bool header_reader::dtype_named(std::string_view name, thunder::dtype& t) {
  for (int i = 0; i < dtype_count; ++i)
    if (name == safetensors_name(static_cast<thunder::dtype>(i))) {
      t = static_cast<thunder::dtype>(i);
      return true;
    }
  return false;
}

/// A text as a JSON string.
inline std::string json_string(std::string_view text) {
  std::string r = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') r += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) r += c;
    else r.append("\\u00").append(1, c < 16 ? '0' : '1').append(1, "0123456789abcdef"[c & 15]);
  }
  return r + '"';
}

/// Writes a state to a file, all or nothing: after a crash the file is the old one or the new one. Throws io_error if it
/// cannot be written.
inline void save(const state& s, const std::string& path) {
  std::vector<std::uint64_t> begins(s.size());
  std::vector<const named_tensor*> order;  // in the file: large elements first, so that all are aligned
  std::uint64_t at = 0;
  for (const std::size_t bytes : {8u, 4u, 2u, 1u}) {
    std::size_t i = 0;
    for (const auto& e : s) {
      if (static_cast<std::size_t>(size_of(e.value.dtype())) == bytes) begins[i] = at, at += e.value.bytes(), order.push_back(&e);
      ++i;
    }
  }
  std::string header(8, '\0');
  std::size_t i = 0;
  for (const auto& e : s) {
    header += i ? "," : "{";
    header += json_string(e.name) + ":{\"dtype\":\"" + safetensors_name(e.value.dtype()) + "\",\"shape\":[";
    for (int k = 0; k < e.value.rank(); ++k) header += (k ? "," : "") + std::to_string(e.value.extent(k));
    header += "],\"data_offsets\":[" + std::to_string(begins[i]) + ',' + std::to_string(begins[i] + e.value.bytes()) + "]}";
    ++i;
  }
  header += s.empty() ? "{}" : "}";
  while (header.size() % 8) header += ' ';
  const std::uint64_t length = header.size() - 8;
  std::memcpy(header.data(), &length, 8);

  file_writer file(path);
  file.write(header.data(), header.size());
  for (const auto* e : order) {
    if (e->value.where() == device::cpu) file.write(e->value.data(), e->value.bytes());
    else file.write(e->value.to(device::cpu).data(), e->value.bytes());
  }
  file.commit();
}

/// Reads a state from a file; the tensors are in the order of its header. Throws an io_error that names the file if it is
/// missing, truncated or not a state: nothing larger than the file itself is ever allocated.
inline state load(const std::string& path) {
  constexpr std::uint64_t longest_header = 100'000'000;  // as in other readers of the format
  file_reader file(path);
  std::uint64_t length = 0;
  if (file.size() < 8) file.fail("is not a valid state: it has only " + std::to_string(file.size()) + " bytes");
  file.read(&length, 8);
  if (length > file.size() - 8 || length > longest_header)
    file.fail("is not a valid state: its header claims " + std::to_string(length) + " bytes, but the file has " +
              std::to_string(file.size()));
  std::string header(static_cast<std::size_t>(length), '\0');
  file.read(header.data(), header.size());
  const auto entries = header_reader(header, path).read();

  // The tensors tile the rest of the file: no gap, no overlap.
  std::vector<std::size_t> order(entries.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](auto a, auto b) {
    return entries[a].begin != entries[b].begin ? entries[a].begin < entries[b].begin : entries[a].end < entries[b].end;
  });
  std::uint64_t at = 0;
  for (const auto i : order) {
    const auto& e = entries[i];
    if (e.begin != at) file.fail("is not a valid state: the tensor '" + e.name + "' does not start where the one before ends");
    at = e.end;
  }
  if (at != file.size() - 8 - length)
    file.fail("is not a valid state: its tensors have " + std::to_string(at) + " bytes, but " +
              std::to_string(file.size() - 8 - length) + " bytes follow the header");

  state s;
  for (const auto& e : entries) {
    if (s.contains(e.name)) file.fail("is not a valid state: it has two tensors named '" + e.name + "'");
    s.insert(e.name, any_tensor(e.type, std::span(e.extents, static_cast<std::size_t>(e.rank))));
  }
  for (const auto i : order) {  // sequential reads
    auto& [name, value] = s[entries[i].name];
    file.read(value.data(), value.bytes());
    if (value.dtype() == dtype::b8 && !valid_bools(value.data(), value.bytes()))
      file.fail("is not a valid state: the tensor '" + name + "' has a byte that is not a bool (0 or 1)");
  }
  return s;
}

}  // namespace thunder
