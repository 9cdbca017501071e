#pragma once
/// A graph as C++ source: a program with thunder's public functions, which compiles back to a graph of the same content
/// (content_digest). Where no public function has the meaning of one statement, examine::statement stands.
#include <utility>
#include <vector>

#include "../core/initialiser.hpp"
#include "../jit/lower.hpp"
#include "content.hpp"
#include "spelling.hpp"

namespace thunder {

/// How the results of a trace go together, given the names of its leaves.
template <class R> struct result_spelling;
template <expression E> struct result_spelling<E> {
  static std::string text(const std::vector<std::string>& leaves, std::size_t& at) { return leaves[at++]; }
};
template <class Name, class E> struct result_spelling<entry<Name, E>> {
  static std::string text(const std::vector<std::string>& leaves, std::size_t& at) {
    return "named_value<" + string_literal(Name::text) + ">(" + result_spelling<E>::text(leaves, at) + ")";
  }
};
template <class C> inline constexpr const char* tree_maker = "std::make_tuple";
template <class A, class B> inline constexpr const char* tree_maker<std::pair<A, B>> = "std::make_pair";
template <class... E> inline constexpr const char* tree_maker<named<E...>> = "examine::gathered";
template <class... E> inline constexpr const char* tree_maker<updates<E...>> = "update";
template <> struct result_spelling<updates<>> {
  static std::string text(const std::vector<std::string>&, std::size_t&) { return "updates<>{}"; }
};
template <template <class...> class C, class... E> struct result_spelling<C<E...>> {
  static std::string text(const std::vector<std::string>& leaves, std::size_t& at) {
    std::string r;
    ((r += (r.empty() ? "" : ", ") + result_spelling<E>::text(leaves, at)), ...);
    return std::string(tree_maker<C<E...>>) + "(" + r + ")";
  }
};

/// Prints one graph and the bodies that it calls.
class cpp_printer {
 public:
  using result_text = std::string (*)(const std::vector<std::string>& leaves);

  std::string print(const graph_view& g, const std::string& space, result_text results) {
    name_dims(g);
    function(g, "program", results);
    std::string arguments;
    for (const meta& m : formals_of(g)) arguments += ", spec<" + types_.element_and_dims(m) + ">()";
    std::string r = "#include <thunder/thunder.hpp>\n#include <thunder/examine/statement.hpp>\n\nnamespace " + space +
                    " {\nusing namespace thunder;\n\n";
    return r + types_.declarations() + functions_ + "// Its trace.\ninline auto traced() {\n" +
           wrapped("  return trace(program" + arguments + ");") + "}\n\n}  // namespace " + space + "\n";
  }
  static std::string as_tuple(const std::vector<std::string>& leaves) {
    if (leaves.size() == 1) return leaves[0];
    std::string r;
    for (const auto& leaf : leaves) r += (r.empty() ? "" : ", ") + leaf;
    return "std::tuple{" + r + "}";
  }

 private:
  void name_dims(const graph_view& g) {
    for (int i = 0; i < g.type_count; ++i) types_.note(g.types[i], names_);
    for (int i = 0; i < g.node_count; ++i) {
      const node& n = g.nodes[i];
      if (is(n, "extent")) types_.note(extent_of(g, n), names_);
      if (n.body && dimensioned_.insert(n.body).second) name_dims(*n.body);
    }
  }
  static std::vector<meta> formals_of(const graph_view& g) {
    std::vector<meta> r(static_cast<std::size_t>(g.input_count));
    for (int i = 0; i < g.node_count; ++i)
      if (g.nodes[i].op->id == table_of<ops::formal>()->id)
        r[static_cast<std::size_t>(g.word(g.nodes[i], 0))] = g.type(g.nodes[i].result);
    return r;
  }
  static std::string_view short_name(const node& n) {
    const std::string_view name = n.op->name;
    return name.starts_with("thunder.") ? name.substr(8) : name;
  }
  static bool is(const node& n, std::string_view name) {
    return std::string_view(n.op->name).starts_with("thunder.") && short_name(n) == name;
  }

