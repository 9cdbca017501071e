#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <iterator>
#include <random>
#include <thunder/runtime/state_file.hpp>

using namespace thunder;

namespace {

constexpr auto B = dim("batch");

template <class Error, class F>
std::string message(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "no exception";
}

struct temporary {
  std::string path;
  explicit temporary(const char* name) : path("/tmp/thunder_state_" + std::to_string(getpid()) + "_" + name) {}
  ~temporary() { ::unlink(path.c_str()); }
};
void put_file(const std::string& path, const std::string& bytes) {
  std::FILE* f = std::fopen(path.c_str(), "wb");
  REQUIRE(f);
  std::fwrite(bytes.data(), 1, bytes.size(), f);
  std::fclose(f);
}
std::string get_file(const std::string& path) {
  std::string r;
  std::FILE* f = std::fopen(path.c_str(), "rb");
  REQUIRE(f);
  for (int c; (c = std::fgetc(f)) != EOF;) r += static_cast<char>(c);
  std::fclose(f);
  return r;
}
std::string with_header(const std::string& header, std::size_t data_bytes) {
  const std::uint64_t n = header.size();
  std::string r(8, '\0');
  std::memcpy(r.data(), &n, 8);
  return r + header + std::string(data_bytes, '\0');
}
state example() {
  state s;
  s.insert("h.0.b", tensor<bool, 3>{true, false, true});
  s.insert("h.0.w", tensor<float, 2, 3>{1, 2, 3, 4, 5, 6});
  s.insert("h.1.w", tensor<bf16, B>::from({1, 2, 3}, 3));
  s.insert("step", tensor<std::int64_t>(7));
  s.insert("none", tensor<double, 0, 4>());
  s.insert("half", tensor<f16, 1>{0.5f});
  s.insert("ids", tensor<std::int32_t, 2>{-1, 2});
  return s;
}

}  // namespace

TEST_CASE("insert, find, erase, iterate") {
  state s = example();
  CHECK(s.size() == 7);
  CHECK(s.bytes() == 3 + 24 + 6 + 8 + 0 + 2 + 8);
  CHECK(s.names() == std::vector<std::string>{"h.0.b", "h.0.w", "h.1.w", "step", "none", "half", "ids"});
  CHECK(s.contains("step"));
  CHECK(!s.contains("h"));
  auto w = s["h.0.w"].as<float, 2, 3>();
  w(1, 1) = 50;
  CHECK(std::as_const(s).at("h.0.w").as<float, B, 3>()(1, 1) == 50);
  CHECK(s.erase("h.0.w"));
  CHECK(!s.erase("h.0.w"));
  CHECK(s["ids"].as<std::int32_t, 2>()(0) == -1);
  std::string all;
  for (const auto& [name, value] : s) all += name + value.printed() + ' ';
  CHECK(all == "h.0.bbool[3] h.1.wbf16[3] stepint64[] nonedouble[0, 4] halff16[1] idsint32[2] ");
  state c = s.copy();
  CHECK(c == s);
  c["step"].as<std::int64_t>()() = 8;
  CHECK(!(c == s));
  static_assert(!std::is_copy_constructible_v<state> && std::is_nothrow_move_constructible_v<state>);
}

TEST_CASE("many names") {
  state s;
  for (int i = 0; i < 2000; ++i) s.insert("h." + std::to_string(i * 7919 % 2000), tensor<std::int32_t>(i));
  for (int i = 0; i < 2000; i += 2) CHECK(s.erase("h." + std::to_string(i)));
  CHECK(s.size() == 1000);
  for (int i = 0; i < 2000; ++i) CHECK(s.contains("h." + std::to_string(i)) == (i % 2 == 1));
  for (int i = 0; i < 2000; ++i)
    if (const auto name = "h." + std::to_string(i * 7919 % 2000); s.contains(name)) CHECK(s[name].as<std::int32_t>().item() == i);
}

