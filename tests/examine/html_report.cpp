// The report: well-formed, complete, and without anything from elsewhere.
#include "../files.hpp"

#include <thunder/examine/html_report.hpp>
#include <thunder/thunder.hpp>

#include <doctest/doctest.h>

using namespace thunder;

namespace {

inline constexpr auto B = dim("batch");
inline constexpr auto model = [](auto x) {
  return softmax(repeat<2, "h">([](auto y) { return y + nn::linear<"fc<&>", 4>(gelu(y)); }, x));
};

/// The first place where tags are not closed in order, or an empty text.
std::string broken_tag(const std::string& html) {
  std::vector<std::string> open;
  for (std::size_t at = html.find('<'); at != std::string::npos; at = html.find('<', at + 1)) {
    const std::size_t end = html.find('>', at);
    if (end == std::string::npos) return html.substr(at, 40);
    const std::string tag = html.substr(at + 1, end - at - 1);
    const std::string name = tag.substr(0, tag.find(' '));
    if (tag.starts_with("!") || tag.ends_with("/") || name == "meta" || name == "br") continue;
    if (!tag.starts_with("/"))
      open.push_back(name);
    else if (open.empty() || "/" + open.back() != tag)
      return html.substr(at, 40);
    else
      open.pop_back();
  }
  return open.empty() ? "" : "open: " + open.back();
}
int count(const std::string& text, const std::string& part) {
  int n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("a report on one page") {
  const auto program = jit(model).lower(spec<float, B, 4>());
  const auto b = sizes({{B, 100}});
  const std::string html = html_report(program, b, "two <blocks>");
  CHECK(broken_tag(html) == "");
  CHECK(html.find("<title>two &lt;blocks&gt;</title>") != std::string::npos);
  CHECK(html.find("h.0.fc&lt;&amp;&gt;") != std::string::npos);  // the module's name
  CHECK(html.find("<fc") == std::string::npos);
  CHECK(count(html, "<svg ") == 2);
  CHECK(count(html, "<section>") == static_cast<int>(stages(program).size()));
  CHECK(count(html, "<tr>") == program.step_count + 1);
  CHECK(html.find("step 1 (matmul): a library step") != std::string::npos);
  CHECK(html.find(with_commas(program.memory(b).peak()) + " bytes") != std::string::npos);
  CHECK(html.find("digraph {") != std::string::npos);
  for (const char* outside : {"http://", "https://", "src=", "@import", "url(", "<script", "<link"}) {
    CAPTURE(outside);
    CHECK(count(html, outside) == (std::string(outside) == "http://" ? 2 : 0));  // the names of SVG's namespace
  }
  CHECK(count(html, "xmlns=\"http://www.w3.org/2000/svg\"") == 2);
}

TEST_CASE("arcs lead from the step that writes to those that read") {
  const auto program = jit([](auto x, auto y) {
                         const auto s = matmul(x, y);
                         return matmul(tanh(s), y) + s;
                       }).lower(spec<float, 4, 4>(), spec<float, 4, 4>());
  const std::string svg = step_arcs_svg(program, explain(program));
  CHECK(count(svg, "<path ") == 4);
  CHECK(svg.find("<title>step 0 to step 1</title>") != std::string::npos);
  CHECK(svg.find("<title>step 0 to step 3</title>") != std::string::npos);
  CHECK(svg.find("<title>step 1 to step 3</title>") == std::string::npos);
  CHECK(broken_tag(svg) == "");
}

TEST_CASE("the file") {
  const auto program = jit(model).lower(spec<float, B, 4>());
  const temporary file("report.html");
  write_html_report(file.path, program, sizes({{B, 8}}));
  CHECK(get_file(file.path).starts_with("<!DOCTYPE html>\n"));
  const std::string before = get_file(file.path);
  CHECK_THROWS_AS(write_html_report(file.path, program), const shape_error&);
  CHECK(get_file(file.path) == before);
  CHECK_THROWS_AS(write_html_report("/no/such/folder/report.html", program, sizes({{B, 8}})), const io_error&);
}
