#pragma once
/// What a program's memory() says, as a table and as a picture.
#include <algorithm>
#include <cstdio>
#include <string>

#include "../jit/program.hpp"

namespace thunder {

/// What stands between the tags of XML or HTML, and in quotes there.
inline std::string escape_markup(std::string_view s) {
  std::string r;
  for (const char c : s) {
    if (c == '&')
      r += "&amp;";
    else if (c == '<')
      r += "&lt;";
    else if (c == '>')
      r += "&gt;";
    else if (c == '"')
      r += "&quot;";
    else
      r += (static_cast<unsigned char>(c) < 32 && c != '\n') || c == 127 ? '?' : c;
  }
  return r;
}

/// "1,048,576"
inline std::string with_commas(std::int64_t n) {
  std::string r = std::to_string(n);
  for (auto at = static_cast<std::ptrdiff_t>(r.size()) - 3; at > (n < 0 ? 1 : 0); at -= 3)
    r.insert(static_cast<std::size_t>(at), 1, ',');
  return r;
}

/// One buffer a line: where it is, its bytes, the steps that use it and what it holds. Then the sums.
///
///     std::cout << program.memory(sizes({{B, 128}}));
template <class Stream>
Stream& operator<<(Stream& out, const memory_plan& m) {
  char line[200];
  std::snprintf(line, sizeof line, "%12s %12s %11s  %s\n", "arena offset", "bytes", "steps", "holds");
  out << line;
  for (const memory_buffer& b : m.buffers) {
    const std::string at = b.where == slot_info::arena ? with_commas(b.offset) : "",
                      steps = b.first < 0 ? "" : std::to_string(b.first) + " to " + std::to_string(b.last);
    std::snprintf(line, sizeof line, "%12s %12s %11s  ", at.c_str(), with_commas(b.bytes).c_str(), steps.c_str());
    out << line << b.holds << ": " << print(b.type) << '\n';
  }
  out << "arena " << with_commas(m.arena) << ", arguments " << with_commas(m.arguments) << ", results " << with_commas(m.results)
      << ", together " << with_commas(m.peak()) << " bytes\n";
  return out;
}

/// The arena over time, as an SVG image of its own: steps to the right, offsets upwards, a box for each buffer from the first
/// step that uses it to the last. A box's tooltip says what it holds.
inline std::string memory_timeline_svg(const memory_plan& m) {
  constexpr double width = 900, height = 360, left = 90, right = 20, top = 30, bottom = 40;
  int steps = 1;
  for (const memory_buffer& b : m.buffers) steps = std::max(steps, b.last + 1);
  const double column = (width - left - right) / steps,
               row = (height - top - bottom) / static_cast<double>(std::max<std::int64_t>(m.arena, 1));
  const char* colours[]{"#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#76b7b2", "#edc948", "#b07aa1", "#9c755f"};
  char line[512];
  std::string r;
  auto text = [&](double x, double y, const char* anchor, const std::string& s) {
    std::snprintf(line, sizeof line, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    r += line + escape_markup(s) + "</text>\n";
  };
  std::snprintf(line, sizeof line,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\" "
                "font-family=\"sans-serif\" "
                "font-size=\"11\">\n<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"#f6f6f6\"/>\n",
                width, height, width, height, left, top, width - left - right, height - top - bottom);
  r += line;
  text(
      left, top - 12, "start",
      "arena: " + with_commas(m.arena) + " bytes; arguments " + with_commas(m.arguments) + ", results " + with_commas(m.results));
  text(left - 8, height - bottom, "end", "0");
  text(left - 8, top + 10, "end", with_commas(m.arena));
  const int every = (steps + 19) / 20;
  for (int k = 0; k < steps; k += every) text(left + (k + 0.5) * column, height - bottom + 16, "middle", std::to_string(k));
  text(left + (width - left - right) / 2, height - 6, "middle", "step");
  int colour = 0;
  for (const memory_buffer& b : m.buffers) {
    if (b.where != slot_info::arena || b.first < 0 || b.bytes == 0) continue;
    const double x = left + b.first * column, w = (b.last - b.first + 1) * column, h = static_cast<double>(b.bytes) * row,
                 y = height - bottom - static_cast<double>(b.offset) * row - h;
    std::snprintf(line, sizeof line,
                  "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"%s\" stroke=\"white\" stroke-width=\"0.5\">",
                  x, y, w, h, colours[colour++ % 8]);
    r += line;
    r += "<title>" +
         escape_markup(b.holds + ": " + print(b.type) + ", " + with_commas(b.bytes) + " bytes at " + with_commas(b.offset) +
                       ", steps " + std::to_string(b.first) + " to " + std::to_string(b.last)) +
         "</title></rect>\n";
    if (const std::string label = print(b.type); h > 12 && w > 6.5 * static_cast<double>(label.size()))
      text(x + 4, y + h / 2 + 4, "start", label);
  }
  return r + "</svg>\n";
}

}  // namespace thunder
