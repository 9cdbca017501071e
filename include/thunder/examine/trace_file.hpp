#pragma once
/// Traces as text files, without loss: what tools exchange and people look at. print() of ir/print.hpp with the bodies of calls
/// before the program, real attributes marked by a point or an exponent, and absolute names by a slash:
///
///     thunder trace 1
///     body 0
///     %0 = thunder.formal <0> : f32[batch, 3]
///     %1 = thunder.parameter "weight" <1, 9, 1.0, 0> : f32[3, 2]
///     %2 = thunder.matmul(%0, %1) <0, 0> : f32[batch, 2]
///     results: %2
///     program
///     %0 = thunder.formal <0> : f32[batch, 3]
///     %1 = thunder.call(%0) body 0 "hidden" : f32[batch, 2]
///     results: %1
///     end
///
/// A line is a statement; its results are numbered in order, operands come before it.
#include <memory>
#include <unordered_map>
#include <vector>

#include "../ir/verify.hpp"
#include "../ops/all.hpp"
#include "../optim/adamw.hpp"
#include "../optim/sgd.hpp"
#include "../runtime/file.hpp"
#include "content.hpp"
#include "spelling.hpp"

namespace thunder {

// ---- what a reader must know of ops beside `infer`
/// How many operands a pointwise op takes.
template <class Op> constexpr int arity_of() {
  using T = std::conditional_t<Op::types == typing::logical, bool, double>;
  if constexpr (Op::types == typing::selection) return 3;
  else if constexpr (requires(T x) { Op::evaluate(x); }) return 1;
  else if constexpr (requires(T x) { Op::evaluate(x, x); }) return 2;
  else return 3;
}
/// The number of operands and of attributes of an op's statements, before `infer` looks at them. -1: any number, of operands at
/// least one. Specialise it for an op of your own that is neither pointwise nor a reduction.
template <class Op> struct statement_form {
  static constexpr int operands = [] {
    if constexpr (Op::is_pointwise) return arity_of<Op>();
    else return Op::is_reduction ? 1 : -1;
  }();
  static constexpr int words = Op::is_pointwise ? 0 : Op::is_reduction ? 1 : -1;
};
template <int Operands, int Words> struct fixed_form { static constexpr int operands = Operands, words = Words; };
template <> struct statement_form<ops::cast> : fixed_form<1, 1> {};
template <> struct statement_form<ops::fold_in> : fixed_form<2, 0> {};
template <> struct statement_form<ops::full> : fixed_form<0, 1> {};
template <> struct statement_form<ops::iota> : fixed_form<0, 1> {};
template <> struct statement_form<ops::extent> : fixed_form<0, 4> {};
template <> struct statement_form<ops::broadcast> : fixed_form<1, 1> {};
template <> struct statement_form<ops::reshape> : fixed_form<1, 0> {};
template <> struct statement_form<ops::argmax> : fixed_form<1, 1> {};
template <> struct statement_form<ops::mean> : fixed_form<1, 1> {};
template <> struct statement_form<ops::transpose> : fixed_form<1, -1> {};
template <> struct statement_form<ops::slice> : fixed_form<1, -1> {};
template <> struct statement_form<ops::pad> : fixed_form<1, -1> {};
template <> struct statement_form<ops::concatenate> : fixed_form<-1, 1> {};
template <> struct statement_form<ops::take> : fixed_form<2, 0> {};
template <> struct statement_form<ops::scatter_add> : fixed_form<2, 0> {};
template <> struct statement_form<ops::matmul> : fixed_form<2, -1> {};
template <> struct statement_form<ops::matmul_epilogue> : fixed_form<-1, 3> {};
template <> struct statement_form<ops::random_uniform> : fixed_form<1, 0> {};
template <> struct statement_form<ops::random_normal> : fixed_form<1, 0> {};
template <> struct statement_form<ops::softmax> : fixed_form<1, 1> {};
template <> struct statement_form<ops::log_softmax> : fixed_form<1, 1> {};
template <> struct statement_form<ops::logsumexp> : fixed_form<1, 1> {};
template <> struct statement_form<ops::var> : fixed_form<1, 1> {};
template <> struct statement_form<ops::layer_norm> : fixed_form<3, 1> {};
template <> struct statement_form<ops::rms_norm> : fixed_form<2, 1> {};
template <> struct statement_form<ops::gelu_exact> : fixed_form<1, 0> {};
template <> struct statement_form<ops::silu> : fixed_form<1, 0> {};
template <> struct statement_form<ops::softplus> : fixed_form<1, 0> {};
template <> struct statement_form<ops::dropout> : fixed_form<2, 1> {};
template <> struct statement_form<ops::cross_entropy_rows> : fixed_form<2, 0> {};
template <> struct statement_form<ops::triangle> : fixed_form<1, 2> {};
template <> struct statement_form<ops::swiglu> : fixed_form<2, 0> {};
template <> struct statement_form<ops::rope> : fixed_form<2, 3> {};
template <> struct statement_form<ops::rotate_pairs> : fixed_form<3, 2> {};
template <> struct statement_form<ops::dynamic_slice> : fixed_form<2, 2> {};
template <> struct statement_form<ops::dynamic_update_slice> : fixed_form<3, 1> {};
template <> struct statement_form<ops::cumsum> : fixed_form<1, 2> {};
template <> struct statement_form<ops::cumprod> : fixed_form<1, 2> {};
template <> struct statement_form<ops::sort> : fixed_form<1, 1> {};
template <> struct statement_form<ops::top_k> : fixed_form<1, 1> {};
template <> struct statement_form<ops::scatter> : fixed_form<2, 0> {};
template <> struct statement_form<ops::take_along_last> : fixed_form<2, 0> {};
template <> struct statement_form<ops::scaled_dot_product_attention> : fixed_form<-1, 2> {};
template <> struct statement_form<ops::scaled_dot_product_attention_gradient> : fixed_form<-1, 2> {};
template <> struct statement_form<ops::dropped_attention> : fixed_form<-1, 3> {};
template <> struct statement_form<ops::dropped_attention_gradient> : fixed_form<-1, 3> {};
template <> struct statement_form<ops::adamw> : fixed_form<-1, 5> {};
template <> struct statement_form<ops::sgd> : fixed_form<-1, 2> {};

/// Ops by name, for reading.
struct op_form {
  const op_info* op;
  int operands, words;
};
using op_table_by_name = std::unordered_map<std::string_view, op_form>;
template <class... Op> void add_ops(op_table_by_name& t, pack<Op...>) {
  ((t[Op::name] = op_form{table_of<Op>(), statement_form<Op>::operands, statement_form<Op>::words}), ...);
}
/// The ops of thunder and a list of the user's own.
template <class Own = pack<>> const op_table_by_name& readable_ops() {
  static const op_table_by_name table = [] {
    op_table_by_name t;
    add_ops(t, builtin_ops{});
    add_ops(t, pack<ops::adamw, ops::sgd>{});
    add_ops(t, Own{});
    return t;
  }();
  return table;
}

// ---- writing
/// Writes a graph and the bodies that it calls.
class trace_writer {
 public:
  std::string text(const graph_view& g) {
    const std::string program = statements(g);
    return "thunder trace 1\n" + bodies_ + "program\n" + program + "end\n";
  }