  // ---- functions: one for each body
  std::string function_of(const graph_view& body, const std::string& prefix) {
    if (const auto found = of_body_.find(&body); found != of_body_.end()) return found->second;
    const digest content = content_digest(body);  // one module may have been traced at two levels
    if (const auto found = made_.find(content); found != made_.end()) return of_body_[&body] = found->second;
    const std::size_t last = prefix.rfind('.');  // "h.3" is one of several
    const bool numbered = last != std::string::npos && prefix.find_first_not_of("0123456789", last + 1) == std::string::npos;
    const std::string name = names_.make(prefix.substr(0, numbered ? last : prefix.size()));
    function(body, name, &as_tuple);
    return of_body_[&body] = made_[content] = name;
  }

  struct scope_of_function {
    const graph_view& g;
    std::vector<std::string> names;  // of values
    std::vector<bool> needed;        // whether a value is spelled somewhere
  };
  std::string name_of_value(scope_of_function& f, int v) const {
    f.needed[static_cast<std::size_t>(v)] = true;
    return f.names[static_cast<std::size_t>(v)];
  }

  void function(const graph_view& g, const std::string& name, result_text results) {
    scope_of_function f{g, std::vector<std::string>(static_cast<std::size_t>(g.value_count)),
                        std::vector<bool>(static_cast<std::size_t>(g.value_count))};
    const list<bool> live = live_nodes(g);
    std::map<int, std::string> callees;
    for (int i = 0; i < g.node_count; ++i)
      if (live[i] && g.nodes[i].body) callees[i] = function_of(*g.nodes[i].body, print_name(g, g.nodes[i].name));
    identifiers locals = names_;
    std::vector<int> formals(static_cast<std::size_t>(g.input_count), -1);
    for (int i = 0; i < g.node_count; ++i) {
      const node& n = g.nodes[i];
      if (!live[i]) continue;
      if (is(n, "formal")) formals[static_cast<std::size_t>(g.word(n, 0))] = n.result;
      for (int k = 0; k < n.results; ++k)
        f.names[static_cast<std::size_t>(n.result + k)] = locals.make(is(n, "formal")      ? "x" + std::to_string(g.word(n, 0))
                                                                      : is(n, "parameter") ? print_name(g, n.name)
                                                                                           : "v" + std::to_string(n.result + k));
    }
    std::vector<std::string> leaves;
    for (int k = 0; k < g.output_count; ++k) leaves.push_back(name_of_value(f, g.outputs[k]));
    std::vector<std::string> lines;
    for (int i = g.node_count; i-- > 0;) {  // backwards: what is spelled as part of its users needs no line
      const node& n = g.nodes[i];
      bool needed = false;
      std::string to;
      for (int k = 0; k < n.results; ++k) {
        needed = needed || f.needed[static_cast<std::size_t>(n.result + k)];
        to += (k ? ", " : "") + f.names[static_cast<std::size_t>(n.result + k)];
      }
      if (!needed || is(n, "formal")) continue;
      if (n.results > 1) to = "[" + to + "]";
      lines.push_back(wrapped("  auto " + to + " = " + (n.body ? call(f, n, callees[i]) : expression(f, n)) + ";"));
    }
    std::string parameters, types;
    for (const int v : formals) {
      parameters += (parameters.empty() ? "auto" : ", auto") +
                    (v >= 0 && f.needed[static_cast<std::size_t>(v)] ? " " + f.names[static_cast<std::size_t>(v)] : "");
      types += (types.empty() ? "" : ", ") + (v >= 0 ? thunder::print(g.type(v)) : "?");
    }
    types = "(" + types + ") -> ";
    for (int k = 0; k < g.output_count; ++k) types += (k ? ", " : "") + thunder::print(g.type(g.outputs[k]));
    if (types.size() > 120) types = types.substr(0, 117) + "...";
    functions_ += "// " + types + "\ninline constexpr auto " + name + " = [](" + parameters + ") {\n";
    for (std::size_t k = lines.size(); k-- > 0;) functions_ += lines[k];
    functions_ += wrapped("  return " + results(leaves) + ";") + "};\n\n";
  }

