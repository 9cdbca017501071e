#pragma once
/// Tensors from and to safetensors files, in which Hugging Face, PyTorch and JAX keep their weights:
/// "transformer.h.0.attn.c_attn.weight". Element types F64, F32, F16, BF16, I64, I32 and BOOL. The format is in
/// runtime/safetensors_header.hpp, its files in runtime/state_file.hpp: thunder saves its own states in it too.
#include <initializer_list>

#include "../runtime/state_file.hpp"

namespace thunder {

/// What gives a tensor of a file its name in a state: called with the name in the file; an empty name leaves the tensor out, and
/// then its elements are not read.
template <class F>
concept name_map = requires(F& f, const std::string& name) { std::string(f(name)); };

/// The tensors of an open file under other names, in the order of its header.
///
///     safetensors_file file("model.safetensors");
///     state s = load_safetensors(file, [](std::string_view name) { return name.starts_with("h.") ? name.substr(2) : ""; });
///
/// Throws io_error if thunder has no such tensor as one that is asked for, state_error if two get the same name.
template <name_map F>
state load_safetensors(safetensors_file& file, F&& rename) {
  state s;
  for (const auto& e : file.entries()) {
    std::string name(rename(e.name));
    if (name.empty()) continue;
    if (s.contains(name))
      throw state_error("load_safetensors: the tensor " + in_quotes(e.name) + " of the file '" + file.path() + "' gets the name " +
                        in_quotes(name) + ", which another one has");
    s.insert(std::move(name), file.read(e));
  }
  return s;
}
template <name_map F>
state load_safetensors(const std::string& path, F&& rename) {
  safetensors_file file(path);
  return load_safetensors(file, rename);
}
/// All tensors of a file. Throws an io_error that names the file and what is wrong if it is missing, truncated, not a safetensors
/// file, or has a tensor that thunder cannot hold.
inline state load_safetensors(const std::string& path) { return load(path); }

/// Writes a state, and texts beside it (other programs want {"format", "pt"}), all or nothing. Throws io_error if the file cannot
/// be written, state_error if a name or text is not UTF-8.
inline void save_safetensors(const std::string& path, const state& s, const safetensors_metadata& metadata = {}) {
  write_safetensors(path, items_of(s), metadata);
}
/// The same with tensors and views that need no state: save_safetensors("w.safetensors", {{"w", w}, {"b", b.view()}}).
inline void save_safetensors(const std::string& path, std::initializer_list<safetensors_item> tensors,
                             const safetensors_metadata& metadata = {}) {
  write_safetensors(path, std::span(tensors.begin(), tensors.size()), metadata);
}

}  // namespace thunder