 private:
  static std::string type(const meta& m) {
    std::string r = std::string(name_of(m.type)) + '[';
    for (int i = 0; i < m.rank; ++i) {
      const dim& d = m.d[i];
      const bool number = d.a == 0 || dim_name(d.a).find_first_not_of("0123456789") == std::string::npos;  // or looks like one
      std::string s = d.size == 1 && !number ? "" : std::to_string(d.size);
      for (std::uint64_t name : {d.a, d.b, d.c})
        if (name) s += (s.empty() ? "" : "*") + dim_name(name);
      r += (i ? ", " : "") + s;
    }
    return r + ']';
  }
  static std::string word(const op_info& op, std::int64_t w) {
    if (!is_real_word(op, w)) return std::to_string(w);
    const std::string s = shortest(std::bit_cast<double>(w));
    return s.find_first_of(".e") == std::string::npos ? s + ".0" : s;
  }
  static std::string name(const graph_view& g, int i) {
    int first = i;
    while (g.names[first].parent >= 0) first = g.names[first].parent;
    return string_literal((g.names[first].parent == name_info::absolute ? "/" : "") + print_name(g, i));
  }
  int body(const graph_view& g) {
    for (std::size_t k = 0; k < known_.size(); ++k)
      if (known_[k] == &g || (g.id != 0 && known_[k]->id == g.id)) return static_cast<int>(k);
    const std::string text = statements(g);  // first: it may call others
    bodies_ += "body " + std::to_string(known_.size()) + '\n' + text;
    known_.push_back(&g);
    return static_cast<int>(known_.size()) - 1;
  }
  std::string statements(const graph_view& g) {
    std::string r;
    std::int64_t formals = 0;
    for (int i = 0; i < g.node_count; ++i) {
      const node& n = g.nodes[i];
      if (n.op->id == table_of<ops::formal>()->id && g.word(n, 0) != formals++)
        throw error("save_trace: the graph's formals are not in order");
      for (int k = 0; k < n.results; ++k) r += (k ? ", %" : "%") + std::to_string(n.result + k);
      r += std::string(" = ") + n.op->name;
      for (int k = 0; k < n.operands; ++k) r += (k ? ", %" : "(%") + std::to_string(g.operand(n, k));
      if (n.operands) r += ')';
      if (n.body) r += " body " + std::to_string(body(*n.body));
      if (n.name >= 0) r += ' ' + name(g, n.name);
      for (int k = 0; k < n.words; ++k) r += (k ? ", " : " <") + word(*n.op, g.word(n, k));
      if (n.words) r += '>';
      for (int k = 0; k < n.results; ++k) r += (k ? ", " : " : ") + type(g.type(n.result + k));
      r += '\n';
    }
    if (formals != g.input_count) throw error("save_trace: the graph has inputs without a formal");
    r += "results:";
    for (int k = 0; k < g.output_count; ++k) r += (k ? ", %" : " %") + std::to_string(g.outputs[k]);
    return r + '\n';
  }

