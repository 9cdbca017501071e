#pragma once
/// Names, numbers and types as C++ spells them.
#include <algorithm>
#include <bit>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "../ir/print.hpp"
#include "../ops/op.hpp"

namespace thunder {

/// Identifiers that are taken. Keywords, common macros and what a printed program uses of thunder are taken from the start.
class identifiers {
 public:
  /// An identifier like `name` that is not taken yet, and is from now on.
  std::string make(std::string_view name) {
    std::string r;
    for (const char c : name) {
      const bool good = std::isalnum(static_cast<unsigned char>(c)) != 0;
      if (good) r += c;
      else if (!r.empty() && r.back() != '_') r += '_';
    }
    while (!r.empty() && r.back() == '_') r.pop_back();
    if (r.empty()) r = "part";
    if (std::isdigit(static_cast<unsigned char>(r[0]))) r.insert(0, "n");
    std::string unique = r;
    for (int k = 2; !taken_.insert(unique).second; ++k) unique = r + "_" + std::to_string(k);
    return unique;
  }

 private:
  std::set<std::string> taken_ = words_of(
      "alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class compl concept "
      "const consteval "
      "constexpr constinit const_cast continue co_await co_return co_yield decltype default delete do double dynamic_cast else "
      "enum explicit export "
      "extern false float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq "
      "private protected "
      "public register reinterpret_cast requires return short signed sizeof static static_assert static_cast struct switch "
      "template this thread_local "
      "throw true try typedef typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq "
      "main std thunder linux unix assert errno stdin stdout stderr NULL EOF NAN INFINITY "
      "abs argmax as_tuple axis bf16 bits_of broadcast buffer cast ceil concatenate cos cross_entropy_rows dim dropout dtype erf "
      "examine exp expm1 extent "
      "f16 floor fold_in full gelu gelu_exact gives initial initial_c iota layer_norm literal_name log log1p log_softmax "
      "logical_and logical_or logsumexp "
      "matmul max maximum mean min minimum named_leaf named_value normal number ops pad param pow random_normal random_uniform "
      "relu reshape "
      "rms_norm round rsqrt scope shape_t sigmoid sign silu sin slice softmax softplus spec sqrt statement stop_gradient sum "
      "take tanh trace "
      "transpose trunc uniform unsqueeze update updates var where words program traced bound call executor fused run slots");
  static std::set<std::string> words_of(std::string_view text) {
    std::set<std::string> r;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find(' ', at), text.size());
      if (end > at) r.emplace(text.substr(at, end - at));
      at = end + 1;
    }
    return r;
  }
};

/// A text as a string literal, quotes included.
inline std::string string_literal(std::string_view s) {
  std::string r = "\"";
  for (const char c : s) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') r += '\\', r += c;
    else if (u >= 32 && u != 127) r += c;
    else {
      char octal[8];
      std::snprintf(octal, sizeof octal, "\\%03o", static_cast<unsigned>(u));
      r += octal;
    }
  }
  return r + '"';
}

/// The shortest decimal number that reads back as v, which is finite.
inline std::string shortest(double v) {
  char text[40];
  return std::string(text, std::to_chars(text, text + sizeof text, v).ptr);
}
/// Whether an attribute is a real number: the bits of a double that no integer attribute looks like (see print_word).
inline bool is_real_word(const op_info& op, std::int64_t w) {
  const std::int64_t exponent = w >> 52 & 0x7ff;
  return op.id != digest_of("thunder.extent") && exponent != 0 && exponent != 0x7ff;
}
inline std::string spell_integer(std::int64_t w) { return w == INT64_MIN ? "INT64_MIN" : std::to_string(w); }
/// A real number as a literal: 0.5_c, -1e-05_c; number<bits_of(0.1234567890123456)>{} where a literal holds too few digits.
inline std::string spell_number(double v) {
  if (!std::isfinite(v)) return "number<" + spell_integer(bits_of(v)) + ">{}";
  const double size = std::signbit(v) ? -v : v;
  const std::string sign = std::signbit(v) ? "-" : "";
  if (size < 1e15 && size == std::floor(size)) return sign + std::to_string(static_cast<std::int64_t>(size)) + "_c";
  const std::string text = shortest(size);
  try {
    if (bits_of(decimal(text.c_str())) == bits_of(size)) return sign + text + "_c";
  } catch (const char*) {  // too many digits, or too large
  }
  return "number<bits_of(" + shortest(v) + ")>{}";
}
/// An attribute in words<...>.
inline std::string spell_word(const op_info& op, std::int64_t w) {
  return is_real_word(op, w) ? "bits_of(" + shortest(std::bit_cast<double>(w)) + ")" : spell_integer(w);
}