TEST_CASE("errors name the tensor") {
  state s = example();
  CHECK(message<state_error>([&] { s["h.0.v"]; }) ==
        "the state has no tensor named 'h.0.v'; near matches: 'h.0.b', 'h.0.w', 'h.1.w'");
  CHECK(message<state_error>([&] { s["stpe"]; }) == "the state has no tensor named 'stpe'; near matches: 'step'");
  CHECK(message<state_error>([&] { s["something else"]; }) == "the state has no tensor named 'something else'");
  CHECK(message<state_error>([] { state().at("w"); }) == "the state has no tensor named 'w'; it is empty");
  CHECK(message<state_error>([&] { s["h.0.w"].as<double, 2, 3>(); }) == "the tensor 'h.0.w' is float[2, 3], not double[2, 3]");
  CHECK(message<shape_error>([&] { s["h.0.w"].as<float, 3, 2>(); }) == "the tensor 'h.0.w' is float[2, 3], not float[3, 2]");
  CHECK(message<state_error>([&] { s.insert("step", tensor<float>(1.0f)); }) == "the state already has a tensor named 'step'");
  CHECK(message<state_error>([&] { s.insert("__metadata__", tensor<float>(1.0f)); }) ==
        "'__metadata__' cannot be the name of a tensor");
  CHECK(s == example());
}

TEST_CASE("merge") {
  state s = example(), t;
  t.insert("x", tensor<float>(1.0f));
  t.insert("step", tensor<float>(2.0f));
  CHECK(message<state_error>([&] { s.merge(std::move(t)); }) == "merge: both states have a tensor named 'step'");
  CHECK(s == example());
  CHECK(t.size() == 2);
  s.merge(std::move(t), "adam.");
  CHECK(s.size() == 9);
  CHECK(t.empty());
  CHECK(s["adam.step"].as<float>().item() == 2);
}

TEST_CASE("edit distance") {
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "abc") == 0);
  CHECK(edit_distance("abc", "acb") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("files") {
  temporary f("file");
  state s = example();
  s.insert("quote\" back\\ line\n \x01 \x1f \xc3\xa9", tensor<float>(3.0f));
  save(s, f.path);
  CHECK(load(f.path) == s);
  CHECK(::access((f.path + ".tmp").c_str(), F_OK) != 0);
  save(state(), f.path);
  CHECK(load(f.path).empty());
  CHECK(get_file(f.path) == std::string("\x08\0\0\0\0\0\0\0{}      ", 16));

  state one;
  one.insert("w", tensor<float, 2>{1, 2});
  save(one, f.path);
  const std::string bytes = get_file(f.path);
  CHECK(bytes.substr(8, 56) == "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}  ");
  CHECK(bytes.size() == 8 + 56 + 8);

  // A failure leaves what was there.
  CHECK(message<io_error>([&] { save(s, "/nowhere/s"); }) ==
        "the file '/nowhere/s' cannot be created: No such file or directory");
  const std::string blocked = f.path + ".tmp";
  REQUIRE(::mkdir(blocked.c_str(), 0700) == 0);
  CHECK_THROWS_AS(save(s, f.path), io_error);
  ::rmdir(blocked.c_str());
  CHECK(load(f.path) == one);
}

TEST_CASE("elements are aligned in the file") {
  temporary f("aligned");
  save(example(), f.path);
  const std::string bytes = get_file(f.path);
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), 8);
  CHECK(header % 8 == 0);
  for (const auto& e : header_reader(std::string_view(bytes).substr(8, header), f.path).read())
    CHECK(e.begin % static_cast<std::uint64_t>(size_of(e.type)) == 0);
}

TEST_CASE("headers as other programs write them") {
  temporary f("foreign");
  const std::string header =
      "{ \"__metadata__\" : {\"format\":\"pt\", \"x\":\"\"}, \"\\u0061\\n\\ud83d\\ude00\\u00e9\\u20ac\" :\n"
      "{\"shape\":[ 2 ,1],\"data_offsets\":[4,8],\"dtype\":\"F16\"},"
      "\"b\":{\"dtype\":\"I32\",\"shape\":[],\"data_offsets\":[0,4]}}   ";
  put_file(f.path, with_header(header, 8));
  const state s = load(f.path);
  CHECK(s.names() == std::vector<std::string>{"a\n\xf0\x9f\x98\x80\xc3\xa9\xe2\x82\xac", "b"});
  CHECK(s["b"].as<std::int32_t>().item() == 0);
}

