#include "../files.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <random>
#include <thunder/interop/npy.hpp>

using namespace thunder;

namespace {

constexpr auto B = dim("batch");

std::string bytes_of(const auto&... values) {
  std::string r;
  (r.append(reinterpret_cast<const char*>(&values), sizeof values), ...);
  return r;
}
/// A file of version `major`.0 with a header as it is.
std::string with_header(const std::string& header, const std::string& data, int major = 1) {
  const auto n = static_cast<std::uint32_t>(header.size());
  std::string r("\x93NUMPY", 6);
  r += static_cast<char>(major), r += '\0';
  r.append(reinterpret_cast<const char*>(&n), major == 1 ? 2 : 4);
  return r + header + data;
}

/// numpy.save of numpy.array([[1, 2, 3], [4, 5, 6]], numpy.float32), NumPy 2.4.
std::string matrix_of_numpy() {
  static const char bytes[] =
      "\223NUMPY\001\000v\000{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }                              "
      "                            \n"
      "\000\000\200?\000\000\000@\000\000@@\000\000\200@\000\000\240@\000\000\300@";
  return std::string(bytes, sizeof bytes - 1);
}
/// numpy.save of numpy.array([[1, 4], [2, 5], [3, 6]], numpy.int32).T, which NumPy writes in Fortran order.
std::string fortran_of_numpy() {
  static const char bytes[] =
      "\223NUMPY\001\000v\000{'descr': '<i4', 'fortran_order': True, 'shape': (2, 3), }                               "
      "                            \n"
      "\001\000\000\000\004\000\000\000\002\000\000\000\005\000\000\000\003\000\000\000\006\000\000\000";
  return std::string(bytes, sizeof bytes - 1);
}

}  // namespace

TEST_CASE("files of NumPy") {
  temporary f("numpy.npy");
  put_file(f.path, matrix_of_numpy());
  CHECK(load_npy(f.path).take<float, 2, 3>() == tensor<float, 2, 3>{1, 2, 3, 4, 5, 6});
  save_npy(f.path, tensor<float, 2, 3>{1, 2, 3, 4, 5, 6});
  CHECK(get_file(f.path) == matrix_of_numpy());

  put_file(f.path, fortran_of_numpy());
  CHECK(load_npy(f.path).take<std::int32_t, B, 3>() == tensor<std::int32_t, B, 3>::from({1, 2, 3, 4, 5, 6}, 2));
}

TEST_CASE("what is written is read") {
  temporary f("round.npy");
  const auto round = [&](const auto& x) {
    save_npy(f.path, x);
    const any_tensor y = load_npy(f.path);
    const std::string bytes = get_file(f.path);
    CHECK(bytes.find('\n') % 64 == 63);
    save_npy(f.path, y);
    CHECK(get_file(f.path) == bytes);
    any_tensor z(x.copy());
    CHECK(y == z);
  };
  round(tensor<float, 2, 3>{1, 2, 3, 4, 5, 6});
  round(tensor<double, 1, 1, 1, 1, 1, 2>{1, 2});
  round(tensor<f16, B>::from({1, 2, 3}, 3));
  round(tensor<std::int32_t, 0, 3>());
  round(tensor<std::int64_t>(7));
  round(tensor<bool, 3>{true, false, true});
  const tensor<float, 2, 2> x{1, 2, 3, 4};
  round(x[1]);

  const std::string before = get_file(f.path);
  CHECK(message<state_error>([&] { save_npy(f.path, any_tensor(tensor<bf16, 2>())); }) ==
        "save_npy: NumPy has no bfloat16, and the tensor is bf16[2]: cast it to float first");
  CHECK(get_file(f.path) == before);
}

