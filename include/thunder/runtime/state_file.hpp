#pragma once
/// States in files, in the safetensors format: 8 bytes with the length of a JSON header (little endian), the header, and the
/// elements. Other programs (PyTorch, JAX, numpy) read and write such files too; interop/safetensors.hpp selects, renames and
/// keeps metadata.
#include "safetensors_header.hpp"
#include "state.hpp"

namespace thunder {

/// A safetensors file open for reading, tensor by tensor; a tensor's elements are read when it is asked for.
///
///     safetensors_file file("model.safetensors");
///     for (const auto& e : file.entries()) std::cout << e.name << ' ' << e.type_name << '\n';
///     auto wte = file.read("wte.weight").take<bf16, 50257, 768>();
template <class Reader>
class basic_safetensors_file {
 public:
  /// Reads the header. Throws an io_error that names the file if it is missing, truncated or not a safetensors file; no more
  /// memory is asked for than a small multiple of the header's bytes, which are bytes of the file.
  explicit basic_safetensors_file(const std::string& path) : file_(path) {
    std::uint64_t length = 0;
    if (file_.size() < 8) invalid(text_of({"it has only ", file_.size(), " bytes"}));
    file_.read(&length, 8);
    if (length > file_.size() - 8)
      invalid(text_of({"its header claims ", length, " bytes, but the file has ", file_.size()}));
    if (length > longest_safetensors_header)
      invalid(text_of({"its header has ", length, " bytes, and may have ", longest_safetensors_header}));
    std::string text(static_cast<std::size_t>(length), '\0');
    file_.read(text.data(), text.size());
    data_ = 8 + length;
    header_ = safetensors_header_reader(text, path).read();

    // The tensors tile the rest of the file: no gap, no overlap.
    const auto& all = header_.entries;
    const auto less = [](const void* of, std::size_t a, std::size_t b) {
      const auto& e = *static_cast<const std::vector<safetensors_entry>*>(of);
      return e[a].begin != e[b].begin ? e[a].begin < e[b].begin : e[a].end < e[b].end;
    };
    std::uint64_t at = 0;
    for (const auto i : sorted_indices(all.size(), less, &all)) {
      if (all[i].begin != at) invalid(text_of({"the tensor ", in_quotes(all[i].name), " does not start where the one before ends"}));
      at = all[i].end;
    }
    if (at != file_.size() - data_)
      invalid(text_of({"its tensors have ", at, " bytes, but ", file_.size() - data_, " bytes follow the header"}));
  }

  const std::vector<safetensors_entry>& entries() const { return header_.entries; }
  const safetensors_metadata& metadata() const { return header_.metadata; }
  const std::string& path() const { return file_.path(); }

  /// The tensor of an entry of this file. Throws io_error if thunder has no such tensors, or if the file has changed.
  any_tensor read(const safetensors_entry& e) {
    const std::string the_tensor = text_of({"the tensor ", in_quotes(e.name)});
    if (!e.is_known)
      file_.fail(text_of({"cannot be read: ", the_tensor, " has the element type ", in_quotes(e.type_name), ", which thunder does not have"}));
    if (e.rank > max_rank)
      file_.fail(text_of({"cannot be read: ", the_tensor, " has ", e.rank, " dimensions, and thunder's have at most six"}));
    any_tensor r(e.type, std::span(e.extents, static_cast<std::size_t>(e.rank)));
    file_.seek(data_ + e.begin);
    file_.read(r.data(), r.bytes());
    if (e.type == dtype::b8 && !valid_bools(r.data(), r.bytes())) invalid(text_of({the_tensor, " has a byte that is not a bool (0 or 1)"}));
    return r;
  }
  /// The tensor of a name. Throws io_error if there is none.
  any_tensor read(std::string_view name) {
    for (const auto& e : entries())
      if (e.name == name) return read(e);
    file_.fail(text_of({"has no tensor named ", in_quotes(name)}));
  }

 private:
  [[noreturn]] void invalid(const std::string& what) const { throw_invalid_safetensors(path(), what); }
  Reader file_;
  std::uint64_t data_ = 0;  // where the elements start
  safetensors_header header_;
};
using safetensors_file = basic_safetensors_file<file_reader>;

/// A tensor that is to be written, with its name: of a state, or anybody's.
struct safetensors_item {
  std::string_view name;
  dtype type;
  std::int64_t extents[max_rank]{};
  int rank;
  const void* data;
  std::size_t bytes;
  device where;

  safetensors_item(std::string_view n, const any_tensor& x)
      : name(n), type(x.dtype()), rank(x.rank()), data(x.data()), bytes(x.bytes()), where(x.where()) {
    for (int i = 0; i < rank; ++i) extents[i] = x.extent(i);
  }
  template <tensor_like X>
  safetensors_item(std::string_view n, const X& x)
      : name(n),
        type(X::dtype),
        rank(X::rank),
        data(x.data()),
        bytes(static_cast<std::size_t>(x.size() * size_of(X::dtype))),
        where(x.where()) {
    for (int i = 0; i < rank; ++i) extents[i] = x.extent(i);
  }
};

/// Writes tensors to a file, all or nothing: after a crash the file is the old one or the new one. Throws io_error if it cannot
/// be written, state_error (nothing is written) if names or metadata cannot be those of a file.
template <class = void>
void write_safetensors(const std::string& path, std::span<const safetensors_item> items,
                              const safetensors_metadata& metadata = {}) {
  safetensors_header header{{}, metadata};
  for (const auto& x : items) {
    safetensors_entry e;
    e.name = x.name, e.type = x.type, e.rank = x.rank;
    for (int i = 0; i < e.rank; ++i) e.extents[i] = x.extents[i];
    header.entries.push_back(std::move(e));
  }
  constexpr int sizes[]{8, 4, 2, 1};  // large elements come first in the file, so that all are aligned
  std::uint64_t at = 0;
  for (const int size : sizes)
    for (std::size_t i = 0; i < items.size(); ++i)
      if (size_of(items[i].type) == size) {
        header.entries[i].begin = at;
        header.entries[i].end = at += items[i].bytes;
      }
  const std::string text = written(header);
  const std::uint64_t length = text.size();

  file_writer file(path);
  file.write(&length, sizeof length);
  file.write(text.data(), text.size());
  for (const int size : sizes)
    for (const safetensors_item& x : items) {
      if (size_of(x.type) != size) continue;
      if (x.where == device::cpu) {
        file.write(x.data, x.bytes);
      } else {
        storage here = storage::allocate(x.bytes);
        copy_bytes(here.data(), device::cpu, x.data, x.where, x.bytes);
        file.write(here.data(), x.bytes);
      }
    }
  file.commit();
}

/// The tensors of a state, as they are written.
template <class = void>
std::vector<safetensors_item> items_of(const state& s) {
  std::vector<safetensors_item> r;
  for (const auto& e : s) r.emplace_back(e.name, e.value);
  return r;
}

/// Writes a state to a file, all or nothing: after a crash the file is the old one or the new one. Throws io_error if it
/// cannot be written.
template <class = void>
void save(const state& s, const std::string& path) { write_safetensors(path, items_of(s)); }

/// Reads a state from a file; the tensors are in the order of its header. Throws an io_error that names the file if it is
/// missing, truncated or not a state: nothing larger than the file itself is ever allocated.
template <class = void>
state load(const std::string& path) {
  safetensors_file file(path);
  state s;
  for (const auto& e : file.entries()) s.insert(e.name, file.read(e));
  return s;
}

}  // namespace thunder