TEST_CASE("bad files become one sentence") {
  temporary f("bad");
  auto found = [&](const std::string& bytes) {
    put_file(f.path, bytes);
    std::string m = message<io_error>([&] { load(f.path); });
    const std::string prefix = "the file '" + f.path + "' is not a valid state: ";
    CHECK(m.substr(0, prefix.size()) == prefix);
    return m.size() > prefix.size() ? m.substr(prefix.size()) : m;
  };
  auto header = [&](const std::string& h, std::size_t bytes = 0) { return found(with_header(h, bytes)); };
  auto w = [&](const std::string& body, std::size_t bytes = 0) { return header("{\"w\":{" + body + "}}", bytes); };

  CHECK(found("") == "it has only 0 bytes");
  CHECK(found("1234567") == "it has only 7 bytes");
  CHECK(found(std::string(8, '\xff')) == "its header claims 18446744073709551615 bytes, but the file has 8");
  CHECK(found(std::string("\x09\0\0\0\0\0\0\0{}", 10)) == "its header claims 9 bytes, but the file has 10");
  CHECK(found(std::string(8, '\0')) == "a '{' is missing (byte 0 of the header)");
  CHECK(header("{") == "a '\"' is missing (byte 1 of the header)");
  CHECK(header("{}x") == "something follows its header's last brace (byte 2 of the header)");
  CHECK(header("{}", 1) == "its tensors have 0 bytes, but 1 bytes follow the header");
  CHECK(header("{\"a") == "a string does not end (byte 3 of the header)");
  CHECK(header("{\"\":{}}") == "a tensor has no name (byte 4 of the header)");
  CHECK(header("{\"\\x\":1}") == "a string has a bad escape (byte 4 of the header)");
  CHECK(header("{\"\\u12\":1}") == "a string has a bad \\u escape (byte 6 of the header)");
  CHECK(header("{\"\\ud800\":1}") == "a string has half a surrogate pair (byte 8 of the header)");
  CHECK(header("{\"\\udc00\":1}") == "a string has half a surrogate pair (byte 8 of the header)");
  CHECK(header("{\"\\ud800\\u0041\":1}") == "a string has half a surrogate pair (byte 14 of the header)");
  CHECK(header("{\"a\nb\":1}") == "a string has a control character (byte 4 of the header)");
  CHECK(header("{\"__metadata__\":{},\"__metadata__\":{}}").substr(0, 27) == "it has two \"__metadata__\" (");
  CHECK(header("{\"__metadata__\":{\"a\":1}}").substr(0, 18) == "a '\"' is missing (");
  CHECK(w("").substr(0, 16) == "a '\"' is missing");
  CHECK(w("\"x\":1").substr(0, 38) == "the tensor 'w' has an unknown key 'x' ");
  CHECK(w("\"dtype\":\"F32\",\"dtype\":\"F32\"").substr(0, 38) == "the tensor 'w' has two keys 'dtype' (b");
  CHECK(w("\"dtype\":\"F8_E4M3\"").substr(0, 74) == "the tensor 'w' has the element type 'F8_E4M3', which thunder does not have");
  CHECK(w("\"dtype\":\"F32\"").substr(0, 53) == "the tensor 'w' lacks its dtype, shape or data_offsets");
  CHECK(w("\"shape\":[1,2,3,4,5,6,7]").substr(0, 43) == "the tensor 'w' has more than six dimensions");
  CHECK(w("\"shape\":[9223372036854775808]").substr(0, 21) == "a number is too large");
  CHECK(w("\"shape\":[-1]").substr(0, 19) == "a number is missing");
  CHECK(w("\"shape\":[01]").substr(0, 22) == "a number starts with 0");
  CHECK(w("\"shape\":[1.5]").substr(0, 16) == "a ']' is missing");
  CHECK(w("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]", 4).substr(0, 69) ==
        "the tensor 'w' is float[2], which its data_offsets 0 to 4 do not fit ");
  CHECK(w("\"dtype\":\"F32\",\"shape\":[0,4611686018427387904,4],\"data_offsets\":[0,0]").substr(0, 17) == "the tensor 'w' is");
  CHECK(w("\"dtype\":\"F32\",\"shape\":[2305843009213693952],\"data_offsets\":[0,9223372036854775807]").substr(0, 17) ==
        "the tensor 'w' is");
  CHECK(w("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,4]", 8).substr(0, 17) == "the tensor 'w' is");
  CHECK(w("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]", 8) ==
        "the tensor 'w' does not start where the one before ends");
  CHECK(w("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]", 3) ==
        "its tensors have 4 bytes, but 3 bytes follow the header");
  // A huge claim that the header itself allows is refused before any memory is asked for.
  CHECK(w("\"dtype\":\"F32\",\"shape\":[1000000000000],\"data_offsets\":[0,4000000000000]", 4) ==
        "its tensors have 4000000000000 bytes, but 4 bytes follow the header");
  const std::string one = "{\"dtype\":\"BOOL\",\"shape\":[2],\"data_offsets\":[0,2]}";
  CHECK(header("{\"a\":" + one + ",\"b\":" + one + "}", 4) == "the tensor 'b' does not start where the one before ends");
  const std::string none = "{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}";
  CHECK(header("{\"a\":" + none + ",\"a\":" + none + "}") == "it has two tensors named 'a'");
  CHECK(header("{\"a\":" + one + "}xx", 0).substr(0, 22) == "something follows its ");
  put_file(f.path, with_header("{\"a\":" + one + "}", 0) + "\x01\x02");
  CHECK(message<io_error>([&] {
          load(f.path);
        }).ends_with("is not a valid state: the tensor 'a' has a byte that is not a bool (0 or 1)"));

  CHECK(message<io_error>([] { load("/nowhere/s"); }) == "the file '/nowhere/s' cannot be opened: No such file or directory");
  CHECK(message<io_error>([] { load("/tmp"); }) == "the file '/tmp' is not a regular file");
}

