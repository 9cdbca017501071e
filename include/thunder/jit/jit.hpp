#pragma once
/// jit(f): a generic callable becomes a compiled program that takes and returns tensors.
#include <memory>
#include <vector>

#include "program.hpp"

namespace thunder {

/// A type-erased owner of a compiled program.
struct any_program {
  const void* tag;
  void* program;
  void (*destroy)(void*);
};

template <class F, class Executor> class jitted {
 public:
  explicit jitted(F f) : f_(f) {}
  jitted(jitted&& o) noexcept : f_(o.f_), programs_(std::move(o.programs_)) { o.programs_.clear(); }
  jitted(const jitted& o) : f_(o.f_) {}
  ~jitted() {
    for (auto& p : programs_) p.destroy(p.program);
  }

  /// The program for arguments of these types; nothing runs. Arguments may be tensors, views, numbers, or shape-only
  /// `spec<float, B, 784>`.
  template <class... A> static auto lower(const A&...) {
    if constexpr ((argument_of<A>::known && ...)) return lower_as<typename argument_of<A>::expression...>();
    else {
      (check_argument<argument_of<A>::known, A>(), ...);
      return invalid{};
    }
  }
  template <class... A> static auto lower(const state&, const A&... a) { return lower(a...); }

  /// Runs the program for these arguments.
  template <class... A> decltype(auto) operator()(const A&... a) { return call(a...); }
  template <class... A> decltype(auto) operator()(state& s, const A&... a) { return call(s, a...); }

 private:
  template <class... X> static auto lower_as() {
    using T = trace_t<F, X...>;
    if constexpr (std::same_as<T, invalid>) return invalid{};
    else return compiled<Executor, typename T::body, typename T::result, X...>{};
  }
  template <class... A> auto call(A&... a) {
    using P = decltype(lower(a...));
    if constexpr (std::same_as<P, invalid>) return invalid{};
    else return find<P>()(a...);
  }
  template <class P> static constexpr char tag_of = 0;
  template <class P> P& find() {
    for (auto& p : programs_)
      if (p.tag == &tag_of<P>) return *static_cast<P*>(p.program);
    auto owner = std::make_unique<P>();
    programs_.push_back({&tag_of<P>, owner.get(), [](void* p) { delete static_cast<P*>(p); }});
    return *owner.release();
  }

  F f_;
  std::vector<any_program> programs_;
};

/// A compiled program of a generic callable, lowered once for each list of argument types.
///
///     auto add = thunder::jit([](auto a, auto b) { return a + b; });
///     std::cout << add(x, y);
template <class F> auto jit(F f) { return jitted<F, cpu::executor>(f); }

}  // namespace thunder
