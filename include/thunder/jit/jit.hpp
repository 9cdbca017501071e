#pragma once
/// jit(f): a generic callable becomes a compiled program that takes and returns tensors.
#include <utility>

#include "program.hpp"

namespace thunder {

/// A compiled program of any type, in a list.
struct any_program {
  const void* tag;
  any_program* next;
  void (*destroy)(any_program*);
};
template <class P> struct listed_program : any_program { P program; };

template <class F, class Executor, non_finite Policy, fuel Fuel = fuel::unlimited> class jitted {
 public:
  explicit jitted(F f) : f_(f) {}
  jitted(jitted&& o) noexcept : f_(o.f_), programs_(std::exchange(o.programs_, nullptr)) {}
  jitted(const jitted& o) : f_(o.f_) {}  // a copy compiles nothing again, but has an arena of its own
  jitted& operator=(const jitted&) = delete;
  ~jitted() {
    while (programs_) {
      any_program* const last = programs_;
      programs_ = last->next;
      last->destroy(last);
    }
  }

  /// The program for arguments of these types, to look at or to run; nothing runs now. Arguments may be tensors, views, numbers, or
  /// shapes alone: spec<float, B, 784>().
  template <class... A> static auto lower(const A&...) {
    using L = argument_list<std::remove_cvref_t<A>...>;
    if constexpr (!L::known) return make<refused<mistake::not_an_argument, sizeof...(A)>>();
    else return lower_as<typename outcome<F, typename L::template parameters<F>>::type, L::donations>(typename L::expressions{});
  }

  /// Runs the program for these arguments. A state comes first: parameters are read from it by name, and new values (`update`) are
  /// written into it.
  template <class... A> auto operator()(A&&... a) const {
    using L = argument_list<std::remove_cvref_t<A>...>;
    if constexpr (!L::known) return make<refused<mistake::not_an_argument, sizeof...(A)>>();
    else {
      using R = typename outcome<F, typename L::template parameters<F>>::type;
      using P = decltype(lower_as<R, L::donations>(typename L::expressions{}));
      if constexpr (is_invalid<P>) return invalid{};
      else return find<P>()(a...);
    }
  }

 private:
  template <class R, std::uint64_t Donated, class... X> static auto lower_as(pack<X...>) {
    using T = decltype(trace_of<tracer::program, R, F, X...>());
    if constexpr (is_invalid<T>) return invalid{};
    else {
      using P = compiled<Executor, typename T::body, typename T::result, Donated, Policy, Fuel>;
      if constexpr (P::plan::problem != mistake::none) return make<refused<P::plan::problem, 0>>();
      else return P{};
    }
  }
  template <class P> static constexpr char tag_of = 0;
  template <class P> P& find() const {
    for (any_program* p = programs_; p; p = p->next)
      if (p->tag == &tag_of<P>) return static_cast<listed_program<P>*>(p)->program;
    auto* const made = new listed_program<P>{{&tag_of<P>, programs_, [](any_program* p) { delete static_cast<listed_program<P>*>(p); }}, {}};
    programs_ = made;
    return made->program;
  }

  [[no_unique_address]] F f_;
  mutable any_program* programs_ = nullptr;  // made when they are first called
};

/// The trace of f for tensors, views, numbers or shapes alone, to look at or to print: std::cout << trace(f, spec<float, B, 784>()). No
/// program is made.
template <class F, class... A> requires(sizeof...(A) > 0 && !(traced_tree<A> && ...)) auto trace(F, const A&...) {
  using L = argument_list<A...>;
  if constexpr (!L::known) return make<refused<mistake::not_an_argument, sizeof...(A)>>();
  else return []<class... X>(pack<X...>) { return trace<F, X...>(); }(typename L::expressions{});
}

/// The executor of a device. Another device's is a specialisation beside the executor itself.
template <device Where> struct executor_on {
  static_assert(Where == device::cpu, "programs for CUDA are compiled by nvcc: put this call into a .cu file that includes <thunder/thunder.hpp>");
  using type = cpu::executor<>;
};

/// A compiled program of a generic callable, lowered once for each list of argument types. One object is used by one thread at a time.
///
///     auto add = thunder::jit([](auto a, auto b) { return a + b; });
///     std::cout << add(x, y);
template <class F> auto jit(F f) { return jitted<F, cpu::executor<>, non_finite::keep>(f); }
/// The same with a policy: jit<non_finite::refuse>(step) throws numeric_error before it overwrites anything with NaN or infinity.
template <non_finite Policy, fuel Fuel = fuel::unlimited, class F> auto jit(F f) { return jitted<F, cpu::executor<>, Policy, Fuel>(f); }
/// With the first n fusions only, to find the one that makes a difference: jit<fuel{12}>(step).
template <fuel Fuel, class F> auto jit(F f) { return jitted<F, cpu::executor<>, non_finite::keep, Fuel>(f); }

/// For a device: jit<device::cuda>(step). Arguments on the CPU are copied there when the program is called; results are there.
template <device Where, non_finite Policy = non_finite::keep, fuel Fuel = fuel::unlimited, class F> auto jit(F f) {
  return jitted<F, typename executor_on<Where>::type, Policy, Fuel>(f);
}

/// What grad(f) and value_and_grad(f) do with tensors: a program of their own for each thread.
template <class F, class... A> auto call_on_tensors(const F& f, A&&... arguments) {
  static thread_local jitted<F, cpu::executor<>, non_finite::keep> program(f);
  return program(static_cast<A&&>(arguments)...);
}

/// A program whose type says only what it takes and gives: declared in one file, made in another.
///
///     program<tensor<float, B, 10>(state&, tensor_view<const float, B, 784>)> predict();   // in a header
///     ... predict() { return jit(model{}); }                                               // in one .cpp or .cu
template <class Signature> class program;
template <class R, class... A> class program<R(A...)> {
 public:
  template <class F, class E, non_finite P, fuel Fuel> program(jitted<F, E, P, Fuel> f) : self_(new holder<jitted<F, E, P, Fuel>>(std::move(f))) {}
  program(program&& o) noexcept : self_(std::exchange(o.self_, nullptr)) {}
  program& operator=(program&& o) noexcept {
    program old(std::move(o));
    std::swap(self_, old.self_);
    return *this;
  }
  ~program() { delete self_; }
  R operator()(A... arguments) { return self_->call(static_cast<A>(arguments)...); }

 private:
  struct base {
    virtual ~base() = default;
    virtual R call(A... arguments) = 0;
  };
  template <class J> struct holder : base {
    explicit holder(J&& f) : f_(std::move(f)) {}
    R call(A... arguments) override { return f_(arguments...); }
    J f_;
  };
  base* self_;
};

}  // namespace thunder
