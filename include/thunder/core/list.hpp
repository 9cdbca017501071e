#pragma once
/// A growable array for constant evaluation: the few operations that passes need, each a handful of constexpr steps (std::vector
/// costs three to five times as many, and 0.25 s to include). A function call is what a compiler's evaluator spends most on, so hot
/// loops take `data()` once and index the pointer.

namespace thunder {

template <class T>
class list {
 public:
  constexpr list() = default;
  constexpr explicit list(int n, T value = T{}) : data_(n > 0 ? new T[static_cast<unsigned>(n)] : nullptr), size_(n), room_(n) {
    for (int i = 0; i < n; ++i) data_[i] = value;
  }
  /// n elements that are not set, if T has no default initialiser.
  static constexpr list unset(int n) {
    list l;
    l.reserve(n), l.size_ = n;
    return l;
  }
  constexpr list(const list& o) : list() {
    reserve(o.size_);
    for (int i = 0; i < o.size_; ++i) data_[i] = o.data_[i];
    size_ = o.size_;
  }
  constexpr list(list&& o) noexcept : data_(o.data_), size_(o.size_), room_(o.room_) { o.data_ = nullptr, o.size_ = o.room_ = 0; }
  constexpr list& operator=(list o) noexcept {
    T* d = data_; data_ = o.data_, o.data_ = d;
    int s = size_; size_ = o.size_, o.size_ = s;
    int r = room_; room_ = o.room_, o.room_ = r;
    return *this;
  }
  constexpr ~list() { delete[] data_; }

  constexpr T& operator[](int i) { return data_[i]; }
  constexpr const T& operator[](int i) const { return data_[i]; }
  constexpr int size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr T* begin() { return data_; }
  constexpr T* end() { return data_ + size_; }
  constexpr const T* begin() const { return data_; }
  constexpr const T* end() const { return data_ + size_; }
  constexpr T* data() { return data_; }
  constexpr const T* data() const { return data_; }
  constexpr T& back() { return data_[size_ - 1]; }

  constexpr void reserve(int n) {
    if (n <= room_) return;
    T* d = new T[static_cast<unsigned>(n)];
    for (int i = 0; i < size_; ++i) d[i] = data_[i];
    delete[] data_;
    data_ = d, room_ = n;
  }
  /// Appends and returns the new element's index.
  constexpr int push(const T& value) {
    if (size_ == room_) {
      const T kept = value;  // it may live in this list
      reserve(room_ < 8 ? 16 : room_ * 2);
      data_[size_] = kept;
    } else {
      data_[size_] = value;
    }
    return size_++;
  }
  /// For n more elements.
  constexpr void make_room(int n) {
    if (size_ + n > room_) reserve(size_ + n < 8 ? 16 : (size_ + n) * 2);
  }
  /// Appends n elements.
  constexpr void append(const T* values, int n) {
    make_room(n);
    for (int i = 0; i < n; ++i) data_[size_ + i] = values[i];
    size_ += n;
  }
  constexpr void pop() { --size_; }
  constexpr void clear() { size_ = 0; }

 private:
  T* data_ = nullptr;
  int size_ = 0, room_ = 0;
};

/// Sorts by insertion: for lists that are short, or nearly sorted.
template <class T, class Before> constexpr void sort_nearly(list<T>& items, Before before) {
  for (int i = 1; i < items.size(); ++i)
    for (int j = i; j > 0 && before(items[j], items[j - 1]); --j) {
      const T t = items[j];
      items[j] = items[j - 1], items[j - 1] = t;
    }
}

}  // namespace thunder
