#pragma once
/// NumPy's .npy files: one array each, little endian. Element types '<f8', '<f4', '<f2', '<i8', '<i4' and '|b1'; NumPy has no
/// bfloat16. The format: numpy.lib.format; versions 1.0, 2.0 and 3.0 are read, 1.0 is written, as numpy.save does.
#include <string_view>

#include "../runtime/any_tensor.hpp"
#include "strided.hpp"

namespace thunder {

/// An element type as NumPy calls it, or null if it has none.
constexpr const char* npy_name(dtype t) {
  constexpr const char* names[]{"|b1", "<i4", "<i8", "<f2", nullptr, "<f4", "<f8"};
  return names[static_cast<int>(t)];
}

/// Reads the header of a .npy file, a Python dictionary {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }, and nothing
/// else of Python. Whatever is wrong becomes an io_error that names the file.
class npy_header_reader : text_cursor {
 public:
  npy_header_reader(std::string_view text, const std::string& path) : text_cursor(text, " \n\t"), path_(path) {}

  dtype type = dtype::f32;
  bool fortran_order = false;
  std::int64_t extents[max_rank]{};
  int rank = 0;

  void read() {
    bool seen[3]{};
    expect('{');
    while (!next_is('}')) {
      const auto key = string();
      const int k = key == "descr" ? 0 : key == "fortran_order" ? 1 : key == "shape" ? 2 : 3;
      if (k == 3) fail("its header has an unknown key " + in_quotes(key));
      if (seen[k]) fail("its header has two keys " + in_quotes(key));
      seen[k] = true;
      expect(':');
      if (k == 0)
        read_type();
      else if (k == 1)
        read_order();
      else
        read_shape();
      if (next_is(',')) continue;
      expect('}');
      break;
    }
    space();
    if (at_ != text_.size()) fail("something follows its header's last brace");
    if (!seen[0] || !seen[1] || !seen[2]) fail("its header lacks its descr, fortran_order or shape");
    if (checked_count(extents, rank) < 0) fail("memory cannot have a tensor " + printed_shape(type, extents, rank));
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw_io_error(path_, "is not an .npy file that can be read: " + what);
  }
  void expect(char c) {
    if (!next_is(c)) fail(std::string("a '") + c + "' is missing in its header (byte " + std::to_string(at_) + ")");
  }
  /// A string of printable ASCII characters without escapes.
  std::string_view string() {
    const char quote = next_is('"') ? '"' : '\'';
    if (quote == '\'') expect(quote);
    const auto from = at_;
    for (; at_ < text_.size() && text_[at_] != quote; ++at_)
      if (text_[at_] < ' ' || text_[at_] > '~' || text_[at_] == '\\') fail("its header has an unusual character");
    if (at_ == text_.size()) fail("a string of its header does not end");
    return text_.substr(from, at_++ - from);
  }
  void read_type() {
    if (next_is('[')) fail("its elements are structures");
    const auto name = string();
    for (int i = 0; i < dtype_count; ++i) {
      const char* known = npy_name(static_cast<dtype>(i));
      if (!known) continue;
      if (name == known) {
        type = static_cast<dtype>(i);
        return;
      }
      if (name.size() == 3 && name[0] == '>' && name.substr(1) == known + 1)
        fail("its elements " + in_quotes(name) + " are big endian; write x.astype('" + known + "') with NumPy");
    }
    fail("it has the element type " + in_quotes(name) + ", which thunder does not have");
  }
  void read_order() {
    space();
    const auto rest = text_.substr(at_);
    fortran_order = rest.starts_with("True");
    if (!fortran_order && !rest.starts_with("False")) fail("its fortran_order is neither True nor False");
    at_ += fortran_order ? 4 : 5;
  }
  void read_shape() {
    expect('(');
    while (!next_is(')')) {
      if (rank == max_rank) fail("it has more than six dimensions");
      extents[rank++] = number();
      if (next_is(',')) continue;
      if (rank == 1) fail("its shape is not a tuple");
      expect(')');
      break;
    }
  }
  std::int64_t number() {
    space();
    std::int64_t v = 0;
    const auto start = at_;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      const std::int64_t digit = text_[at_] - '0';
      if (v > (INT64_MAX - digit) / 10) fail("an extent is too large");
      v = v * 10 + digit;
    }
    if (at_ == start) fail("an extent is missing (byte " + std::to_string(at_) + " of its header)");
    if (text_[start] == '0' && at_ > start + 1) fail("an extent starts with 0");
    return v;
  }

  const std::string& path_;
};

