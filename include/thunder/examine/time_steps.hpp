#pragma once
/// How long each step of a program takes.
#include <algorithm>
#include <chrono>

#include "observe.hpp"
#ifdef __CUDACC__
#include "cuda_clock.hpp"
#endif

namespace thunder {

/// Marks points in time on a device, and gives the seconds between two of them. For CUDA: cuda_clock.hpp.
template <device Where>
class step_clock {
 public:
  using clock = std::chrono::steady_clock;
  void start(std::size_t marks) { at_.clear(), at_.reserve(marks); }
  void mark() { at_.push_back(clock::now()); }
  void finish() {}
  double seconds(std::size_t from, std::size_t to) const { return std::chrono::duration<double>(at_[to] - at_[from]).count(); }

 private:
  std::vector<clock::time_point> at_;
};

/// What time_steps measured: the table of explain with the median time of each step.
struct step_times {
  explanation steps;
  std::vector<double> seconds;  // of each step, the median
  int runs = 0;

  double total() const {
    double t = 0;
    for (const double s : seconds) t += s;
    return t;
  }
  template <class Stream>
  friend Stream& operator<<(Stream& out, const step_times& t) {
    std::size_t as = 7;
    for (const step_report& s : t.steps) as = std::max(as, s.runs_as.size());
    char line[320];
    std::snprintf(line, sizeof line, "step  %-*s  %10s  %5s  %8s  %8s  %s\n", static_cast<int>(as), "runs as", "us", "%", "GB/s",
                  "GFLOP/s", "module");
    out << line;
    for (std::size_t k = 0; k < t.steps.size(); ++k) {
      const step_report& s = t.steps[k];
      const double us = t.seconds[k] * 1e6, each = us > 0 ? 1e-3 / us : 0;
      std::snprintf(line, sizeof line, "%4zu  %-*s  %10.1f  %5.1f  %8.1f  %8.1f  %s\n", k, static_cast<int>(as),
                    s.runs_as.c_str(), us, t.total() > 0 ? 100 * t.seconds[k] / t.total() : 0,
                    static_cast<double>(s.read + s.written) * each, static_cast<double>(s.operations) * each, s.path.c_str());
      out << line;
    }
    std::snprintf(line, sizeof line, "all   %-*s  %10.1f  (median of %d runs)\n", static_cast<int>(as), "", t.total() * 1e6,
                  t.runs);
    out << line;
    return out;
  }
};

/// The last step of each batch, and of each step that is in none.
template <class P>
constexpr bool ends_batch(int k) {
  return k + 1 == P::step_count || P::plan::data.steps[k + 1].batch > 0;
}
template <class P>
struct timing_watcher {
  step_clock<P::executor_type::where> clock;
  bindings sizes;
  void before(int k, void* const*, const bindings& b) {
    if (k == 0) clock.mark(), sizes = b;
  }
  void after(int k, void* const*, const bindings&) {
    if (ends_batch<P>(k)) clock.mark();
  }
};

/// The time of each step: the median of `runs` calls after one that warms up. Each call is a whole one: a state is updated every
/// time. Equal regions that run at once share their time by the bytes that they move. With donated arguments, which can be given
/// once, there is one call and no other. On CUDA the steps are launched one by one, and timed by events: what is shorter than a launch takes as
/// long as one, as it does not when the program is replayed.
///
///     std::cout << time_steps(jit(step), weights, images, labels);
template <class Program, class... A>
step_times time_steps(Program&& program, A&&... arguments) {
  auto&& lowered = program_for(program, arguments...);
  using P = std::remove_cvref_t<decltype(lowered)>;
  constexpr int runs = P::donations ? 1 : 9;
  timing_watcher<P> watcher;
  std::vector<std::vector<double>> all;  // of each batch
  for (int k = 0; k < P::step_count; ++k)
    if (ends_batch<P>(k)) all.emplace_back();
  for (int run = P::donations ? 0 : -1; run < runs; ++run) {
    watcher.clock.start(all.size() + 1);
    lowered.watch(watcher, arguments...);
    watcher.clock.finish();
    for (std::size_t k = 0; k < all.size() && run >= 0; ++k) all[k].push_back(watcher.clock.seconds(k, k + 1));
  }
  step_times t{explain(lowered, watcher.sizes), {}, runs};
  auto times = all.begin();
  for (std::size_t k = 0, first = 0; k < t.steps.size(); ++k) {
    if (!ends_batch<P>(static_cast<int>(k))) continue;
    std::nth_element(times->begin(), times->begin() + runs / 2, times->end());
    const auto bytes = [&](std::size_t i) { return static_cast<double>(t.steps[i].read + t.steps[i].written) + 1; };
    double together = 0;
    for (std::size_t i = first; i <= k; ++i) together += bytes(i);
    for (; first <= k; ++first) t.seconds.push_back((*times)[static_cast<std::size_t>(runs / 2)] * bytes(first) / together);
    ++times;
  }
  return t;
}

}  // namespace thunder