TEST_CASE("mutated files give an io_error or a valid state, nothing else") {
  temporary f("fuzz");
  save(example(), f.path);
  const std::string good = get_file(f.path);
  std::uint64_t length = 0;
  std::memcpy(&length, good.data(), 8);
  std::mt19937 random(20240607);
  auto below = [&](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
  const std::string spice[]{"{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud800", "0", "9", "-", " ", "\xff", "F64", "BOOL",
                            "null", "\"shape\":[", "data_offsets", "__metadata__", "99999999999999999999"};
  int valid = 0, refused = 0;
  for (int i = 0; i < 6000; ++i) {
    std::string m = good;
    const std::size_t edits = 1 + below(4);
    for (std::size_t e = 0; e < edits && !m.empty(); ++e) {
      const std::size_t inside = std::min(m.size(), 8 + static_cast<std::size_t>(length));
      switch (below(7)) {
        case 0: {                                                                        // any byte
          const auto at = below(m.size());
          m[at] = static_cast<char>(below(256));
          break;
        }
        case 1: {                                                                        // a bit of the header
          const auto at = below(inside);
          m[at] ^= static_cast<char>(1u << below(8));
          break;
        }
        case 2: m.resize(below(m.size() + 1)); break;                                    // truncated
        case 3: m += std::string(below(20), 'x'); break;                                 // longer
        case 4: {                                                                        // syntax
          const auto at = below(inside);
          m.insert(at, spice[below(std::size(spice))]);
          break;
        }
        case 5: {                                                                        // a gap
          const auto at = below(inside);
          m.erase(at, 1 + below(10));
          break;
        }
        case 6: {                                                                        // a digit
          const auto at = m.find_first_of("0123456789", below(inside));
          if (at != std::string::npos) m[at] = static_cast<char>('0' + below(10));
          break;
        }
      }
    }
    if (m.size() >= 8 && below(2)) {  // keep the length right so that the header's inside is reached
      const std::uint64_t n = m.size() - 8 < 51 ? m.size() - 8 : m.size() - 8 - 51;
      std::memcpy(m.data(), &n, 8);
    }
    put_file(f.path, m);
    try {
      const state s = load(f.path);
      CHECK(s.bytes() <= m.size());
      temporary g("again");
      save(s, g.path);
      CHECK(load(g.path) == s);
      ++valid;
    } catch (const io_error& e) {
      if (std::string(e.what()).find(f.path) == std::string::npos) FAIL(e.what());
      ++refused;
    }
  }
  CHECK(valid > 0);
  CHECK(refused > 3000);
}
