#pragma once
/// Times of cases on the CPU, and what the fastest copy that we know takes for as many bytes, in the same process.
///
/// A program's main is `return timing::report(argc, argv, jobs)`. Alone it prints a table (bench/report.hpp). bench/cpu/run.py starts it with
/// `--serve`, then asks for one case at a time, in turn with other programs, so that whatever else the machine does meets all of them alike:
/// the program prints the names of its cases, one a line, and an empty line; then for each number that it reads what the case of that number
/// took: microseconds, and those of the copy or 0.
#include <thunder/thunder.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <functional>
#include <iostream>

#include "../report.hpp"

namespace timing {
using namespace thunder;

/// `bytes` are read and written in all, as far as memory is concerned; 0: nothing to compare with.
struct job {
  std::string name;
  std::int64_t bytes;
  std::function<void()> run;
};

/// The shortest of the calls within `seconds`, at least three: other work on the machine only adds. In microseconds.
template <class F> double shortest(F&& f, double seconds = 0.3) {
  double best = 1e300, all = 0;
  for (int i = 0; i < 3 || (i < 10000 && all < 1e6 * seconds); ++i) {
    const auto start = std::chrono::steady_clock::now();
    f();
    const double us = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
    best = std::min(best, us), all += us;
  }
  return best;
}

/// Reads bytes / 2 and writes as many: memcpy on each thread, or stores past the caches.
inline double copy_microseconds(std::int64_t bytes) {
  static storage from, to;
  const std::int64_t half = bytes / 2;
  if (from.bytes() < static_cast<std::size_t>(half))
    for (storage* s : {&from, &to}) {
      *s = storage::allocate(static_cast<std::size_t>(half));
      std::memset(s->data(), 0, s->bytes());
    }
  char* const x = static_cast<char*>(from.data());
  char* const y = static_cast<char*>(to.data());
  const double plain = shortest([&] {
    cpu::parallel_for(half, bytes, [&](std::int64_t i, std::int64_t end, int) { std::memcpy(y + i, x + i, static_cast<std::size_t>(end - i)); });
  }, 0.1);
  return std::min(plain, shortest([&] { cpu::copy_bytes<cpu::default_target>(y, x, half); }, 0.1));
}

inline std::string machine() {
  std::ifstream info("/proc/cpuinfo");
  std::string model = "unknown processor";
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name") && line.find(':') + 2 < line.size()) model = line.substr(line.find(':') + 2);
  return model + ", " + std::to_string(cpu::default_threads::available()) + " threads, " + std::to_string(cpu::default_target::bytes) + "-byte vectors";
}

/// A program's exit status.
inline int report(int argc, char** argv, std::vector<job> (*jobs)()) {
  static std::vector<job> all;
  all = jobs();
  static const auto copy_of = [](const job& j) { return j.bytes ? copy_microseconds(j.bytes) : 0.0; };
  if (argc == 2 && std::strcmp(argv[1], "--serve") == 0) {
    for (const job& j : all) std::cout << j.name << '\n';
    std::cout << machine() << "\n" << std::endl;
    for (std::size_t k; std::cin >> k && k < all.size();) {
      const double us = shortest(all[k].run);
      std::cout << us << ' ' << copy_of(all[k]) << std::endl;
    }
    return 0;
  }
  return report(argc, argv, machine, [] {
    std::erase_if(all, [](const job& j) { return !wanted(j.name); });
    constexpr int rounds = 5;
    std::vector<double> us[2];
    for (auto& u : us) u.resize(all.size() * rounds);
    for (std::size_t r = 0; r < rounds; ++r)
      for (std::size_t k = 0; k < all.size(); ++k) us[0][k * rounds + r] = shortest(all[k].run), us[1][k * rounds + r] = copy_of(all[k]);
    for (std::size_t k = 0; k < all.size(); ++k) {
      double median[2];
      for (int i : {0, 1}) {
        const auto first = us[i].begin() + static_cast<std::ptrdiff_t>(k * rounds);
        std::sort(first, first + rounds);
        median[i] = first[rounds / 2];
      }
      add_row({all[k].name, median[0], median[1], all[k].bytes ? "copy" : ""});
    }
  });
}

}  // namespace timing