/// Reads an array. One in Fortran order (numpy.save writes a transposed matrix so) is brought into row-major order: the tensor's
/// indices are the array's. Throws an io_error that names the file and what is wrong if it is missing, truncated, too long, or
/// holds what a tensor cannot (structures, objects, strings, big-endian or unsigned numbers, more than six dimensions). Nothing
/// in it is ever executed.
///
///     auto images = load_npy("images.npy").take<float, B, 784>();
inline any_tensor load_npy(const std::string& path) {
  constexpr std::uint64_t longest_header = 10'000;  // as numpy.load
  file_reader file(path);
  auto invalid = [&](const std::string& what) { file.fail("is not an .npy file that can be read: " + what); };
  unsigned char start[8];
  if (file.size() < 10) invalid("it has only " + std::to_string(file.size()) + " bytes");
  file.read(start, sizeof start);
  if (std::memcmp(start, "\x93NUMPY", 6) != 0) invalid("it does not start with \\x93NUMPY");
  if (start[6] < 1 || start[6] > 3 || start[7] != 0)
    invalid("it has version " + std::to_string(start[6]) + '.' + std::to_string(start[7]) +
            " of the format, not 1.0, 2.0 or 3.0");
  const std::size_t length_bytes = start[6] == 1 ? 2 : 4;
  std::uint32_t length = 0;
  if (file.size() < 8 + length_bytes) invalid("it has only " + std::to_string(file.size()) + " bytes");
  file.read(&length, length_bytes);
  const std::uint64_t data = 8 + length_bytes + length;
  if (data > file.size())
    invalid("its header claims " + std::to_string(length) + " bytes, but the file has " + std::to_string(file.size()));
  if (length > longest_header)
    invalid("its header has " + std::to_string(length) + " bytes, and may have " + std::to_string(longest_header));
  std::string text(length, '\0');
  file.read(text.data(), text.size());
  npy_header_reader header(text, path);
  header.read();

  const std::span<const std::int64_t> extents(header.extents, static_cast<std::size_t>(header.rank));
  const auto size = static_cast<std::size_t>(size_of(header.type));
  const auto bytes = static_cast<std::uint64_t>(checked_count(header.extents, header.rank)) * size;
  if (file.size() - data != bytes)
    invalid("its header says " + printed_shape(header.type, header.extents, header.rank) + ", which has " +
            std::to_string(bytes) + " bytes, but " + std::to_string(file.size() - data) + " bytes follow");
  any_tensor r(header.type, extents);
  file.read(r.data(), r.bytes());
  if (r.dtype() == dtype::b8 && !valid_bools(r.data(), r.bytes())) invalid("it has a byte that is not a bool (0 or 1)");
  if (!header.fortran_order || header.rank < 2 || bytes == 0) return r;
  any_tensor rows(header.type, extents);
  std::int64_t strides[max_rank], dense = 1;
  for (int i = 0; i < header.rank; ++i) strides[i] = dense, dense *= extents[static_cast<std::size_t>(i)];
  copy_strided(rows.data(), r.data(), extents, {strides, extents.size()}, size);
  return rows;
}

/// The bytes before the elements of an array: what numpy.save writes, byte by byte.
inline std::string npy_header(dtype type, std::span<const std::int64_t> extents) {
  std::string text = std::string("{'descr': '") + npy_name(type) + "', 'fortran_order': False, 'shape': (";
  for (std::size_t i = 0; i < extents.size(); ++i) text += (i ? ", " : "") + std::to_string(extents[i]);
  text += extents.size() == 1 ? ",), }" : "), }";
  constexpr std::size_t digits = 21;  // NumPy leaves room for the first extent to grow
  if (!extents.empty()) text.append(digits - std::to_string(extents[0]).size(), ' ');
  const std::size_t length =
      (10 + text.size() + 1 + 63) / 64 * 64 - 10;  // up to the newline; the elements start at a multiple of 64
  text.append(length - 1 - text.size(), ' ') += '\n';
  std::string r("\x93NUMPY\x01\x00", 8);
  r += static_cast<char>(length & 255), r += static_cast<char>(length >> 8);
  return r + text;
}

inline void write_npy(const std::string& path, dtype type, std::span<const std::int64_t> extents, const void* data,
                      std::size_t bytes, device where) {
  if (!npy_name(type))
    throw state_error("save_npy: NumPy has no bfloat16, and the tensor is " +
                      printed_shape(type, extents.data(), static_cast<int>(extents.size())) + ": cast it to float first");
  const std::string header = npy_header(type, extents);
  storage here;  // a copy on the CPU, if the tensor is elsewhere
  if (where != device::cpu) {
    here = storage::allocate(bytes);
    copy_bytes(here.data(), device::cpu, data, where, bytes);
    data = here.data();
  }
  file_writer file(path);
  file.write(header.data(), header.size());
  file.write(data, bytes);
  file.commit();
}

/// Writes a tensor as an array, all or nothing. Throws io_error if the file cannot be written, state_error for bf16.
inline void save_npy(const std::string& path, const any_tensor& x) {
  write_npy(path, x.dtype(), x.extents(), x.data(), x.bytes(), x.where());
}
/// The same of a tensor or view; one of bf16 does not compile.
template <tensor_like X>
void save_npy(const std::string& path, const X& x) {
  static_assert(X::dtype != dtype::bf16, "save_npy: NumPy has no bfloat16: write x.cast<float>()");
  const auto extents = x.extents();
  write_npy(path, X::dtype, extents, x.data(), static_cast<std::size_t>(x.size()) * static_cast<std::size_t>(size_of(X::dtype)),
            x.where());
}

}  // namespace thunder
