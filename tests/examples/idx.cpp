// The reader of the example's data: right data is read, and everything else becomes one clear sentence.
#include "fashion_mnist/idx.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <random>

namespace {

namespace fs = std::filesystem;
using bytes = std::vector<std::uint8_t>;

struct scratch {
  fs::path folder = fs::temp_directory_path() / ("thunder-idx-" + std::to_string(getpid()));
  scratch() { fs::create_directories(folder); }
  ~scratch() { fs::remove_all(folder); }
  std::string path(const std::string& name) const { return (folder / name).string(); }
};

void append(bytes& out, std::initializer_list<std::uint32_t> words) {
  for (const auto word : words) {
    for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<std::uint8_t>(word >> shift));
  }
}

bytes gzip(const bytes& data) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  bytes out(deflateBound(&stream, static_cast<uLong>(data.size())) + 32);
  stream.next_in = const_cast<Bytef*>(data.data());
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

void write(const std::string& path, const bytes& data) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(data.data()), static_cast<std::streamsize>(data.size()));
}

bytes image_data(std::uint32_t count, std::uint32_t rows, std::uint32_t columns) {
  bytes data;
  append(data, {0x803, count, rows, columns});
  std::mt19937 random(7);
  for (std::uint32_t i = 0; i < count * rows * columns; ++i) data.push_back(static_cast<std::uint8_t>(random()));
  return data;
}

bytes label_data(std::initializer_list<std::uint8_t> values) {
  bytes data;
  append(data, {0x801, static_cast<std::uint32_t>(values.size())});
  data.insert(data.end(), values);
  return data;
}

/// The message of what `action` throws, which must be one sentence that names the file and the way out.
std::string message(const std::function<void()>& action, const std::string& path) {
  try {
    action();
  } catch (const std::runtime_error& e) {
    const std::string text = e.what();
    CHECK(text.find(path) != std::string::npos);
    CHECK(text.find("apt-get install") != std::string::npos);
    CHECK(text.find("--data DIR") != std::string::npos);
    CHECK(text.find('\n') == std::string::npos);
    return text;
  }
  return "nothing was thrown";
}

#define CHECK_SAYS(text, words) CHECK_MESSAGE((text).find(words) != std::string::npos, (text))

}  // namespace

using namespace fashion_mnist;

TEST_CASE("images and labels are read as they were written") {
  const scratch here;
  const auto data = image_data(3, 4, 5);
  write(here.path("images.gz"), gzip(data));
  const auto images = read_images(here.path("images.gz"));
  CHECK(images.count == 3);
  CHECK(images.rows == 4);
  CHECK(images.columns == 5);
  CHECK(images.pixels == bytes(data.begin() + 16, data.end()));

  write(here.path("labels.gz"), gzip(label_data({3, 1, 4})));
  const auto labels = read_labels(here.path("labels.gz"));
  CHECK(labels.count == 3);
  CHECK(labels.values == bytes{3, 1, 4});
}

TEST_CASE("wrong files become one sentence") {
  const scratch here;
  const auto path = here.path("images.gz");
  const auto says = [&](const bytes& file) {
    write(path, file);
    return message([&] { read_images(path); }, path);
  };
  const auto good = image_data(3, 4, 5);
  const auto packed = gzip(good);

  CHECK_SAYS(message([&] { read_images(here.path("none.gz")); }, here.path("none.gz")), "cannot open");
  CHECK_SAYS(says({}), "is not a gzip file");
  CHECK_SAYS(says(good), "is not a gzip file");
  CHECK_SAYS(says(gzip({})), "is truncated");
  CHECK_SAYS(says(gzip({0, 0, 8})), "is truncated");
  CHECK_SAYS(says(gzip(label_data({1, 2}))), "is not an IDX file of images");
  CHECK_SAYS(says(gzip(bytes(good.begin(), good.end() - 1))), "is truncated");
  CHECK_SAYS(says(bytes(packed.begin(), packed.end() - 1)), "is truncated");  // the checksum's last byte
  CHECK_SAYS(says(bytes(packed.begin(), packed.begin() + 30)), "is truncated");

  auto longer = good;
  longer.push_back(0);
  CHECK_SAYS(says(gzip(longer)), "holds more data than its header says");
  auto followed = packed;
  followed.push_back(0);
  CHECK_SAYS(says(followed), "is followed by other bytes");
  auto wrong_sum = packed;
  wrong_sum[wrong_sum.size() - 6] ^= 1;
  CHECK_SAYS(says(wrong_sum), "is damaged");

  bytes empty;
  append(empty, {0x803, 0, 28, 28});
  CHECK_SAYS(says(gzip(empty)), "holds no images");
  bytes hostile;  // would be 2^96 bytes
  append(hostile, {0x803, 0xffffffff, 0xffffffff, 0xffffffff});
  CHECK_SAYS(says(gzip(hostile)), "is too short for the extents in its header");
  bytes large;  // would be 2 GB
  append(large, {0x803, 2000, 1000, 1000});
  CHECK_SAYS(says(gzip(large)), "is too short for the extents in its header");

  write(path, packed);
  CHECK_SAYS(message([&] { read_labels(path); }, path), "is not an IDX file of labels");
  CHECK_SAYS(message([&] { read_images(here.folder.string()); }, here.folder.string()), here.folder.string());
}

TEST_CASE("every cut and many corruptions of a file are noticed") {
  const scratch here;
  const auto path = here.path("images.gz");
  const auto packed = gzip(image_data(2, 3, 4));
  for (std::size_t size = 0; size < packed.size(); ++size) {
    write(path, bytes(packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(size)));
    CHECK_THROWS_AS(read_images(path), std::runtime_error);
  }
  const auto good = read_images((write(path, packed), path));
  std::mt19937 random(11);
  for (int i = 0; i < 2000; ++i) {
    auto damaged = packed;
    damaged[random() % damaged.size()] ^= static_cast<std::uint8_t>(1u << random() % 8);
    write(path, damaged);
    bytes pixels;
    try {
      pixels = read_images(path).pixels;
    } catch (const std::runtime_error&) {
      continue;
    }
    CHECK(pixels == good.pixels);  // gzip's header holds a time and a system that do not matter
  }
}

TEST_CASE("a split needs a label for each image, from 0 to 9") {
  const scratch here;
  const auto folder = here.folder.string();
  const auto labels = here.path("train-labels-idx1-ubyte.gz");
  write(here.path("train-images-idx3-ubyte.gz"), gzip(image_data(3, 2, 2)));
  write(labels, gzip(label_data({0, 9, 5})));
  CHECK(read_split(folder, "train").labels.values[1] == 9);
  write(labels, gzip(label_data({0, 9})));
  CHECK_SAYS(message([&] { read_split(folder, "train"); }, labels), "holds 2 labels for the 3 images of");
  write(labels, gzip(label_data({0, 10, 5})));
  CHECK_SAYS(message([&] { read_split(folder, "train"); }, labels), "holds the label 10, and the largest is 9");
  CHECK_SAYS(message([&] { read_split(folder, "t10k"); }, folder), "cannot open");
}

TEST_CASE("the installed data is Fashion-MNIST") {
  if (!fs::exists(default_folder)) return;
  const auto test = read_split(default_folder, "t10k");
  CHECK(test.images.count == 10000);
  CHECK(test.images.rows == 28);
  CHECK(test.images.columns == 28);
  int of_each[classes] = {};
  for (const auto label : test.labels.values) ++of_each[label];
  for (const int count : of_each) CHECK(count == 1000);
}
