#include "../files.hpp"

#include <sys/stat.h>

#include <thunder/runtime/state_file.hpp>

using namespace thunder;

namespace {

constexpr auto B = dim("batch");

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

TEST_CASE("memory of an any_tensor") {
  const std::int64_t extents[]{2, 3};
  any_tensor x(dtype::f32, extents, storage::allocate(24));
  const void* memory = x.data();
  CHECK(x.printed() == "float[2, 3]");
  storage s = std::move(x).release();
  CHECK(s.data() == memory);
  CHECK(x.printed() == "float[0]");
  CHECK(message<shape_error>([&] { any_tensor(dtype::f64, extents, std::move(s)); }) ==
        "a tensor double[2, 3] cannot adopt a storage of 24 bytes");
  CHECK(s.data() == memory);
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
  for (const auto& e : safetensors_header_reader(std::string_view(bytes).substr(8, header), f.path).read().entries)
    CHECK(e.begin % static_cast<std::uint64_t>(size_of(e.type)) == 0);
}
