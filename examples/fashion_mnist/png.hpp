#pragma once
/// Pictures, and a writer of PNG files (truecolour, 8 bits a channel) on top of zlib.
#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <initializer_list>
#include <ios>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace fashion_mnist {

struct colour {
  std::uint8_t red = 0, green = 0, blue = 0;
  bool operator==(const colour&) const = default;
};

/// width x height pixels, row by row from the top left corner.
class picture {
 public:
  picture(int width, int height, colour background = {255, 255, 255}) : width_(width), height_(height) {
    if (width < 1 || height < 1) throw std::invalid_argument("picture: the width and the height must be at least 1");
    pixels_.assign(static_cast<std::size_t>(width) * static_cast<std::size_t>(height), background);
  }

  int width() const { return width_; }
  int height() const { return height_; }
  bool contains(int x, int y) const { return x >= 0 && x < width_ && y >= 0 && y < height_; }
  colour& at(int x, int y) { return pixels_[index(x, y)]; }
  const colour& at(int x, int y) const { return pixels_[index(x, y)]; }

  /// Mixes `ink` into a pixel; coverage 0 leaves it, 1 replaces it. Outside the picture nothing happens.
  void blend(int x, int y, colour ink, double coverage) {
    if (!contains(x, y) || !(coverage > 0)) return;
    const double part = coverage < 1 ? coverage : 1;
    const auto mixed = [part](std::uint8_t old, std::uint8_t next) {
      return static_cast<std::uint8_t>(old + part * (next - old) + 0.5);
    };
    colour& pixel = at(x, y);
    pixel = {mixed(pixel.red, ink.red), mixed(pixel.green, ink.green), mixed(pixel.blue, ink.blue)};
  }

 private:
  std::size_t index(int x, int y) const {
    if (!contains(x, y)) throw std::out_of_range("picture: the pixel lies outside");
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(x);
  }

  int width_, height_;
  std::vector<colour> pixels_;
};

namespace png {

inline void append_word(std::vector<std::uint8_t>& out, std::uint32_t word) {  // big-endian
  for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<std::uint8_t>(word >> shift));
}

/// length, name, data, checksum of name and data
inline void append_chunk(std::vector<std::uint8_t>& out, const char (&name)[5], std::span<const std::uint8_t> data) {
  append_word(out, static_cast<std::uint32_t>(data.size()));
  const std::size_t begin = out.size();
  out.insert(out.end(), name, name + 4);
  out.insert(out.end(), data.begin(), data.end());
  append_word(out, static_cast<std::uint32_t>(crc32(0, out.data() + begin, static_cast<uInt>(out.size() - begin))));
}

}  // namespace png

/// The bytes of a PNG file.
inline std::vector<std::uint8_t> encode_png(const picture& source) {
  std::vector<std::uint8_t> rows;  // each row: a filter (none), then red, green, blue of each pixel
  rows.reserve(static_cast<std::size_t>(source.height()) * (1 + 3 * static_cast<std::size_t>(source.width())));
  for (int y = 0; y < source.height(); ++y) {
    rows.push_back(0);
    for (int x = 0; x < source.width(); ++x) {
      const colour& pixel = source.at(x, y);
      rows.insert(rows.end(), {pixel.red, pixel.green, pixel.blue});
    }
  }
  if (rows.size() > std::numeric_limits<std::int32_t>::max())
    throw std::invalid_argument("the picture is too large for a PNG file");
  uLongf packed_bytes = compressBound(static_cast<uLong>(rows.size()));
  std::vector<std::uint8_t> packed(packed_bytes);
  if (compress2(packed.data(), &packed_bytes, rows.data(), static_cast<uLong>(rows.size()), Z_BEST_COMPRESSION) != Z_OK) {
    throw std::runtime_error("zlib cannot compress the picture");
  }
  packed.resize(packed_bytes);

  std::vector<std::uint8_t> header;
  png::append_word(header, static_cast<std::uint32_t>(source.width()));
  png::append_word(header, static_cast<std::uint32_t>(source.height()));
  header.insert(header.end(), {8, 2, 0, 0, 0});  // 8 bits, truecolour, deflate, the usual filters, no interlace

  std::vector<std::uint8_t> out{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  png::append_chunk(out, "IHDR", header);
  png::append_chunk(out, "IDAT", packed);
  png::append_chunk(out, "IEND", {});
  return out;
}

inline void write_png(const picture& source, const std::string& path) {
  const auto bytes = encode_png(source);
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) throw std::runtime_error("cannot write " + path + ": check that its folder exists and has space");
}

}  // namespace fashion_mnist
