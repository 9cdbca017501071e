#pragma once
/// States: tensors by name, in order, such as the parameters of a model. To save and load them: state_file.hpp.
#include <string_view>
#include <vector>

#include "any_tensor.hpp"
#include "sorted_runs.hpp"

namespace thunder {

/// A tensor of a state, with its name.
struct named_tensor {
  std::string name;
  any_tensor value;

  /// A typed view, checked: s["h.0.w"].as<float, 784, 512>(). Throws state_error (element type) or shape_error (extents).
  template <element T, auto... D> tensor_view<T, D...> as() { return value.as<T, D...>(name); }
  template <element T, auto... D> tensor_view<const T, D...> as() const { return value.as<T, D...>(name); }
};

/// The number of letters to insert, delete, replace or swap with a neighbour to turn a into b.
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      auto least = [&](std::size_t n) { row[j] = n < row[j] ? n : row[j]; };
      row[j] = above[j - 1] + (a[i - 1] != b[j - 1]);
      least(above[j] + 1), least(row[j - 1] + 1);
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) least(before[j - 2] + 1);
    }
    before.swap(above), above.swap(row);
  }
  return above[b.size()];
}

/// An ordered container from names to tensors. Move-only; copies are written as s.copy(). Iteration is in the order of
/// insertion. A reference to an entry is valid until the next insert, merge or erase; a view until its tensor is gone.
///
///     state s;
///     s.insert("h.0.w", tensor<float, 784, 512>{...});
///     s["h.0.w"].as<float, 784, 512>()(3, 4) = 1;
///     for (auto& [name, value] : s) std::cout << name << value;
class state {
 public:
  state() = default;
  state(state&&) noexcept = default;
  state& operator=(state&&) noexcept = default;

  /// Adds a tensor at the end. Throws state_error if the name is taken, empty or "__metadata__" (a word of the file format).
  named_tensor& insert(std::string name, any_tensor value) {
    if (contains(name)) throw_error<state_error>({"the state already has a tensor named '", name, "'"});
    if (name.empty() || name == "__metadata__") throw_error<state_error>({"'", name, "' cannot be the name of a tensor"});
    sorted_.reserve_one();  // so that nothing below the push_back throws
    entries_.push_back({std::move(name), std::move(value)});
    index_next();
    return entries_.back();
  }
  /// The entry of a name. Throws a state_error that names it and lists names like it if there is none.
  named_tensor& at(std::string_view name) { return entries_[find_or_throw(name)]; }
  const named_tensor& at(std::string_view name) const { return entries_[find_or_throw(name)]; }
  named_tensor& operator[](std::string_view name) { return at(name); }
  const named_tensor& operator[](std::string_view name) const { return at(name); }
  bool contains(std::string_view name) const { return find(name) < size(); }
  /// Removes a tensor; false if there is none of that name.
  bool erase(std::string_view name) {
    const auto gone = find(name);
    if (gone == size()) return false;
    entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(gone));
    sorted_.clear();
    while (sorted_.size() < size()) index_next();
    return true;
  }
  /// Moves all tensors of `other` to the end, `prefix` before their names. Throws state_error, with both states as they were,
  /// if a name is taken.
  void merge(state&& other, std::string_view prefix = {}) {
    if (&other == this) throw state_error("a state cannot be merged into itself");
    for (const auto& e : other.entries_)
      if (const std::string name = text_of({prefix, e.name}); contains(name)) throw_error<state_error>({"merge: both states have a tensor named '", name, "'"});
    for (auto& e : other.entries_) insert(text_of({prefix, e.name}), std::move(e.value));
    other.entries_.clear(), other.sorted_.clear();
  }

  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  /// The bytes of all elements.
  std::size_t bytes() const {
    std::size_t n = 0;
    for (const auto& e : entries_) n += e.value.bytes();
    return n;
  }
  /// All names, in order.
  std::vector<std::string> names() const {
    std::vector<std::string> r;
    for (const auto& e : entries_) r.push_back(e.name);
    return r;
  }
  state copy() const {
    return each_copied([](const any_tensor& x) { return x.copy(); });
  }
  /// A copy with all tensors on a device: s.to(device::cuda).
  state to(device target) const {
    return each_copied([&](const any_tensor& x) { return x.to(target); });
  }
  auto begin() { return entries_.begin(); }
  auto end() { return entries_.end(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }
  /// Whether names, their order and all tensors are equal, byte by byte.
  bool operator==(const state& o) const {
    if (size() != o.size()) return false;
    for (std::size_t i = 0; i < size(); ++i)
      if (entries_[i].name != o.entries_[i].name || !(entries_[i].value == o.entries_[i].value)) return false;
    return true;
  }

 private:
  template <class Copy>
  state each_copied(Copy copy) const {
    state r;
    for (const auto& e : entries_) r.entries_.push_back({e.name, copy(e.value)});
    r.sorted_ = sorted_;
    return r;
  }
  void index_next() {
    sorted_.add([&](std::size_t a, std::size_t b) { return entries_[a].name < entries_[b].name; });
  }
  /// The place of a name in entries_, or size().
  std::size_t find(std::string_view name) const {
    return sorted_.find([&](std::size_t i) { return std::string_view(entries_[i].name).compare(name); });
  }
  std::size_t find_or_throw(std::string_view name) const {
    const auto at = find(name);
    if (at < size()) return at;
    constexpr std::size_t most = 3;
    std::size_t count = 0, distance[most + 1], near[most + 1];  // the nearest names, nearest first
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      const std::string_view n = entries_[i].name;
      const auto limit = name.size() < 6 ? 2 : name.size() / 3,
                 gap = n.size() > name.size() ? n.size() - name.size() : name.size() - n.size();
      auto d = gap > limit ? gap : edit_distance(name, n);
      if (d > limit && !name.empty() && (n.ends_with(name) || n.starts_with(name))) d = limit;
      if (d > limit) continue;
      std::size_t k = count;
      for (; k > 0 && d < distance[k - 1]; --k) distance[k] = distance[k - 1], near[k] = near[k - 1];
      distance[k] = d, near[k] = i;
      count = count < most ? count + 1 : most;
    }
    std::string what;
    for (std::size_t i = 0; i < count; ++i) what += text_of({i ? ", '" : "; near matches: '", entries_[near[i]].name, "'"});
    throw_error<state_error>({"the state has no tensor named '", name, "'", what, entries_.empty() ? "; it is empty" : ""});
  }

  std::vector<named_tensor> entries_;
  sorted_runs sorted_;  // entries by their names
};

}  // namespace thunder
