// The loss curve: its ticks, its moving average, and that no list of losses breaks it.
#include "fashion_mnist/plot.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace fashion_mnist;

TEST_CASE("ticks are round numbers") {
  CHECK(tick_distance(1, 10) == doctest::Approx(0.1));
  CHECK(tick_distance(2.4, 8) == doctest::Approx(0.5));
  CHECK(tick_distance(4690, 8) == doctest::Approx(1000));
  CHECK(tick_distance(10, 8) == doctest::Approx(2));
  for (double range = 1e-6; range < 1e9; range *= 1.37) {
    CHECK(range / tick_distance(range, 8) <= 8.001);
    CHECK(range / tick_distance(range, 8) >= 3);
  }
  CHECK(tick_label(0.5, 0.5) == "0.5");
  CHECK(tick_label(1000, 200) == "1000");
  CHECK(tick_label(0.25, 0.05) == "0.25");
  CHECK(tick_label(0, 0.1) == "0.0");
}

TEST_CASE("the moving average is centred and passes over what is not finite") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(smoothed(std::vector<float>{1, 2, 6}, 0) == std::vector<float>{1, 2, 6});
  CHECK(smoothed(std::vector<float>{1, 2, 6, 1}, 1) == std::vector<float>{1, 3, 3, 3.5f});
  CHECK(smoothed(std::vector<float>{1, nan, 3}, 1) == std::vector<float>{1, 2, 3});
  CHECK(smoothed(std::vector<float>{}, 3).empty());
}

TEST_CASE("any list of losses gives a picture") {
  const float infinity = std::numeric_limits<float>::infinity();
  std::vector<std::vector<float>> lists{{}, {1}, {0, 0}, {-1, -2}, {infinity, 1, -infinity, std::nanf("")}, {1e30f, 1}, {1e-30f}};
  lists.emplace_back(5000, 2.0f);
  for (const auto& losses : lists) CHECK(draw_loss(losses).width() == 1200);
  plot_options tiny;
  tiny.width = tiny.height = 1;
  CHECK(draw_loss(lists.back(), tiny).width() == 320);
}

TEST_CASE("the curve runs where the losses are") {
  const colour strong{20, 92, 168};
  const auto rows_of_curve = [&](const picture& p, int x) {
    int sum = 0, count = 0;
    for (int y = 60; y < p.height() - 80; ++y) {
      if (p.at(x, y) == strong) sum += y, ++count;
    }
    REQUIRE(count > 0);
    return sum / count;
  };
  std::vector<float> losses(1000);
  for (std::size_t i = 0; i < losses.size(); ++i) losses[i] = 2.0f - 0.002f * static_cast<float>(i);
  const picture p = draw_loss(losses);
  CHECK(rows_of_curve(p, 300) < rows_of_curve(p, 700));
  CHECK(rows_of_curve(p, 700) < rows_of_curve(p, 1100));
}
