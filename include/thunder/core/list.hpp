#pragma once
/// A growable array for constant evaluation: the few operations that passes need, each a handful of constexpr steps (std::vector
/// costs three to five times as many, and 0.25 s to include). A function call is what a compiler's evaluator spends most on, so the
/// members are public: hot loops read `items` and `count`.

namespace thunder {

template <class T>
struct list {
  T* items = nullptr;
  int count = 0, room = 0;

  constexpr list() = default;
  constexpr explicit list(int n, T value = T{}) : items(n > 0 ? new T[static_cast<unsigned>(n)] : nullptr), count(n), room(n) {
    for (int i = 0; i < n; ++i) items[i] = value;
  }
  /// n elements that are not set, if T has no default initialiser.
  static constexpr list unset(int n) {
    list l;
    l.reserve(n), l.count = n;
    return l;
  }
  constexpr list(const list& o) : list() {
    reserve(o.count);
    for (int i = 0; i < o.count; ++i) items[i] = o.items[i];
    count = o.count;
  }
  constexpr list(list&& o) noexcept : items(o.items), count(o.count), room(o.room) { o.items = nullptr, o.count = o.room = 0; }
  constexpr list& operator=(list o) noexcept {
    T* d = items; items = o.items, o.items = d;
    int s = count; count = o.count, o.count = s;
    int r = room; room = o.room, o.room = r;
    return *this;
  }
  constexpr ~list() { delete[] items; }

  constexpr T& operator[](int i) { return items[i]; }
  constexpr const T& operator[](int i) const { return items[i]; }
  constexpr int size() const { return count; }
  constexpr bool empty() const { return count == 0; }
  constexpr T* begin() { return items; }
  constexpr T* end() { return items + count; }
  constexpr const T* begin() const { return items; }
  constexpr const T* end() const { return items + count; }
  constexpr T* data() { return items; }
  constexpr const T* data() const { return items; }
  constexpr T& back() { return items[count - 1]; }

  constexpr void reserve(int n) {
    if (n <= room) return;
    T* d = new T[static_cast<unsigned>(n)];
    for (int i = 0; i < count; ++i) d[i] = items[i];
    delete[] items;
    items = d, room = n;
  }
  /// Appends and returns the new element's index.
  constexpr int push(const T& value) {
    if (count == room) {
      const T kept = value;  // it may live in this list
      reserve(room < 8 ? 16 : room * 2);
      items[count] = kept;
    } else {
      items[count] = value;
    }
    return count++;
  }
  /// For n more elements.
  constexpr void make_room(int n) {
    if (count + n > room) reserve(count + n < 8 ? 16 : (count + n) * 2);
  }
  /// Appends n elements.
  constexpr void append(const T* values, int n) {
    if (count + n > room) make_room(n);
    for (int i = 0; i < n; ++i) items[count + i] = values[i];
    count += n;
  }
  constexpr void pop() { --count; }
  constexpr void clear() { count = 0; }
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