TEST_CASE("versions, orders, spellings") {
  temporary f("versions.npy");
  const std::string header = "{'descr': '<i4', 'fortran_order': True, 'shape': (2, 1, 3), }   \n",
                    data = bytes_of(1, 2, 3, 4, 5, 6);
  for (int version : {1, 2, 3}) {
    put_file(f.path, with_header(header, data, version));
    CHECK(load_npy(f.path).take<std::int32_t, 2, 1, 3>() == tensor<std::int32_t, 2, 1, 3>{1, 3, 5, 2, 4, 6});
  }
  put_file(f.path, with_header("{\"shape\":(6,),'fortran_order':True,'descr':'<i4'}", data));
  CHECK(load_npy(f.path).take<std::int32_t, 6>()(5) == 6);
  put_file(f.path, with_header("{'shape':(3,2),'fortran_order':False,'descr':'<i4'}", data));
  CHECK(load_npy(f.path).take<std::int32_t, 3, 2>() == tensor<std::int32_t, 3, 2>{1, 2, 3, 4, 5, 6});
  put_file(f.path, with_header("{'shape':(2,2,2),'fortran_order':True,'descr':'|b1'}", std::string("\0\1\0\0\1\1\0\0", 8)));
  CHECK(load_npy(f.path).take<bool, 2, 2, 2>() == tensor<bool, 2, 2, 2>{false, true, false, false, true, true, false, false});
}

