#pragma once
/// Reads the gzip-compressed IDX files of MNIST and its relatives.
/// Every problem with a file becomes one std::runtime_error whose sentence names the file and says what to do.
#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <ios>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace fashion_mnist {

/// Greyscale pictures one after the other, each row by row: pixels.size() == count * rows * columns.
struct images {
  int count = 0, rows = 0, columns = 0;
  std::vector<std::uint8_t> pixels;
};

struct labels {
  int count = 0;
  std::vector<std::uint8_t> values;
};

/// One part of the data: a label for each image.
struct split {
  fashion_mnist::images images;
  fashion_mnist::labels labels;
};

[[noreturn]] inline void bad_data(const std::string& path, const std::string& what) {
  throw std::runtime_error(path + " " + what +
                           ": install the data with `apt-get install --reinstall dataset-fashion-mnist` or name another folder "
                           "with --data DIR");
}

/// Inflates one gzip file piece by piece, so that the size of what follows is known before memory is taken for it.
class gzip_reader {
 public:
  explicit gzip_reader(const std::string& path) : path_(path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    if (!file) {
      throw std::runtime_error(
          "cannot open " + path +
          ": install the data with `apt-get install dataset-fashion-mnist` or name its folder with --data DIR");
    }
    const auto bytes = static_cast<std::streamoff>(file.tellg());
    if (bytes < 0 || bytes > std::numeric_limits<int>::max()) bad_data(path_, "is not a data file");
    compressed_.resize(static_cast<std::size_t>(bytes));
    file.seekg(0);
    file.read(reinterpret_cast<char*>(compressed_.data()), static_cast<std::streamsize>(bytes));
    if (!file) bad_data(path_, "cannot be read");
    if (bytes < 2 || compressed_[0] != 0x1f || compressed_[1] != 0x8b) bad_data(path_, "is not a gzip file");
    stream_.next_in = compressed_.data();
    stream_.avail_in = static_cast<uInt>(bytes);
    if (inflateInit2(&stream_, 15 + 16) != Z_OK) throw std::runtime_error("zlib cannot start");  // + 16: gzip alone
  }
  ~gzip_reader() { inflateEnd(&stream_); }
  gzip_reader(const gzip_reader&) = delete;
  gzip_reader& operator=(const gzip_reader&) = delete;

  /// No more than this can follow: deflate packs at most 1032 bytes into one.
  std::uint64_t most_bytes() const { return std::uint64_t{compressed_.size()} * 1032; }

  void read(std::span<std::uint8_t> out) {
    if (inflate_into(out) != out.size()) bad_data(path_, "is truncated");
  }

  std::uint32_t read_word() {  // big-endian
    std::uint8_t b[4];
    read(b);
    return std::uint32_t{b[0]} << 24 | std::uint32_t{b[1]} << 16 | std::uint32_t{b[2]} << 8 | std::uint32_t{b[3]};
  }

  /// The data, its checksum and the file end here.
  void expect_end() {
    std::uint8_t extra[1];
    if (inflate_into(extra) != 0) bad_data(path_, "holds more data than its header says");
    if (!ended_) bad_data(path_, "is truncated");
    if (stream_.avail_in != 0) bad_data(path_, "is followed by other bytes");
  }

 private:
  std::size_t inflate_into(std::span<std::uint8_t> out) {
    stream_.next_out = out.data();
    stream_.avail_out = static_cast<uInt>(out.size());
    while (stream_.avail_out > 0 && !ended_) {
      const int status = inflate(&stream_, Z_NO_FLUSH);
      if (status == Z_STREAM_END) {
        ended_ = true;
      } else if (status == Z_BUF_ERROR) {  // no input is left
        break;
      } else if (status == Z_MEM_ERROR) {
        throw std::runtime_error("zlib has no memory to read " + path_);
      } else if (status != Z_OK) {
        bad_data(path_, "is damaged");
      }
    }
    return out.size() - stream_.avail_out;
  }

  std::string path_;
  std::vector<std::uint8_t> compressed_;
  z_stream stream_{};
  bool ended_ = false;
};

/// The header of an IDX file of bytes: a magic word that names the number of extents, then the extents.
inline std::vector<std::uint32_t> read_extents(gzip_reader& file, const std::string& path, std::uint32_t rank, const char* kind) {
  if (file.read_word() != (0x800u | rank)) bad_data(path, std::string("is not an IDX file of ") + kind);  // 8: unsigned bytes
  std::vector<std::uint32_t> extents(rank);
  std::uint64_t bytes = 1;
  for (auto& extent : extents) {
    extent = file.read_word();
    if (extent == 0) bad_data(path, std::string("holds no ") + kind);
    // The product of two such numbers fits into 64 bits; stopping here keeps the next one in range.
    bytes *= extent;
    if (bytes > file.most_bytes() || bytes > std::uint64_t{std::numeric_limits<int>::max()}) {
      bad_data(path, "is too short for the extents in its header");
    }
  }
  return extents;
}

inline images read_images(const std::string& path) {
  gzip_reader file(path);
  const auto extents = read_extents(file, path, 3, "images");
  images result{static_cast<int>(extents[0]), static_cast<int>(extents[1]), static_cast<int>(extents[2]), {}};
  result.pixels.resize(std::size_t{extents[0]} * extents[1] * extents[2]);
  file.read(result.pixels);
  file.expect_end();
  return result;
}

inline labels read_labels(const std::string& path) {
  gzip_reader file(path);
  const auto extents = read_extents(file, path, 1, "labels");
  labels result{static_cast<int>(extents[0]), std::vector<std::uint8_t>(extents[0])};
  file.read(result.values);
  file.expect_end();
  return result;
}

inline constexpr int classes = 10;
inline constexpr const char* class_names[classes] = {"T-shirt", "trouser", "pullover", "dress", "coat",
                                                     "sandal",  "shirt",   "sneaker",  "bag",   "ankle boot"};
inline constexpr const char* default_folder = "/usr/share/datasets/fashion-mnist";

/// The part `name` ("train" or "t10k") of the data in `folder`.
inline split read_split(const std::string& folder, const std::string& name) {
  const std::string image_path = folder + "/" + name + "-images-idx3-ubyte.gz";
  const std::string label_path = folder + "/" + name + "-labels-idx1-ubyte.gz";
  split result{read_images(image_path), read_labels(label_path)};
  if (result.images.count != result.labels.count) {
    bad_data(label_path, "holds " + std::to_string(result.labels.count) + " labels for the " +
                             std::to_string(result.images.count) + " images of " + image_path);
  }
  const auto largest = *std::max_element(result.labels.values.begin(), result.labels.values.end());
  if (largest >= classes) bad_data(label_path, "holds the label " + std::to_string(largest) + ", and the largest is 9");
  return result;
}

}  // namespace fashion_mnist
