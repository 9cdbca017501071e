#pragma once
/// What the programs of bench/gpu and bench/cpu print: a Markdown row for each case, and with `--json FILE` a file for bench/table.py.
/// `--only TEXT` leaves out the cases whose names do not contain TEXT, and does not run those of `measure`.
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

namespace timing {

/// What a case took and what it is compared with: `limit` says what that is ("copy", "product"), empty if there is nothing.
struct row {
  std::string name;
  double us, limit_us;
  std::string limit;
};
inline std::vector<row>& table() {
  static std::vector<row> t;
  return t;
}
inline std::string& only() {
  static std::string text;
  return text;
}
/// Whether a case is to be measured.
inline bool wanted(const std::string& name) { return name.find(only()) != std::string::npos; }
inline void add_row(const row& r) {
  if (!wanted(r.name)) return;
  table().push_back(r);
  std::printf("| %-52s | %9.1f | ", r.name.c_str(), r.us);
  if (r.limit.empty()) std::printf("          |         |       |\n");
  else std::printf("%9.1f | %-7s | %5.2f |\n", r.limit_us, r.limit.c_str(), r.limit_us / r.us);
  std::fflush(stdout);
}
inline bool write_json(const char* path, const std::string& machine) {
  std::FILE* f = std::fopen(path, "w");
  if (!f) return false;
  std::fprintf(f, "{\"machine\": \"%s\", \"results\": [", machine.c_str());
  const char* between = "";
  for (const row& r : table()) {
    std::fprintf(f, "%s\n  {\"case\": \"%s\", \"us\": %.3f", between, r.name.c_str(), r.us);
    if (!r.limit.empty()) std::fprintf(f, ", \"limit\": \"%s\", \"limit_us\": %.3f", r.limit.c_str(), r.limit_us);
    std::fprintf(f, "}");
    between = ",";
  }
  std::fprintf(f, "\n]}\n");
  return std::fclose(f) == 0;
}
/// Runs the cases, on what `machine` names; a program's exit status.
inline int report(int argc, char** argv, std::string (*machine)(), void (*cases)()) {
  const char* json = nullptr;
  for (int i = 1; i < argc; i += 2) {
    const bool is_json = std::strcmp(argv[i], "--json") == 0;
    if (i + 1 == argc || (!is_json && std::strcmp(argv[i], "--only") != 0)) {
      std::fprintf(stderr, "usage: %s [--json FILE] [--only TEXT]\n", argv[0]);
      return 2;
    }
    if (is_json) json = argv[i + 1];
    else only() = argv[i + 1];
  }
  try {
    cases();
    if (table().empty()) std::fprintf(stderr, "%s: no case is named '%s'\n", argv[0], only().c_str());
    else if (!json || write_json(json, machine())) return 0;
    else std::fprintf(stderr, "%s: cannot write %s\n", argv[0], json);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", argv[0], e.what());
  }
  return 1;
}

}  // namespace timing