/// The name of a dimension.
inline std::string dim_name(std::uint64_t letters) {
  dim d;
  d.a = letters;
  return spelled(d).text;
}

/// Types as C++, with named dimensions as constants.
class type_speller {
 public:
  /// Gives constants to the names of a dimension.
  void note(const dim& d, identifiers& taken) {
    for (std::uint64_t s : {d.a, d.b, d.c})
      if (s && names_.find(s) == names_.end()) names_[s] = taken.make(dim_name(s));
  }
  void note(const meta& m, identifiers& taken) {
    for (int k = 0; k < m.rank; ++k) note(m.d[k], taken);
  }
  std::string declarations() const {
    std::string r;
    for (const auto& [letters, name] : names_) r += "inline constexpr auto " + name + " = dim(\"" + dim_name(letters) + "\");\n";
    return r.empty() ? r : r + '\n';
  }
  std::string spell(const dim& d) const {
    std::string r;
    for (std::uint64_t s : {d.a, d.b, d.c})
      if (s) r += (r.empty() ? "" : " * ") + names_.at(s);
    if (r.empty()) return std::to_string(d.size);
    return d.size == 1 ? r : std::to_string(d.size) + " * " + r;
  }
  /// "batch, 784"
  std::string dims(const meta& m) const {
    std::string r;
    for (int i = 0; i < m.rank; ++i) r += (i ? ", " : "") + spell(m.d[i]);
    return r;
  }
  /// "float, batch, 784"
  std::string element_and_dims(const meta& m) const { return cpp_name(m.type) + (m.rank ? ", " + dims(m) : std::string()); }

 private:
  std::map<std::uint64_t, std::string> names_;
};
/// The dimension whose size an extent statement is.
inline dim extent_of(const graph_view& g, const node& n) {
  return {g.word(n, 0), static_cast<std::uint64_t>(g.word(n, 1)), static_cast<std::uint64_t>(g.word(n, 2)),
          static_cast<std::uint64_t>(g.word(n, 3))};
}
/// The op's struct: "ops::add" of "thunder.add", "mine::cube" of "mine.cube".
inline std::string spell_op(const op_info& op) {
  std::string_view name = op.name;
  std::string r;
  if (name.starts_with("thunder.")) r = "ops::", name.remove_prefix(8);
  for (const char c : name) r += c == '.' ? std::string("::") : std::string(1, c);
  return r;
}

/// A line of code, broken after commas that are not in a string.
inline std::string wrapped(std::string line) {
  constexpr std::size_t width = 128;
  const std::size_t indent = line.find_first_not_of(' ') + 4;
  std::string r;
  while (line.size() > width) {
    std::size_t cut = 0;
    bool inside = false;
    for (std::size_t i = 0; i < line.size() && (i < width || cut == 0); ++i) {
      if (line[i] == '\\' && inside) ++i;
      else if (line[i] == '"') inside = !inside;
      else if (line[i] == ' ' && !inside && i > indent && line[i - 1] == ',') cut = i;
    }
    if (cut == 0) break;
    r += line.substr(0, cut) + '\n';
    line = std::string(indent, ' ') + line.substr(cut + 1);
  }
  return r + line + '\n';
}

}  // namespace thunder