  std::string operands(scope_of_function& f, const node& n, int first = 0) const {
    std::string r;
    for (int k = first; k < n.operands; ++k) r += (k > first ? ", " : "") + name_of_value(f, f.g.operand(n, k));
    return r;
  }
  std::string call(scope_of_function& f, const node& n, const std::string& callee) const {
    return "scope<" + string_literal(full_name(f.g, n.name)) + ">(" + callee + ")(" + operands(f, n) + ")";
  }
  /// As the program spells it: "/wte" is absolute.
  static std::string full_name(const graph_view& g, int name) {
    int first = name;
    while (first >= 0 && g.names[first].parent >= 0) first = g.names[first].parent;
    return (first >= 0 && g.names[first].parent == name_info::absolute ? "/" : "") + print_name(g, name);
  }

  // ---- statements
  /// Any statement, whatever its op.
  std::string statement(scope_of_function& f, const node& n) const {
    std::string words;
    for (int k = 0; k < n.words; ++k) words += (k ? ", " : "") + spell_word(*n.op, f.g.word(n, k));
    std::string r = "examine::statement<" + spell_op(*n.op);
    if (n.words || n.op->has_target) r += ", words<" + words + ">";
    if (n.op->has_target) r += ", examine::gives<" + types_.element_and_dims(f.g.type(n.result)) + ">";
    return r + ">(" + operands(f, n) + ")";
  }
  std::string parameter(scope_of_function& f, const node& n) const {
    const graph_view& g = f.g;
    const std::int64_t trainable = g.word(n, 0), rule = g.word(n, 1), a = g.word(n, 2), b = g.word(n, 3);
    const meta& m = g.type(n.result);
    const std::string name = string_literal(full_name(g, n.name));
    if (trainable != 0 && trainable != 1)
      return "named_leaf<literal_name<" + name + ">, words<" + spell_integer(trainable) + ", " + spell_integer(rule) + ", " +
             spell_integer(a) + ", " + spell_integer(b) + ">, dtype_of<" + cpp_name(m.type) + ">, shape_t<" + types_.dims(m) +
             ">>()";
    const char* names[]{"zeros",          "ones",          "constant",        "uniform",        "normal",
                        "xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal", "fan_in_uniform"};
    const bool two = rule == initialiser::uniform || rule == initialiser::normal;
    std::string start;
    if (rule == initialiser::zeros && a == 0 && b == 0) start = "";
    else if (rule == initialiser::ones && a == 0 && b == 0) start = "initial::ones";
    else if (two)
      start = std::string("initial::") + names[rule] + "(" + spell_number(std::bit_cast<double>(a)) + ", " +
              spell_number(std::bit_cast<double>(b)) + ")";
    else if (rule == initialiser::fan_in_uniform && a == initial::bits_of_one && b == static_cast<int>(b))
      start = b == 0 ? "initial::fan_in_uniform()" : "initial::fan_in_uniform<" + std::to_string(b) + ">()";
    else if (rule >= initialiser::constant && rule <= initialiser::fan_in_uniform && b == 0)
      start = std::string("initial::") + names[rule] + "(" +
              (rule != initialiser::constant && a == initial::bits_of_one ? "" : spell_number(std::bit_cast<double>(a))) + ")";
    else start = "initial_c<" + spell_integer(rule) + ", " + spell_integer(a) + ", " + spell_integer(b) + ">{}";
    return (trainable ? "param<" : "buffer<") + name + ", " + types_.element_and_dims(m) + ">(" + start + ")";
  }

