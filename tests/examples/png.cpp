// What the PNG writer writes is read back with a reader made of the format's description, zlib and its checksums.
#include "fashion_mnist/png.hpp"

#include <doctest/doctest.h>

#include <random>

namespace {

using namespace fashion_mnist;
using bytes = std::vector<std::uint8_t>;

std::uint32_t word_at(const bytes& data, std::size_t place) {
  REQUIRE(place + 4 <= data.size());
  return std::uint32_t{data[place]} << 24 | std::uint32_t{data[place + 1]} << 16 | std::uint32_t{data[place + 2]} << 8 |
         std::uint32_t{data[place + 3]};
}

/// Takes the chunk at `place` apart, checks its sum and moves on.
bytes take_chunk(const bytes& file, std::size_t& place, const std::string& name) {
  const std::size_t size = word_at(file, place);
  REQUIRE(place + 12 + size <= file.size());
  CHECK(std::string(file.begin() + static_cast<std::ptrdiff_t>(place + 4),
                    file.begin() + static_cast<std::ptrdiff_t>(place + 8)) == name);
  CHECK(word_at(file, place + 8 + size) == crc32(0, file.data() + place + 4, static_cast<uInt>(size + 4)));
  const auto begin = file.begin() + static_cast<std::ptrdiff_t>(place + 8);
  place += 12 + size;
  return bytes(begin, begin + static_cast<std::ptrdiff_t>(size));
}

void check_round_trip(const picture& original) {
  const bytes file = encode_png(original);
  const bytes signature{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  REQUIRE(file.size() > signature.size());
  CHECK(bytes(file.begin(), file.begin() + 8) == signature);

  std::size_t place = 8;
  const bytes header = take_chunk(file, place, "IHDR");
  REQUIRE(header.size() == 13);
  CHECK(word_at(header, 0) == static_cast<std::uint32_t>(original.width()));
  CHECK(word_at(header, 4) == static_cast<std::uint32_t>(original.height()));
  CHECK(bytes(header.begin() + 8, header.end()) == bytes{8, 2, 0, 0, 0});

  const bytes packed = take_chunk(file, place, "IDAT");
  const auto stride = 1 + 3 * static_cast<std::size_t>(original.width());
  bytes rows(stride * static_cast<std::size_t>(original.height()) + 1);
  uLongf size = static_cast<uLongf>(rows.size());
  REQUIRE(uncompress(rows.data(), &size, packed.data(), static_cast<uLong>(packed.size())) == Z_OK);
  REQUIRE(size == rows.size() - 1);
  bool same = true;
  for (int y = 0; y < original.height(); ++y) {
    const std::uint8_t* row = rows.data() + static_cast<std::size_t>(y) * stride;
    same = same && row[0] == 0;  // no filter
    for (int x = 0; x < original.width(); ++x) {
      const std::uint8_t* pixel = row + 1 + 3 * x;
      same = same && original.at(x, y) == colour{pixel[0], pixel[1], pixel[2]};
    }
  }
  CHECK(same);

  CHECK(take_chunk(file, place, "IEND").empty());
  CHECK(place == file.size());
}

}  // namespace

TEST_CASE("pictures survive the round trip") {
  std::mt19937 random(3);
  for (const auto& [width, height] : {std::pair{1, 1}, {7, 3}, {3, 70}, {640, 480}}) {
    picture noise(width, height);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        noise.at(x, y) = {static_cast<std::uint8_t>(random()), static_cast<std::uint8_t>(random()),
                          static_cast<std::uint8_t>(random())};
      }
    }
    check_round_trip(noise);
    check_round_trip(picture(width, height, {1, 2, 3}));
  }
}

TEST_CASE("blending mixes by coverage and ignores what lies outside") {
  picture canvas(2, 1, {0, 100, 200});
  canvas.blend(0, 0, {100, 0, 200}, 0.5);
  CHECK(canvas.at(0, 0) == colour{50, 50, 200});
  canvas.blend(1, 0, {9, 8, 7}, 3);
  CHECK(canvas.at(1, 0) == colour{9, 8, 7});
  canvas.blend(2, 0, {9, 8, 7}, 1);
  canvas.blend(0, -1, {9, 8, 7}, 1);
  CHECK(canvas.at(0, 0) == colour{50, 50, 200});
  CHECK_THROWS_AS(canvas.at(2, 0), std::out_of_range);
  CHECK_THROWS_AS(picture(0, 4), std::invalid_argument);
}

TEST_CASE("a file that cannot be written is named") {
  try {
    write_png(picture(2, 2), "no/such/folder/loss.png");
    FAIL("nothing was thrown");
  } catch (const std::runtime_error& e) {
    CHECK(std::string(e.what()).find("no/such/folder/loss.png") != std::string::npos);
  }
}
