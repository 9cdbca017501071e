#pragma once
/// Threads of the CPU executor. How work is run is a type (`openmp_threads` or `serial_threads`), a template argument of all
/// that uses it: translation units compiled with and without OpenMP share no function body.
#include <cstdint>
#include <exception>
#ifdef _OPENMP
#include <omp.h>
#endif

namespace thunder::cpu {

/// Everything on the calling thread.
struct serial_threads {
  static int available() { return 1; }
  template <class Body>
  static void run(int, Body&& body) {
    body(0, 1);
  }
};

#ifdef _OPENMP
/// An OpenMP team.
struct openmp_threads {
  /// One inside of a parallel region: loops do not nest.
  static int available() { return omp_in_parallel() ? 1 : omp_get_max_threads(); }
  /// body(thread, threads) on each thread of a team; the team may be smaller than asked for. An exception must not leave the
  /// parallel region: the first one is thrown again after it.
  template <class Body>
  static void run(int threads, Body&& body) {
    if (threads <= 1) return body(0, 1);
    std::exception_ptr failure;
#pragma omp parallel num_threads(threads)
    try {
      body(omp_get_thread_num(), omp_get_num_threads());
    } catch (...) {
#pragma omp critical(thunder_failure)
      if (!failure) failure = std::current_exception();
    }
    if (failure) std::rethrow_exception(failure);
  }
};
using default_threads = openmp_threads;
#else
using default_threads = serial_threads;
#endif

/// Below this many bytes a second thread costs more than it brings (measured: a team starts in about 2 us).
inline constexpr std::int64_t bytes_per_thread = 128 * 1024;

/// How many threads to use for `pieces` of work that move `bytes` in all.
template <class Threads>
int threads_for(std::int64_t pieces, std::int64_t bytes) {
  const std::int64_t most = Threads::available(), worth = bytes / bytes_per_thread;
  std::int64_t n = most < pieces ? most : pieces;
  n = n < worth ? n : worth;
  return n < 1 ? 1 : static_cast<int>(n);
}

/// Part `thread` of [0, n): contiguous, in thread order, the same for every call with these numbers.
struct part {
  std::int64_t begin, end;
  [[gnu::always_inline]] part(std::int64_t n, int thread, int threads)
      : begin(n * thread / threads), end(n * (thread + 1) / threads) {}
};

/// body(begin, end, thread) over contiguous parts of [0, n), one for each thread.
template <class Threads = default_threads, class Body>
void parallel_for(std::int64_t n, std::int64_t bytes, Body&& body) {
  Threads::run(threads_for<Threads>(n, bytes), [&](int thread, int threads) {
    const part p(n, thread, threads);
    body(p.begin, p.end, thread);
  });
}

}  // namespace thunder::cpu