  /// Whether a number beside an expression of an element type becomes a constant of that type.
  static bool number_fits(dtype t, double v) {
    return is_floating(t) || (is_integer(t) && v >= -0x1p63 && v < 0x1p63 && v == std::floor(v));
  }
  bool is_number(const scope_of_function& f, int v) const {
    return is(f.g.producer(v), "full") && number_fits(f.g.type(v).type, std::bit_cast<double>(f.g.word(f.g.producer(v), 0)));
  }
  std::string number(const scope_of_function& f, int v) const {
    return spell_number(std::bit_cast<double>(f.g.word(f.g.producer(v), 0)));
  }
  /// What NumPy's rules would broadcast to this value, or -1: the operand of a broadcast, or what was squeezed before it.
  int spread_source(const scope_of_function& f, int v) const {
    const node& n = f.g.producer(v);
    if (!is(n, "broadcast")) return -1;
    const meta& to = f.g.type(v);
    auto gives_this = [&](int x, bool reshaped) {
      const meta& from = f.g.type(x);
      if (from.rank > to.rank) return false;
      const extension e = extension_of(from, to);
      meta common;
      return !e.same && e.squeezed == reshaped && e.mask == f.g.word(n, 0) && e.kept == f.g.type(f.g.operand(n, 0)) &&
             broadcast_shapes(from, to, common) && common.same_shape(to);
    };
    const int x = f.g.operand(n, 0);
    const node& before = f.g.producer(x);
    if (is(before, "reshape") && gives_this(f.g.operand(before, 0), true)) return f.g.operand(before, 0);
    return gives_this(x, false) ? x : -1;
  }
  /// Two operands that a pointwise op makes alike: one of them may be spelled as a number, or without its broadcast.
  std::pair<std::string, std::string> alike(scope_of_function& f, int a, int b) const {
    if (!is(f.g.producer(a), "full") && is_number(f, b)) return {name_of_value(f, a), number(f, b)};
    if (!is(f.g.producer(b), "full") && is_number(f, a)) return {number(f, a), name_of_value(f, b)};
    if (const int x = spread_source(f, b); x >= 0) return {name_of_value(f, a), name_of_value(f, x)};
    if (const int x = spread_source(f, a); x >= 0) return {name_of_value(f, x), name_of_value(f, b)};
    return {name_of_value(f, a), name_of_value(f, b)};
  }

  static std::string axes(std::int64_t mask, int rank) {
    std::string r;
    for (int i = 0; i < rank; ++i)
      if (mask >> i & 1) r += (r.empty() ? "axis<" : ", ") + std::to_string(i);
    return r + ">";
  }
  static bool one_of(std::string_view name, std::initializer_list<std::string_view> list) {
    for (const std::string_view s : list)
      if (s == name) return true;
    return false;
  }

  /// The one axis on which a slice or pad does something (its words are a row of `defaults` for each axis), or -1.
  static int only_axis(const graph_view& g, const node& n, int rank, std::initializer_list<std::int64_t> defaults) {
    int axis = -1;
    for (int i = 0; i < rank; ++i) {
      bool same = true;
      int row = 0;
      for (const std::int64_t d : defaults) same = same && g.word(n, row++ * rank + i) == d;
      if (!same && axis >= 0) return -1;
      if (!same) axis = i;
    }
    return axis;
  }

