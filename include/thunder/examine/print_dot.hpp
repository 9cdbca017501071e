#pragma once
/// Drawings of graphs, in the language of Graphviz.
#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "../ir/print.hpp"

namespace thunder {

/// Collects boxes and arrows, then writes the boxes of each module path into a cluster.
class dot_writer {
 public:
  explicit dot_writer(std::span<const std::string> paths) : paths_(paths) {}

  std::string text(const graph_view& g) {
    std::vector<int> outputs = draw(g, {}, "", true);
    for (std::size_t k = 0; k < outputs.size(); ++k)
      arrow(outputs[k], box("", "result " + std::to_string(k) + "\\n" + escaped(print(g.type(g.outputs[static_cast<int>(k)]))),
                            "shape=ellipse, style=filled, fillcolor=lightgrey"));
    std::string r = "digraph {\n  node [shape=box, fontname=monospace, fontsize=10];\n  edge [arrowsize=0.6];\n";
    write(root_, "", r, 1);
    return r + arrows_ + "}\n";
  }

 private:
  struct cluster {
    std::map<std::string, cluster> inside;
    std::string boxes;
  };

  /// For a string in quotes; what is no printable ASCII becomes a question mark.
  static std::string escaped(const std::string& s) {
    std::string r;
    for (const char c : s) {
      if (c == '"' || c == '\\') r += '\\';
      r += c >= 32 && c < 127 ? c : '?';
    }
    return r;
  }
  int box(const std::string& path, const std::string& label, const std::string& look) {
    cluster* c = &root_;
    for (std::size_t at = 0; at < path.size();) {
      const std::size_t end = std::min(path.find('.', at), path.size());
      if (end > at) c = &c->inside[path.substr(at, end - at)];
      at = end + 1;
    }
    c->boxes += "n" + std::to_string(count_) + " [label=\"" + label + "\"" + (look.empty() ? "" : ", " + look) + "];\n";
    return count_++;
  }
  void arrow(int from, int to) { arrows_ += "  n" + std::to_string(from) + " -> n" + std::to_string(to) + ";\n"; }
  void write(const cluster& c, const std::string& path, std::string& r, int depth) {
    const std::string indent(static_cast<std::size_t>(depth) * 2, ' ');
    for (std::size_t at = 0; at < c.boxes.size();) {
      const std::size_t end = c.boxes.find('\n', at) + 1;
      r += indent + c.boxes.substr(at, end - at);
      at = end;
    }
    for (const auto& [name, part] : c.inside) {
      const std::string full = path.empty() ? name : path + "." + name;
      r += indent + "subgraph cluster_" + std::to_string(clusters_++) + " {\n" + indent + "  label=\"" + escaped(full) + "\";\n";
      write(part, full, r, depth + 1);
      r += indent + "}\n";
    }
  }

  static std::string joined(const std::string& path, const std::string& name) {
    return path.empty() || name.empty() ? path + name : path + "." + name;
  }

  /// Draws a graph inside of `path`; the boxes of its results.
  std::vector<int> draw(const graph_view& g, const std::vector<int>& inputs, const std::string& path, bool outermost) {
    std::vector<int> boxes(static_cast<std::size_t>(g.value_count), -1);
    const list<bool> live = live_nodes(g);
    for (int i = 0, shown = 0; i < g.node_count; ++i) {
      if (!live[i]) continue;
      const node& n = g.nodes[i];
      const auto first = static_cast<std::size_t>(n.result);
      const std::string name = print_name(g, n.name);
      std::string here = path;
      if (outermost && static_cast<std::size_t>(shown) < paths_.size()) here = paths_[static_cast<std::size_t>(shown)];
      ++shown;
      std::vector<int> x;
      for (int k = 0; k < n.operands; ++k) x.push_back(boxes[static_cast<std::size_t>(g.operand(n, k))]);
      if (n.body) {
        const std::vector<int> results = draw(*n.body, x, outermost && !paths_.empty() ? here : joined(path, name), false);
        for (std::size_t k = 0; k < results.size(); ++k) boxes[first + k] = results[k];
        continue;
      }
      const bool formal = n.op->id == table_of<ops::formal>()->id, parameter = n.op->id == table_of<ops::parameter>()->id;
      if (formal && !outermost) {
        boxes[first] = inputs[static_cast<std::size_t>(g.word(n, 0))];
        continue;
      }
      std::string label = formal      ? "argument " + std::to_string(g.word(n, 0))
                          : parameter ? escaped(print_name(g, n.name, path))
                                      : escaped(std::string(n.op->name).starts_with("thunder.") ? n.op->name + 8 : n.op->name);
      if (!formal && !parameter)
        for (int k = 0; k < n.words; ++k)
          label += (k ? ", " : "\\n<") +
                   (n.op->id == digest_of("thunder.extent") ? std::to_string(g.word(n, k)) : print_word(g.word(n, k))) +
                   (k + 1 == n.words ? ">" : "");
      label += "\\n" + escaped(print(g.type(n.result))) + (n.results > 1 ? ", ..." : "");
      if (parameter && here == path && outermost && name.find('.') != std::string::npos) here = name.substr(0, name.rfind('.'));
      const int b = box(here, label, formal ? "shape=ellipse" : parameter ? "style=filled, fillcolor=lightyellow" : "");
      for (int k = 0; k < n.results; ++k) boxes[first + static_cast<std::size_t>(k)] = b;
      for (const int from : x) arrow(from, b);
    }
    std::vector<int> r;
    for (int k = 0; k < g.output_count; ++k) r.push_back(boxes[static_cast<std::size_t>(g.outputs[k])]);
    return r;
  }

  std::span<const std::string> paths_;
  cluster root_;
  std::string arrows_;
  int count_ = 0, clusters_ = 0;
};

/// The graph as a drawing for Graphviz (dot -Tsvg): a box for each statement, an arrow for each operand, a cluster for each
/// module. What is called is drawn where it is called. `paths`: the module path of each live statement, where the graph itself no
/// longer says it (stage::path).
inline std::string print_dot(const graph_view& g, std::span<const std::string> paths = {}) { return dot_writer(paths).text(g); }

}  // namespace thunder
