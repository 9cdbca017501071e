#include "../files.hpp"

#include <cstdint>
#include <cstring>
#include <iterator>
#include <random>
#include <thunder/interop/safetensors.hpp>

using namespace thunder;

namespace {

constexpr auto B = dim("batch");

std::string with_length(std::uint64_t n, const std::string& rest) {
  std::string r(8, '\0');
  std::memcpy(r.data(), &n, 8);
  return r + rest;
}
std::string with_header(const std::string& header, std::size_t data_bytes) {
  return with_length(header.size(), header + std::string(data_bytes, '\0'));
}
state example() {
  state s;
  s.insert("transformer.h.0.attn.c_attn.weight", tensor<float, 2, 3>{1, 2, 3, 4, 5, 6});
  s.insert("transformer.h.0.attn.bias", tensor<bool, 3>{true, false, true});
  s.insert("transformer.wte.weight", tensor<bf16, B>::from({1, 2, 3}, 3));
  s.insert("step", tensor<std::int64_t>(7));
  s.insert("none", tensor<double, 0, 4>());
  s.insert("half", tensor<f16, 1>{0.5f});
  s.insert("ids", tensor<std::int32_t, 2>{-1, 2});
  return s;
}

/// What safetensors.numpy.save of the package safetensors 0.8.0 writes: float32, float64, int64, int32, float16, bool, no
/// elements.
std::string from_python() {
  static const char bytes[] =
      "\310\001\000\000\000\000\000\000{\"__metadata__\":{\"format\":\"pt\"},\"i\":{\"dtype\":\"I64\",\"shape\":[2],\""
      "data_offsets\":[0,16]},\"d\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[16,24]},\"e\":{\"dtype\":\"F32\""
      ",\"shape\":[0,3],\"data_offsets\":[24,24]},\"transformer.h.0.attn.c_attn.weight\":{\"dtype\":\"F32\",\"shape\":"
      "[2,3],\"data_offsets\":[24,48]},\"j\":{\"dtype\":\"I32\",\"shape\":[1,2],\"data_offsets\":[48,56]},\"h\":{\"dty"
      "pe\":\"F16\",\"shape\":[3],\"data_offsets\":[56,62]},\"b\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":["
      "62,65]}} \377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\177\000\000\000\000\000\000\340\277\000\000"
      "\200?\000\000\000@\000\000@@\000\000\200@\000\000\240@\000\000\300@\007\000\000\000\370\377\377\377\0008\000\300"
      "\377{\001\000\001";
  return std::string(bytes, sizeof bytes - 1);
}

}  // namespace

TEST_CASE("a file of the safetensors package") {
  temporary f("foreign"), g("again");
  put_file(f.path, from_python());
  safetensors_file file(f.path);
  CHECK(file.metadata() == safetensors_metadata{{"format", "pt"}});
  const state s = load_safetensors(f.path);
  CHECK(s.size() == 7);
  CHECK(s["transformer.h.0.attn.c_attn.weight"].as<float, 2, 3>() == tensor<float, 2, 3>{1, 2, 3, 4, 5, 6});
  CHECK(s["d"].as<double>().item() == -0.5);
  CHECK(s["i"].as<std::int64_t, 2>() == tensor<std::int64_t, 2>{-1, INT64_MAX});
  CHECK(s["j"].as<std::int32_t, 1, 2>() == tensor<std::int32_t, 1, 2>{7, -8});
  CHECK(s["h"].as<f16, 3>() == tensor<f16, 3>{0.5f, -2, 65504});
  CHECK(s["b"].as<bool, 3>() == tensor<bool, 3>{true, false, true});
  CHECK(s["e"].as<float, 0, 3>().empty());
  // What the package writes for these tensors, in its order, is what thunder writes, byte by byte.
  save_safetensors(g.path, s, file.metadata());
  CHECK(get_file(g.path) == from_python());
}

TEST_CASE("names: chosen, changed, left out") {
  temporary f("names");
  save_safetensors(f.path, example(), {{"format", "pt"}, {"quote\"", "line\n\xc3\xa9"}});
  safetensors_file file(f.path);
  CHECK(file.metadata() == safetensors_metadata{{"format", "pt"}, {"quote\"", "line\n\xc3\xa9"}});
  CHECK(load_safetensors(f.path) == example());
  CHECK(load(f.path) == example());

  constexpr std::string_view prefix = "transformer.";
  const state s =
      load_safetensors(file, [&](std::string_view name) { return name.starts_with(prefix) ? name.substr(prefix.size()) : ""; });
  CHECK(s.names() == std::vector<std::string>{"h.0.attn.c_attn.weight", "h.0.attn.bias", "wte.weight"});
  CHECK(s["h.0.attn.c_attn.weight"].as<float, 2, 3>()(1, 2) == 6);
  CHECK(message<state_error>([&] { load_safetensors(f.path, [](const std::string&) { return "w"; }); }) ==
        "load_safetensors: the tensor 'transformer.h.0.attn.bias' of the file '" + f.path +
            "' gets the name 'w', which another one has");

  const auto ids = file.read("ids").take<std::int32_t, B>();
  CHECK(ids == tensor<std::int32_t, B>::from({-1, 2}, 2));
  CHECK(message<io_error>([&] { file.read("idx"); }) == "the file '" + f.path + "' has no tensor named 'idx'");
}

TEST_CASE("tensors without a state") {
  temporary f("items");
  const tensor<float, 2, 2> w{1, 2, 3, 4};
  const auto b = tensor<bf16, B>::from({1, 2}, 2);
  any_tensor n(tensor<std::int64_t>(3));
  save_safetensors(f.path, {{"w", w}, {"b", b}, {"row", w[1]}, {"n", n}, {"s", tensor<float>(0.5f)}});
  const state s = load_safetensors(f.path);
  CHECK(s.names() == std::vector<std::string>{"w", "b", "row", "n", "s"});
  CHECK(s["row"].as<float, 2>() == tensor<float, 2>{3, 4});
  CHECK(s["b"].as<bf16, 2>()(1) == 2.0f);
  const std::string before = get_file(f.path);

  // What cannot be written leaves the file as it was.
  CHECK(message<state_error>([&] { save_safetensors(f.path, {{"w", w}, {"w", b}}); }) == "two tensors are named 'w'");
  CHECK(message<state_error>([&] { save_safetensors(f.path, {{"", w}}); }) == "'' cannot be the name of a tensor");
  CHECK(message<state_error>([&] {
          save_safetensors(f.path, {{"__metadata__", w}});
        }) == "'__metadata__' cannot be the name of a tensor");
  CHECK(message<state_error>([&] { save_safetensors(f.path, {{"a\xff", w}}); }).ends_with("is not UTF-8"));
  CHECK(message<state_error>([&] { save_safetensors(f.path, {{"w", w}}, {{"k", "\xc0\x80"}}); }).ends_with("is not UTF-8"));
  CHECK(message<state_error>([&] {
          save_safetensors(f.path, {{"w", w}}, {{"k", ""}, {"k", ""}});
        }) == "the metadata has two entries 'k'");
  CHECK(message<state_error>([&] {
          save_safetensors(f.path, {{"w", w}}, {{"k", std::string(100'000'000, ' ')}});
        }) == "the names and metadata make a header of at least 100000002 bytes, and it may have 100000000");
  CHECK(get_file(f.path) == before);
}

TEST_CASE("what thunder cannot hold is left out, or named") {
  temporary f("other");
  put_file(f.path, with_header("{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[2],\"data_offsets\":[0,2]},"
                               "\"b\":{\"dtype\":\"F16\",\"shape\":[1,1,1,1,1,1,2],\"data_offsets\":[2,6]},"
                               "\"c\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[6,10]}}",
                               10));
  CHECK(message<io_error>([&] { load_safetensors(f.path); }) ==
        "the file '" + f.path + "' cannot be read: the tensor 'a' has the element type 'F8_E4M3', which thunder does not have");
  CHECK(message<io_error>([&] { load_safetensors(f.path, [](std::string name) { return name == "a" ? "" : name; }); }) ==
        "the file '" + f.path + "' cannot be read: the tensor 'b' has 7 dimensions, and thunder's have at most six");
  CHECK(load_safetensors(f.path, [](std::string name) { return name == "c" ? name : ""; }).size() == 1);
}

TEST_CASE("headers as other programs write them") {
  temporary f("unusual");
  const std::string header =
      "{ \"__metadata__\" : {\"format\":\"pt\", \"x\":\"\"}, \"\\u0061\\n\\ud83d\\ude00\\u00e9\\u20ac\" :\n"
      "{\"shape\":[ 2 ,1],\"data_offsets\":[4,8],\"dtype\":\"F16\"},"
      "\"b\":{\"dtype\":\"I32\",\"shape\":[],\"data_offsets\":[0,4]}}   ";
  put_file(f.path, with_header(header, 8));
  const state s = load(f.path);
  CHECK(s.names() == std::vector<std::string>{"a\n\xf0\x9f\x98\x80\xc3\xa9\xe2\x82\xac", "b"});
  CHECK(s["b"].as<std::int32_t>().item() == 0);
}

TEST_CASE("UTF-8") {
  for (const std::string good :
       {"", "a", "\x7f", "\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
    CHECK(invalid_utf8(good + "z") == std::string::npos);
  for (const std::string bad : {"\x80", "\xc1\xbf", "\xc2", "\xc2\x41", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe2\x82",
                                "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"})
    CHECK(invalid_utf8("a" + bad) == 1);
  CHECK(in_quotes("a\nb") == "'a?b'");
  CHECK(in_quotes(std::string(79, 'a') + "\xe2\x82\xac") == "'" + std::string(79, 'a') + "...'");
}

TEST_CASE("sorting") {
  std::mt19937 random(3);
  for (std::size_t n = 0; n < 40; ++n) {
    std::vector<unsigned> keys(n);
    for (auto& k : keys) k = static_cast<unsigned>(random()) % 8;
    const auto less = [](const void* of, std::size_t a, std::size_t b) {
      const auto& k = *static_cast<const std::vector<unsigned>*>(of);
      return k[a] < k[b];
    };
    const auto order = sorted_indices(n, less, &keys);
    CHECK(order.size() == n);
    for (std::size_t i = 1; i < n; ++i)
      if (keys[order[i - 1]] > keys[order[i]] || (keys[order[i - 1]] == keys[order[i]] && order[i - 1] >= order[i]))
        FAIL("not in order");
  }
}

TEST_CASE("bad files become one sentence") {
  temporary f("bad");
  auto found = [&](const std::string& bytes) {
    put_file(f.path, bytes);
    std::string m = message<io_error>([&] { load_safetensors(f.path); });
    const std::string prefix = "the file '" + f.path + "' is not a valid safetensors file: ";
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
  CHECK(w("\"dtype\":\"F32\"").substr(0, 53) == "the tensor 'w' lacks its dtype, shape or data_offsets");
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
          load_safetensors(f.path);
        }).ends_with("is not a valid safetensors file: the tensor 'a' has a byte that is not a bool (0 or 1)"));

  CHECK(header(" {}") == "a '{' is missing (byte 0 of the header)");
  CHECK(header("{\"a\xc3(\":1}") == "its header is not UTF-8 (byte 3 of the header)");
  CHECK(header("{\"a\":" + std::string(1'000'000, '[') + "}") == "a '{' is missing (byte 5 of the header)");
  CHECK(header("{\"a\":" + std::string(1'000'000, '{') + "}") == "a '\"' is missing (byte 6 of the header)");
  CHECK(header("{\"__metadata__\":{\"k\":\"\",\"k\":\"\"}}") == "its metadata has two entries 'k'");
  CHECK(header("{\"" + std::string(1000, 'n') + "\":{\"x\":1}}").substr(0, 110) ==
        "the tensor '" + std::string(80, 'n') + "...' has an unknow");
  const std::string first = "{\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":[0,4]}",
                    third = "{\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":[8,12]}",
                    inside = "{\"dtype\":\"I32\",\"shape\":[0],\"data_offsets\":[2,2]}";
  CHECK(header("{\"b\":" + third + ",\"a\":" + first + "}", 12) == "the tensor 'b' does not start where the one before ends");
  CHECK(header("{\"a\":" + first + ",\"b\":" + inside + "}", 4) == "the tensor 'b' does not start where the one before ends");
  put_file(f.path, with_length(100'000'001, ""));
  REQUIRE(::truncate(f.path.c_str(), 100'000'009) == 0);
  CHECK(message<io_error>([&] { load_safetensors(f.path); }).ends_with("its header has 100000001 bytes, and may have 100000000"));

  CHECK(message<io_error>([] { load_safetensors("/nowhere/s"); }) ==
        "the file '/nowhere/s' cannot be opened: No such file or directory");
  CHECK(message<io_error>([] { load_safetensors("/tmp"); }) == "the file '/tmp' is not a regular file");
}