  std::string bodies_;
  std::vector<const graph_view*> known_;
};
/// A graph as the text of a trace file.
inline std::string trace_text(const graph_view& g) { return trace_writer().text(g); }
/// Writes a graph to a file, all or nothing. Throws io_error if that fails.
inline void save_trace(const std::string& path, const graph_view& g) {
  const std::string text = trace_text(g);
  file_writer file(path);
  file.write(text.data(), text.size());
  file.commit();
}

// ---- reading
/// A graph that was read from text, with all that it points to.
class loaded_trace {
 public:
  graph_view view() const { return parts_.back()->view; }
  operator graph_view() const { return view(); }

 private:
  friend class trace_reader;
  struct part {
    graph g;
    graph_view view;
    int depth = 1;  // of calls
  };
  std::vector<std::unique_ptr<part>> parts_;  // the bodies, and the program
  std::vector<std::unique_ptr<std::string>> texts_;
};

/// Reads the text of a trace. Everything in it is checked: a graph that is read is verified.
class trace_reader {
 public:
  trace_reader(std::string_view text, std::string where, const op_table_by_name& ops)
      : text_(text), where_(std::move(where)), ops_(ops) {}

  loaded_trace read() {
    next_line();
    if (rest_ != "thunder trace 1") fail("should be 'thunder trace 1', the first line of a trace");
    next_line();
    for (bool program = false; !program; next_line()) {
      program = rest_ == "program";
      if (!program) {
        expect("body ");
        if (integer() != static_cast<std::int64_t>(r_.parts_.size()))
          fail("should begin the body number " + std::to_string(r_.parts_.size()));
        finish_line();
      }
      read_part();
    }
    if (rest_ != "end") fail("should be 'end'");
    if (at_ != text_.size()) ++line_, fail("comes after the end");
    return std::move(r_);
  }

 private:
  static constexpr std::int64_t most = std::int64_t{1} << 40;  // of an extent: products must fit 64 bits
  static constexpr int deepest = 64;
  static constexpr int most_parameters = 1'000'000;

  [[noreturn]] void fail(const std::string& what) const {
    throw io_error("line " + std::to_string(line_) + " of the trace " + where_ + " " + what);
  }

