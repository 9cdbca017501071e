#pragma once
/// Everything about a program on one page, in one file that needs nothing else.
#include <sstream>

#include "../runtime/file.hpp"
#include "explain.hpp"
#include "memory.hpp"
#include "print_cpp.hpp"
#include "print_dot.hpp"

namespace thunder {

/// Which steps read what which others wrote, as an SVG image: a line for each step, an arc for each value between two of them.
/// Arcs on the right lead downwards; a wide one is a value that lives long.
template <lowered_program P>
std::string step_arcs_svg(const P&, const explanation& steps) {
  using plan = typename P::plan;
  constexpr double row = 18, left = 10, text_width = 330;
  const int n = P::step_count;
  std::string r, arcs;
  double right = left + text_width + 20;
  char line[512];
  std::vector<int> writer(static_cast<std::size_t>(P::slot_count), -1);
  for (int k = 0; k < n; ++k) {
    const step_info& s = plan::data.steps[k];
    std::vector<int> from;
    for (int j = 0; j < s.inputs; ++j) {
      const int w = writer[static_cast<std::size_t>(plan::data.operands[s.input + j].slot)];
      if (w >= 0 && std::find(from.begin(), from.end(), w) == from.end()) from.push_back(w);
    }
    for (const int w : from) {
      const double y0 = (w + 0.5) * row, y1 = (k + 0.5) * row, reach = 12 + 6 * std::min<double>(k - w, 60);
      std::snprintf(line, sizeof line,
                    "<path d=\"M %.0f %.1f C %.0f %.1f %.0f %.1f %.0f %.1f\" fill=\"none\" stroke=\"#888\"><title>step %d to "
                    "step %d</title></path>\n",
                    left + text_width, y0, left + text_width + reach, y0, left + text_width + reach, y1, left + text_width, y1, w,
                    k);
      arcs += line;
      right = std::max(right, left + text_width + reach + 4);
    }
    for (int j = 0; j < s.outputs; ++j) writer[static_cast<std::size_t>(plan::data.operands[s.output + j].slot)] = k;
    const step_report& report = steps[static_cast<std::size_t>(k)];
    std::string label = std::to_string(k) + " " + report.runs_as + (report.path.empty() ? "" : " of " + report.path);
    if (label.size() > 50) label = label.substr(0, 47) + "...";
    std::snprintf(line, sizeof line,
                  "<rect x=\"%.0f\" y=\"%.1f\" width=\"%.0f\" height=\"%.1f\" rx=\"3\" fill=\"%s\"/><text x=\"%.0f\" y=\"%.1f\">",
                  left, k * row + 1, text_width, row - 2, s.op ? "#fdeacc" : "#dce8f5", left + 6, k * row + 13);
    r += line + escape_markup(label) + "</text>\n";
  }
  std::snprintf(line, sizeof line,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" "
                "font-family=\"monospace\" "
                "font-size=\"11\">\n",
                right, n * row, right, n * row);
  return line + r + arcs + "</svg>\n";
}

/// The report as HTML: the steps and why they are what they are, the memory over time, the steps' arcs, the program as C++ and as
/// a drawing for Graphviz, and every stage side by side. Throws shape_error where a named dimension has no size.
template <lowered_program P>
std::string html_report(const P& program, const bindings& b = {}, const std::string& title = "A program of thunder") {
  const memory_plan memory = program.memory(b);
  const explanation steps = explain(program, b);
  const stage_list all = stages(program);
  std::ostringstream memory_table, pass_table;
  memory_table << memory, pass_table << all;
  auto folded = [](const std::string& name, const std::string& text) {
    return "<details><summary>" + escape_markup(name) + "</summary><pre>" + escape_markup(text) + "</pre></details>\n";
  };
  std::string r = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + escape_markup(title) +
                  "</title>\n<style>\n"
                  "body{font-family:sans-serif;margin:1.5em;color:#222}\n"
                  "table{border-collapse:collapse;font-size:85%}td,th{padding:.2em "
                  ".7em;text-align:left;vertical-align:top;border-bottom:1px solid #ddd}\n"
                  "td.n,th.n{text-align:right;white-space:nowrap}pre{font-size:80%}\n"
                  ".stages{display:flex;overflow-x:auto;gap:1em}.stages section{flex:0 0 auto;max-width:46em;border:1px solid "
                  "#ddd;padding:.5em}\n"
                  ".stages pre{max-height:32em;overflow:auto}\n"
                  "</style></head><body>\n<h1>" +
                  escape_markup(title) + "</h1>\n<p>" + std::to_string(P::step_count) + " steps on " +
                  name_of(P::executor_type::where) + "; " + with_commas(memory.peak()) +
                  " bytes: " + with_commas(memory.arguments) + " of arguments and parameters, " + with_commas(memory.arena) +
                  " between steps, " + with_commas(memory.results) + " of results.</p>\n";
  r += "<h2>Steps</h2>\n<table><tr><th class=\"n\">step</th><th>runs as</th><th>module</th><th class=\"n\">reads</th><th "
       "class=\"n\">writes</th>"
       "<th class=\"n\">flops</th><th>ends before</th></tr>\n";
  for (std::size_t k = 0; k < steps.size(); ++k) {
    const step_report& s = steps[k];
    std::string why;
    for (const std::string& w : s.why) why += (why.empty() ? "" : "<br>") + escape_markup(w);
    r += "<tr><td class=\"n\">" + std::to_string(k) + "</td><td>" + escape_markup(s.runs_as) + "</td><td>" +
         escape_markup(s.path) + "</td><td class=\"n\">" + with_prefix(s.read, "B") + "</td><td class=\"n\">" +
         with_prefix(s.written, "B") + "</td><td class=\"n\">" + with_prefix(s.operations, "") + "</td><td>" + why +
         "</td></tr>\n";
  }
  r += "</table>\n<h2>Values between steps</h2>\n" + step_arcs_svg(program, steps) + "<h2>Memory</h2>\n" +
       memory_timeline_svg(memory) + folded("every buffer", memory_table.str());
  r += "<h2>The program</h2>\n" + folded("as C++, after all passes", print_cpp(P::plan::graph)) +
       folded("as a drawing for Graphviz", print_dot(all[all.size() - 2].view(), all[all.size() - 2].path)) +
       "<h2>Stages</h2>\n" + folded("sizes and times of the passes", pass_table.str()) + "<div class=\"stages\">\n";
  for (const stage& s : all)
    r += "<section><b>" + escape_markup(s.pass + (s.of.empty() ? "" : " of " + s.of)) + "</b> " + std::to_string(s.before) +
         " &rarr; " + std::to_string(s.after) + "<pre>" + escape_markup(s.text()) + "</pre></section>\n";
  return r + "</div>\n</body></html>\n";
}

/// Writes the report to a file, all or nothing. Throws io_error if that fails.
///
///     write_html_report("step.html", jit(step).lower(images, labels), sizes({{B, 128}}));
template <lowered_program P>
void write_html_report(const std::string& path, const P& program, const bindings& b = {},
                       const std::string& title = "A program of thunder") {
  const std::string text = html_report(program, b, title);
  file_writer file(path);
  file.write(text.data(), text.size());
  file.commit();
}

}  // namespace thunder