TEST_CASE("mutated files give an io_error or a valid state, nothing else") {
  temporary f("fuzz"), g("fuzz_again");
  save_safetensors(f.path, example(), {{"format", "pt"}});
  const std::string seeds[]{get_file(f.path), from_python()};
  std::mt19937 random(20240607);
  auto below = [&](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
  const std::string spice[]{"{",
                            "}",
                            "[",
                            "]",
                            ",",
                            ":",
                            "\"",
                            "\\",
                            "\\u",
                            "\\ud800",
                            "0",
                            "9",
                            "-",
                            " ",
                            "\xff",
                            "\xc3\xa9",
                            "F64",
                            "BOOL",
                            "U8",
                            "\n",
                            "null",
                            "\"shape\":[",
                            "data_offsets",
                            "__metadata__",
                            "99999999999999999999",
                            "4611686018427387904"};
  int valid = 0, refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string& seed = seeds[below(2)];
    std::uint64_t length = 0;
    std::memcpy(&length, seed.data(), 8);
    std::string header = seed.substr(8, static_cast<std::size_t>(length)),
                data = seed.substr(8 + static_cast<std::size_t>(length));
    for (std::size_t edits = below(4) + (below(8) > 0); edits > 0; --edits) {
      const std::size_t at = header.empty() ? 0 : below(header.size());
      switch (header.empty() ? 7 : below(10)) {
        case 0:
          header[at] = static_cast<char>(below(256));
          break;
        case 1:
          header[at] ^= static_cast<char>(1u << below(8));
          break;
        case 2:
          header.insert(at, spice[below(std::size(spice))]);
          break;
        case 3:
          header.erase(at, 1 + below(10));
          break;
        case 4:  // a digit
          if (const auto digit = header.find_first_of("0123456789", at); digit != std::string::npos)
            header[digit] = static_cast<char>('0' + below(10));
          break;
        case 5: {  // a piece of the header somewhere else
          const std::string piece = header.substr(at, below(60));
          header.insert(below(header.size()), piece);
          break;
        }
        case 6:
          header.resize(at);
          break;
        case 7:
          data.resize(below(data.size() + 9));
          break;
        case 8:
          if (!data.empty()) data[below(data.size())] = static_cast<char>(below(256));
          break;
        case 9:  // the same length, other places: numbers that stay numbers
          if (const auto digit = header.find_first_of("123", at); digit != std::string::npos)
            header[digit] = static_cast<char>('1' + below(3));
          break;
      }
    }
    length = below(10) ? header.size() : below(3) ? below(2 * seed.size()) : std::uint64_t{random()} << below(40);
    const std::string m = with_length(length, header + data);
    put_file(f.path, below(50) ? m : m.substr(0, below(m.size())));
    try {
      const state s = load_safetensors(f.path);
      ++valid;
      if (s.bytes() > m.size()) FAIL("more bytes than the file has");
      save(s, g.path);
      if (!(load(g.path) == s)) FAIL("not the same again");
    } catch (const io_error& e) {
      ++refused;
      const std::string what = e.what();
      if (what.find(f.path) == std::string::npos || what.size() > 500 || what.find('\n') != std::string::npos) FAIL(what);
    }
  }
  CHECK(valid > 1000);
  CHECK(refused > 10'000);
}