  std::string expression(scope_of_function& f, const node& n) const {
    const graph_view& g = f.g;
    const std::string_view op = short_name(n);
    if (!is(n, op)) return statement(f, n);  // the user's own
    auto word = [&](int k) { return g.word(n, k); };
    auto x = [&](int k) { return g.operand(n, k); };
    auto name = [&](int k) { return name_of_value(f, x(k)); };
    const meta& m = g.type(n.result);
    const std::string of = std::string(op) + "(";
    if (n.operands == 2 && n.op->kind == op_kind::pointwise) {
      constexpr const char* infix[][2]{{"add", " + "}, {"sub", " - "}, {"mul", " * "}, {"div", " / "}, {"eq", " == "},
                                       {"ne", " != "}, {"lt", " < "},  {"le", " <= "}, {"gt", " > "},  {"ge", " >= "}};
      for (const auto& [spelled_name, symbol] : infix)
        if (op == spelled_name) {
          const auto [a, b] = alike(f, x(0), x(1));
          return a + symbol + b;
        }
      if (one_of(op, {"maximum", "minimum", "logical_and", "logical_or", "pow"})) {
        const auto [a, b] = alike(f, x(0), x(1));
        return of + a + ", " + b + ")";
      }
      if (op == "fold_in") return of + name(0) + ", " + (is_number(f, x(1)) ? number(f, x(1)) : name(1)) + ")";
    }
    if (op == "where") {
      if (is_number(f, x(1)) && !is(g.producer(x(2)), "full"))
        return of + name(0) + ", " + number(f, x(1)) + ", " + name(2) + ")";
      if (is_number(f, x(2)) && !is(g.producer(x(1)), "full"))
        return of + name(0) + ", " + name(1) + ", " + number(f, x(2)) + ")";
      return of + operands(f, n) + ")";
    }
    if (op == "neg") return "-" + name(0);
    if (op == "logical_not") return "!" + name(0);
    if (op == "parameter") return parameter(f, n);
    if (op == "cast" && m.type != g.type(x(0)).type) return "cast<" + std::string(cpp_name(m.type)) + ">(" + name(0) + ")";
    if (op == "full") return "full<" + types_.element_and_dims(m) + ">(" + spell_number(std::bit_cast<double>(word(0))) + ")";
    if (op == "iota") return "iota<" + types_.element_and_dims(m) + ">(" + axes(std::int64_t{1} << word(0), m.rank) + ")";
    if (op == "extent") return "extent<" + types_.spell(extent_of(g, n)) + ">()";
    if (op == "random_uniform") return "uniform<" + types_.element_and_dims(m) + ">(" + name(0) + ")";
    if (op == "random_normal") return "normal<" + types_.element_and_dims(m) + ">(" + name(0) + ")";
    if (op == "broadcast")
      if (const int from = spread_source(f, n.result); from >= 0)
        return "broadcast<" + types_.dims(m) + ">(" + name_of_value(f, from) + ")";
    if (op == "reshape" && !m.same_shape(g.type(x(0)))) {
      const meta& from = g.type(x(0));
      for (int i = 0; i < m.rank && m.rank == from.rank + 1; ++i) {
        meta with_one = from;
        for (int k = with_one.rank++; k > i; --k) with_one.d[k] = with_one.d[k - 1];
        with_one.d[i] = 1;
        if (with_one == m) return "unsqueeze(" + name(0) + ", axis<" + std::to_string(i) + ">)";
      }
      return "reshape<" + types_.dims(m) + ">(" + name(0) + ")";
    }
    if (one_of(op, {"sum", "max", "min", "prod", "mean", "var", "softmax", "log_softmax", "logsumexp"}) && word(0) != 0) {
      const int rank = g.type(x(0)).rank;
      const bool normaliser = one_of(op, {"softmax", "log_softmax", "logsumexp"});
      const bool usual = normaliser ? word(0) == std::int64_t{1} << (rank - 1) : word(0) == all_axes(rank);
      return of + name(0) + (usual ? "" : ", " + axes(word(0), rank)) + ")";
    }
    if ((op == "cumsum" || op == "cumprod") && (word(1) | 1) == 1)
      return std::string(op) + (word(1) ? "<scan_order::reverse>(" : "(") + name(0) + ", " + axes(std::int64_t{1} << word(0), max_rank) + ")";
    if (op == "sort" && (word(0) | 1) == 1) return (word(0) ? "sort<sort_order::descending>(" : "sort(") + name(0) + ")";
    if (op == "top_k") return "top_k<" + std::to_string(word(0)) + ">(" + name(0) + ")";
    if (op == "take_along_last") return "take_along_axis(" + operands(f, n) + ")";
    if (op == "argmax") return of + name(0) + ", " + axes(std::int64_t{1} << word(0), max_rank) + ")";
    if (op == "transpose") {
      std::string list;
      bool last_two = n.words >= 2;
      for (int k = 0; k < n.words; ++k) {
        list += (k ? ", " : "") + std::to_string(word(k));
        last_two = last_two && word(k) == (k == n.words - 1 ? k - 1 : k == n.words - 2 ? k + 1 : k);
      }
      return of + name(0) + (last_two ? "" : ", axis<" + list + ">") + ")";
    }
    if (op == "slice" || op == "pad") {
      const int rank = m.rank;
      const bool cuts = op == "slice";
      const int axis = cuts ? only_axis(g, n, rank, {0, -1, 1}) : only_axis(g, n, rank, {0, 0, 0});
      if (axis >= 0 && (cuts || word(2 * rank + axis) == 0)) {
        std::string list = std::to_string(axis) + ", " + std::to_string(word(axis)) + ", " + std::to_string(word(rank + axis));
        if (cuts && word(2 * rank + axis) != 1) list += ", " + std::to_string(word(2 * rank + axis));
        return std::string(op) + "<" + list + ">(" + name(0) + ")";
      }
    }
    if (op == "concatenate") return of + axes(std::int64_t{1} << word(0), max_rank) + ", " + operands(f, n) + ")";
    if (op == "matmul" && n.words == 2 && word(0) == 0 && word(1) == 0) return of + operands(f, n) + ")";
    if (op == "layer_norm" || op == "rms_norm")
      return of + operands(f, n) + (word(0) == bits_of(1e-5) ? "" : ", " + spell_number(std::bit_cast<double>(word(0)))) + ")";
    if (op == "dropout" && std::bit_cast<double>(word(0)) > 0 && std::bit_cast<double>(word(0)) < 1)
      return of + name(0) + ", " + spell_number(std::bit_cast<double>(word(0))) + ", " + name(1) + ")";
    if (one_of(op, {"abs",        "sign",    "exp",      "expm1",         "log",
                    "log1p",      "sqrt",    "rsqrt",    "sin",           "cos",
                    "tanh",       "sigmoid", "erf",      "relu",          "floor",
                    "ceil",       "trunc",   "round",    "stop_gradient", "gelu",
                    "gelu_exact", "silu",    "softplus", "take",          "cross_entropy_rows"}))
      return of + operands(f, n) + ")";
    return statement(f, n);
  }

  identifiers names_;
  type_speller types_;
  std::set<const graph_view*> dimensioned_;
  std::map<const graph_view*, std::string> of_body_;
  std::map<digest, std::string> made_;
  std::string functions_;
};

/// The graph as C++ source in a namespace: named dimensions, a function for each body that is called (once, however often), a
/// generic lambda `program`, and `traced()`, its trace with arguments of the graph's types. A value is called as print(g) numbers
/// it: v7 is %7. The ops of users are spelled by their names: "mine.cube" is the struct mine::cube.
inline std::string print_cpp(const graph_view& g, const std::string& space = "printed") {
  return cpp_printer().print(g, space, &cpp_printer::as_tuple);
}
/// A trace as C++ source. Its results go together as the traced function returned them: tuples, named expressions, updates.
template <class R, class Body> std::string print_cpp(traced<R, Body>, const std::string& space = "printed") {
  return cpp_printer().print(Body::view, space, [](const std::vector<std::string>& leaves) {
    std::size_t at = 0;
    return result_spelling<R>::text(leaves, at);
  });
}

}  // namespace thunder