TEST_CASE("bad files become one sentence") {
  temporary f("bad.npy");
  auto found = [&](const std::string& bytes) {
    put_file(f.path, bytes);
    const std::string m = message<io_error>([&] { load_npy(f.path); }),
                      prefix = "the file '" + f.path + "' is not an .npy file that can be read: ";
    CHECK(m.substr(0, prefix.size()) == prefix);
    return m.size() > prefix.size() ? m.substr(prefix.size()) : m;
  };
  auto header = [&](const std::string& h, const std::string& data = "") { return found(with_header(h, data)); };
  auto shape = [&](const std::string& s, const std::string& data = "") {
    return header("{'descr': '<f4', 'fortran_order': False, 'shape': " + s + "}", data);
  };
  auto type = [&](const std::string& t) { return header("{'descr': " + t + ", 'fortran_order': False, 'shape': ()}", "1234"); };

  CHECK(found("") == "it has only 0 bytes");
  CHECK(found("\x93NUMPX\x01_____") == "it does not start with \\x93NUMPY");
  CHECK(found(std::string("\x93NUMPY\x04\0__", 10)) == "it has version 4.0 of the format, not 1.0, 2.0 or 3.0");
  CHECK(found(std::string("\x93NUMPY\x01\1__", 10)) == "it has version 1.1 of the format, not 1.0, 2.0 or 3.0");
  CHECK(found(std::string("\x93NUMPY\x02\0__", 10)) == "it has only 10 bytes");
  CHECK(found(std::string("\x93NUMPY\x01\0\xff\xff", 10)) == "its header claims 65535 bytes, but the file has 10");
  CHECK(found(std::string("\x93NUMPY\x03\0\xff\xff\xff\xff", 12)) == "its header claims 4294967295 bytes, but the file has 12");
  CHECK(header(std::string(10'001, ' ')) == "its header has 10001 bytes, and may have 10000");
  CHECK(header("") == "a '{' is missing in its header (byte 0)");
  CHECK(header("{}") == "its header lacks its descr, fortran_order or shape");
  CHECK(header("{'a':1}") == "its header has an unknown key 'a'");
  CHECK(header("{'descr':'<f4','descr':'<f4'}") == "its header has two keys 'descr'");
  CHECK(header("{'descr':'<f4'") == "a '}' is missing in its header (byte 14)");
  CHECK(header("{'descr") == "a string of its header does not end");
  CHECK(header("{'d\\x65scr':1}") == "its header has an unusual character");
  CHECK(header("{'fortran_order': 1}") == "its fortran_order is neither True nor False");
  CHECK(type("'<f4'} x") == "something follows its header's last brace");
  CHECK(type("'>f4'") == "its elements '>f4' are big endian; write x.astype('<f4') with NumPy");
  CHECK(type("'|O'") == "it has the element type '|O', which thunder does not have");
  CHECK(type("'<u4'") == "it has the element type '<u4', which thunder does not have");
  CHECK(type("[('a', '<f4')]") == "its elements are structures");
  CHECK(shape("(1,1,1,1,1,1,1)") == "it has more than six dimensions");
  CHECK(shape("(3)") == "its shape is not a tuple");
  CHECK(shape("3") == "a '(' is missing in its header (byte 50)");
  CHECK(shape("(-1,)") == "an extent is missing (byte 51 of its header)");
  CHECK(shape("(01,)") == "an extent starts with 0");
  CHECK(shape("(9223372036854775808,)") == "an extent is too large");
  CHECK(shape("(4611686018427387904, 4)") == "memory cannot have a tensor float[4611686018427387904, 4]");
  CHECK(shape("(2,)", "1234") == "its header says float[2], which has 8 bytes, but 4 bytes follow");
  CHECK(shape("(1,)", "12345") == "its header says float[1], which has 4 bytes, but 5 bytes follow");
  CHECK(shape("(1000000000000,)", "1234") ==
        "its header says float[1000000000000], which has 4000000000000 bytes, but 4 bytes follow");
  CHECK(header("{'descr': '|b1', 'fortran_order': False, 'shape': (2,)}", "\1\2") == "it has a byte that is not a bool (0 or 1)");
  CHECK(message<io_error>([] { load_npy("/nowhere/a.npy"); }) ==
        "the file '/nowhere/a.npy' cannot be opened: No such file or directory");
}

TEST_CASE("mutated files give an io_error or a tensor, nothing else") {
  temporary f("fuzz.npy"), g("fuzz_again.npy");
  const std::string seeds[]{matrix_of_numpy(), fortran_of_numpy(),
                            with_header("{'descr': '|b1', 'fortran_order': False, 'shape': (2,)}\n", "\1\1", 2)};
  const std::string spice[]{"{",
                            "}",
                            "(",
                            ")",
                            "[",
                            "'",
                            "\"",
                            ",",
                            ":",
                            "True",
                            "False",
                            "0",
                            "9",
                            " ",
                            "<f8",
                            "|b1",
                            "\n",
                            "\xff",
                            "9223372036854775807",
                            "(2,",
                            "descr"};
  std::mt19937 random(7);
  auto below = [&](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
  int valid = 0, refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string m = seeds[below(3)];
    for (std::size_t edits = below(4); edits > 0 && !m.empty(); --edits) {
      const std::size_t at = below(2) ? below(m.size()) : below(std::min<std::size_t>(m.size(), 75));
      switch (below(6)) {
        case 0:
          m[at] = static_cast<char>(below(256));
          break;
        case 1:
          m[at] ^= static_cast<char>(1u << below(8));
          break;
        case 2: {  // over spaces, so that lengths stay
          const std::string& s = spice[below(std::size(spice))];
          m.replace(at, std::min(s.size(), m.size() - at), s.substr(0, m.size() - at));
          break;
        }
        case 3:
          m.insert(at, spice[below(std::size(spice))]);
          break;
        case 4:
          m.erase(at, 1 + below(6));
          break;
        case 5:
          if (const auto digit = m.find_first_of("0123456789", at); digit != std::string::npos)
            m[digit] = static_cast<char>('0' + below(10));
          break;
      }
    }
    put_file(f.path, m);
    try {
      const any_tensor x = load_npy(f.path);
      ++valid;
      if (x.bytes() > m.size()) FAIL("more bytes than the file has");
      save_npy(g.path, x);
      if (!(load_npy(g.path) == x)) FAIL("not the same again");
    } catch (const io_error& e) {
      ++refused;
      const std::string what = e.what();
      if (what.find(f.path) == std::string::npos || what.size() > 400 || what.find('\n') != std::string::npos) FAIL(what);
    }
  }
  CHECK(valid > 1000);
  CHECK(refused > 5000);
}