  // ---- within a line
  void next_line() {
    ++line_;
    const std::size_t end = text_.find('\n', at_);
    if (end == std::string_view::npos)
      fail(at_ == text_.size() ? "is missing: the text ends too early" : "is cut off: the text ends too early");
    rest_ = text_.substr(at_, end - at_);
    at_ = end + 1;
  }
  bool accept(std::string_view s) {
    if (!rest_.starts_with(s)) return false;
    rest_.remove_prefix(s.size());
    return true;
  }
  void expect(std::string_view s) {
    if (!accept(s)) fail("should have '" + std::string(s) + "' where it has " + shown());
  }
  void finish_line() {
    if (!rest_.empty()) fail("should end where it has " + shown());
  }
  std::string shown() const { return rest_.empty() ? "its end" : string_literal(rest_.substr(0, 20)); }
  std::int64_t integer() {
    std::int64_t v = 0;
    const auto [end, problem] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), v);
    if (problem != std::errc{}) fail("should have an integer of 64 bits where it has " + shown());
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return v;
  }
  int index(std::int64_t limit, const char* what) {
    const std::int64_t v = integer();
    if (v < 0 || v >= limit) fail(std::string("names the ") + what + std::to_string(v) + ", which is not above it");
    return static_cast<int>(v);
  }
  std::int64_t word() {
    const std::size_t size = std::min(rest_.find_first_of(",>"), rest_.size());
    if (rest_.substr(0, size).find_first_of(".e") == std::string_view::npos) return integer();
    double v = 0;
    const auto [end, problem] = std::from_chars(rest_.data(), rest_.data() + size, v);
    if (problem != std::errc{}) fail("should have a number where it has " + shown());
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return bits_of(v);
  }
  std::string_view letters(bool (*good)(char)) {
    std::size_t n = 0;
    while (n < rest_.size() && good(rest_[n])) ++n;
    const std::string_view r = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return r;
  }
  static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }
  dim dimension() {
    dim d(1);
    int names = 0;
    for (bool first = true; first || accept("*"); first = false) {
      if (first && !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9' && is_size()) {
        d = dim(integer());
        if (d.size > most) fail("has a dimension that is too large");
        continue;
      }
      const std::string name(letters(&is_letter));
      if (name.empty() || name.size() > 10)
        fail("should have a dimension, a number or at most ten letters, where it has " + shown());
      if (++names > 3) fail("has a product of more than three named dimensions");
      d = d * dim(name.c_str());
    }
    return d;
  }
  /// Whether what follows is a number: a name may begin with a digit, too.
  bool is_size() const {
    std::size_t n = 0;
    while (n < rest_.size() && is_letter(rest_[n])) ++n;
    return rest_.substr(0, n).find_first_not_of("0123456789") == std::string_view::npos;
  }
  meta type() {
    const std::string_view name = letters(&is_letter);
    meta m;
    int t = 0;
    while (t < dtype_count && name != name_of(static_cast<dtype>(t))) ++t;
    if (t == dtype_count) fail("has the element type " + string_literal(name.substr(0, 20)) + ", which does not exist");
    m.type = static_cast<dtype>(t);
    expect("[");
    std::int64_t elements = 1;
    while (!accept("]")) {
      if (m.rank == max_rank) fail("has a tensor of more than six dimensions");
      if (m.rank > 0) expect(", ");
      m.d[m.rank++] = dimension();
      if (m.d[m.rank - 1].size > 0 && elements > (std::int64_t{1} << 50) / m.d[m.rank - 1].size)
        fail("has a tensor that is too large");
      elements *= std::max<std::int64_t>(m.d[m.rank - 1].size, 1);
    }
    return m;
  }
  /// What follows a quote, up to the next one, with the escapes that `quoted` writes.
  std::string name() {
    std::string r;
    while (!accept("\"")) {
      if (rest_.empty()) fail("should have a name that ends with '\"'");
      char c = rest_[0];
      rest_.remove_prefix(1);
      if (c == '\\') {
        if (accept("\"")) c = '"';
        else if (accept("\\")) c = '\\';
        else {
          int v = rest_.size() < 3 ? 256 : 0;
          for (std::size_t k = 0; v < 256 && k < 3; ++k) v = rest_[k] >= '0' && rest_[k] <= '7' ? v * 8 + (rest_[k] - '0') : 256;
          if (v >= 256) fail("should have an escape such as \\\" or \\012 where it has " + shown());
          c = static_cast<char>(v), rest_.remove_prefix(3);
        }
      }
      if (c == 0) fail("has a name with a zero byte");
      r += c;
    }
    if (r.empty() || r == "/") fail("has an empty name");
    return r;
  }

  // ---- parts
  void read_part() {
    auto owner = std::make_unique<loaded_trace::part>();
    loaded_trace::part& p = *owner;
    values_.clear();
    for (next_line(); !accept("results:"); next_line()) read_statement(p);
    for (bool first = true; !rest_.empty(); first = false) {
      expect(first ? " %" : ", %");
      p.g.outputs.push(value());
    }
    if (p.g.problem != mistake::none) fail("ends a graph in which one parameter name has two types");
    p.view = p.g.view();
    if (const char* violation = find_violation(p.view)) fail(std::string("ends a graph that is wrong: ") + violation);
    p.view.id = content_digest(p.view) | 1;
    r_.parts_.push_back(std::move(owner));
  }
  int value() { return values_[static_cast<std::size_t>(index(static_cast<std::int64_t>(values_.size()), "value %"))]; }

  void read_statement(loaded_trace::part& p) {
    int results = 0;
    do {
      expect("%");
      const auto expected = static_cast<std::int64_t>(values_.size()) + results++;
      if (integer() != expected) fail("should make the value %" + std::to_string(expected));
    } while (accept(", "));
    expect(" = ");
    const std::string_view op_name = letters([](char c) { return is_letter(c) || c == '.'; });
    list<int> x;
    if (accept("(")) {
      do {
        expect("%");
        x.push(value());
      } while (accept(", "));
      expect(")");
    }
    const loaded_trace::part* body = nullptr;
    if (accept(" body "))
      body = r_.parts_[static_cast<std::size_t>(index(static_cast<std::int64_t>(r_.parts_.size()), "body "))].get();
    int name_at = name_info::root;
    if (accept(" \"")) {
      r_.texts_.push_back(std::make_unique<std::string>(name()));
      name_at = p.g.intern_name(r_.texts_.back()->c_str(), name_info::root);
    }
    list<std::int64_t> w;
    if (accept(" <")) {
      do w.push(word());
      while (accept(", "));
      expect(">");
    }
    expect(" : ");
    list<meta> types;
    do types.push(type());
    while (accept(", "));
    finish_line();
    if (types.size() != results)
      fail("has " + std::to_string(results) + " results and " + std::to_string(types.size()) + " types");
    add(p, op_name, x, body, name_at, w, types);
  }

  void add(loaded_trace::part& p, std::string_view op_name, const list<int>& x, const loaded_trace::part* body, int name_at,
           const list<std::int64_t>& w, const list<meta>& types) {
    graph& g = p.g;
    const bool formal = op_name == ops::formal::name, parameter = op_name == ops::parameter::name,
               call = op_name == ops::call::name;
    if ((body != nullptr) != call) fail(call ? "calls no body" : "has a body, and is no call");
    if (name_at >= 0 && !parameter && !call) fail("has a name, and is neither a parameter nor a call");
    if (parameter && name_at < 0) fail("is a parameter without a name");
    const op_info* op = formal ? table_of<ops::formal>() : parameter ? table_of<ops::parameter>() : table_of<ops::call>();
    int operands = call ? body->view.input_count : 0, words = formal ? 1 : parameter ? 4 : 0;
    if (!formal && !parameter && !call) {
      const auto found = ops_.find(op_name);
      if (found == ops_.end())
        fail("has the op " + string_literal(op_name.substr(0, 40)) + ", which is not in the list of ops that can be read");
      op = found->second.op, operands = found->second.operands, words = found->second.words;
    }
    if (operands < 0 ? x.empty() : x.size() != operands)
      fail("has " + std::to_string(x.size()) + " operands, and should have " +
           (operands < 0 ? "some" : std::to_string(operands)));
    if (words >= 0 && w.size() != words)
      fail("has " + std::to_string(w.size()) + " attributes, and should have " + std::to_string(words));
    const bool pads = op->id == table_of<ops::pad>()->id, sized = op->id == table_of<ops::extent>()->id;
    for (int k = 0; k < (pads || op->id == table_of<ops::slice>()->id ? w.size()
                         : sized                                      ? 1
                                                                      : 0);
         ++k)  // sums and products of them must fit
      if (w[k] < -1 || w[k] > (pads && k >= 2 * w.size() / 3 ? std::int64_t{1} << 20 : most))
        fail("has an attribute that is negative or too large");
    if (formal && w[0] != g.input_count++)
      fail("should have the index " + std::to_string(g.input_count - 1) + ": formals are in order");
    check_types(g, *op, x, body, w, types);
    list<int> t;
    for (const meta& m : types) t.push(g.intern(m));
    const int first = g.put(op, w.data(), w.size(), x.data(), x.size(), t.data(), t.size(), name_at,
                            body ? &body->view : nullptr);
    for (int k = 0; k < types.size(); ++k) values_.push_back(first + k);
    if (parameter) g.note_parameter(name_at, t[0], w.data());
    if (body) {  // its parameters are ours, below the prefix
      p.depth = std::max(p.depth, body->depth + 1);
      if (p.depth > deepest) fail("nests calls more than " + std::to_string(deepest) + " deep");
      if (g.parameters.size() > most_parameters - body->view.parameter_count)
        fail("makes a program of more than a million parameters");
      const graph_view& b = body->view;
      graph::import_maps map(b);
      for (int k = 0; k < b.parameter_count; ++k)
        g.note_parameter(g.import_name(b, map, b.parameters[k].name, name_at), g.import_type(b, map, b.parameters[k].type),
                         b.parameters[k].words);
    }
  }
  /// The types of the results are those that the op, or the body, gives.
  void check_types(const graph& g, const op_info& op, const list<int>& x, const loaded_trace::part* body,
                   const list<std::int64_t>& w, const list<meta>& types) const {
    list<meta> given;
    if (body) {
      const graph_view& b = body->view;
      int formal = 0;
      for (int i = 0; i < b.node_count; ++i)
        if (b.nodes[i].op->id == table_of<ops::formal>()->id && !(b.type(b.nodes[i].result) == g.type(x[formal++])))
          fail("calls a body whose formal " + std::to_string(formal - 1) + " is " + print(b.type(b.nodes[i].result)) + " with " +
               print(g.type(x[formal - 1])));
      for (int k = 0; k < b.output_count; ++k) given.push(b.type(b.outputs[k]));
    } else if (op.kind == op_kind::leaf) {
      given.push(types[0]);
    } else {
      list<const meta*> in;
      for (int v : x) in.push(&g.types[g.values[v].type]);
      inference r;
      try {
        op.infer({in.data(), in.size(), w.data(), w.size(), op.has_target ? &types[0] : nullptr}, r);
      } catch (const char* why) { fail(std::string("has operands that do not fit: ") + why); }
      if (r.error != mistake::none) fail("has operands or attributes that do not fit its op");
      for (int k = 0; k < r.count(); ++k) given.push(r[k]);
    }
    if (given.size() != types.size())
      fail("has " + std::to_string(types.size()) + " results, and should have " + std::to_string(given.size()));
    for (int k = 0; k < given.size(); ++k)
      if (!(given[k] == types[k])) fail("makes a result of type " + print(types[k]) + ", which should be " + print(given[k]));
  }

  std::string_view text_, rest_;
  std::string where_;
  const op_table_by_name& ops_;
  loaded_trace r_;
  std::vector<int> values_;  // from the numbers of the text to those of the graph
  std::size_t at_ = 0;
  int line_ = 0;
};

/// A graph from the text of a trace. Own: ops beside thunder's, as a pack. Throws io_error that names the line.
template <class Own = pack<>> loaded_trace read_trace(std::string_view text, const std::string& where = "in memory") {
  return trace_reader(text, where, readable_ops<Own>()).read();
}
/// A graph from a file. Throws io_error that names the file and the line.
template <class Own = pack<>> loaded_trace load_trace(const std::string& path) {
  file_reader file(path);
  std::string text(file.size(), '\0');
  file.read(text.data(), text.size());
  return read_trace<Own>(text, "'" + path + "'");
}

}  // namespace thunder
