#pragma once
/// Draws a loss curve: the loss of each step in a light colour, its moving average in a strong one, over labelled axes.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "font.hpp"
#include "png.hpp"

namespace fashion_mnist {

struct plot_options {
  int width = 1200, height = 720;
  std::string title = "training loss";
  std::string x_label = "step", y_label = "loss";  // lower case: see font.hpp
  int window = 0;                                  // steps on each side in the moving average; 0: a hundredth of them all
};

/// The mean of up to `window` values on each side, centred so that the curve does not lag: near the start the window shrinks
/// with the values before, at the end it is cut off. Values that are not finite do not count.
inline std::vector<float> smoothed(std::span<const float> values, std::size_t window) {
  std::vector<double> sums{0}, counts{0};  // of the values before
  for (const float value : values) {
    const bool good = std::isfinite(value);
    sums.push_back(sums.back() + (good ? static_cast<double>(value) : 0.0));
    counts.push_back(counts.back() + (good ? 1 : 0));
  }
  std::vector<float> result(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t half = std::min(window, i), begin = i - half, end = std::min(values.size(), i + half + 1);
    const double count = counts[end] - counts[begin];
    result[i] = count > 0 ? static_cast<float>((sums[end] - sums[begin]) / count) : values[i];
  }
  return result;
}

/// The distance between ticks, 1, 2 or 5 times a power of ten, that gives at most `most` of them over `range`.
inline double tick_distance(double range, int most) {
  const double rough = range / most;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

/// A number as a tick's label: as many decimals as the distance between ticks needs.
inline std::string tick_label(double value, double distance) {
  char text[32];
  if (std::abs(value) >= 1e6 || (distance < 1e-4 && value != 0)) {
    std::snprintf(text, sizeof text, "%g", value);
  } else {
    const int decimals = std::max(0, static_cast<int>(std::ceil(-std::log10(distance) - 1e-9)));
    std::snprintf(text, sizeof text, "%.*f", decimals, value);
  }
  return text;
}

/// A straight line with round ends: each pixel is covered according to its distance from the line.
inline void draw_line(picture& canvas, double x0, double y0, double x1, double y1, double thickness, colour ink,
                      double opacity = 1) {
  const double reach = thickness / 2 + 1;
  const double dx = x1 - x0, dy = y1 - y0, length2 = dx * dx + dy * dy;
  const int top = static_cast<int>(std::floor(std::min(y0, y1) - reach)),
            bottom = static_cast<int>(std::ceil(std::max(y0, y1) + reach));
  const int left = static_cast<int>(std::floor(std::min(x0, x1) - reach)),
            right = static_cast<int>(std::ceil(std::max(x0, x1) + reach));
  for (int y = top; y <= bottom; ++y) {
    for (int x = left; x <= right; ++x) {
      const double along = length2 > 0 ? std::clamp(((x - x0) * dx + (y - y0) * dy) / length2, 0.0, 1.0) : 0.0;
      const double distance = std::hypot(x - x0 - along * dx, y - y0 - along * dy);
      canvas.blend(x, y, ink, opacity * std::clamp(thickness / 2 + 0.5 - distance, 0.0, 1.0));
    }
  }
}

inline picture draw_loss(std::span<const float> losses, const plot_options& options = {}) {
  constexpr colour black{38, 42, 48}, grey{110, 116, 124}, grid{232, 234, 238}, frame{168, 174, 182};
  constexpr colour light{150, 192, 233}, strong{20, 92, 168};
  constexpr int big = 3, small = 2, letter = 7;  // text scales, and a letter's height in font pixels
  constexpr int left = 96, right = 32, top = 66, bottom = 76;

  picture canvas(std::max(options.width, 320), std::max(options.height, 240));
  const double x0 = left, x1 = canvas.width() - 1 - right, y0 = canvas.height() - 1 - bottom, y1 = top;

  // Ranges: the loss from zero to a little above the largest, the steps from one to the last.
  double largest = 0;
  for (const float loss : losses) {
    if (std::isfinite(loss)) largest = std::max(largest, static_cast<double>(loss));
  }
  if (!(largest > 0)) largest = 1;
  const double y_tick = tick_distance(largest * 1.04, 8), y_range = largest * 1.04;
  const double steps = std::max<double>(static_cast<double>(losses.size()), 2);
  const double x_tick = std::max(1.0, tick_distance(steps, 8));
  const auto across = [&](double step) { return x0 + (step - 1) / (steps - 1) * (x1 - x0); };
  const auto up = [&](double loss) { return y0 + std::clamp(loss / y_range, 0.0, 1.0) * (y1 - y0); };

  for (int i = 0; i * y_tick <= y_range; ++i) {
    const double y = std::round(up(i * y_tick));
    if (i > 0) draw_line(canvas, x0, y, x1, y, 1, grid);
    const auto text = tick_label(i * y_tick, y_tick);
    draw_text(canvas, left - 12 - text_width(text, small), static_cast<int>(y) - letter * small / 2, text, grey, small);
  }
  for (int i = 0; i * x_tick <= steps; ++i) {
    const double step = i == 0 ? 1 : i * x_tick, x = std::round(across(step));
    if (i > 0) draw_line(canvas, x, y0, x, y1, 1, grid);
    if (i == 1 && x_tick == 1) continue;  // step 1 has its label
    draw_line(canvas, x, y0, x, y0 + 6, 1, frame);
    const auto text = tick_label(step, x_tick);
    const int begin = static_cast<int>(x) - text_width(text, small) / 2;
    draw_text(canvas, std::min(begin, canvas.width() - 4 - text_width(text, small)), static_cast<int>(y0) + 14, text, grey,
              small);
  }

  draw_line(canvas, x0, y0, x1, y0, 1, frame);
  draw_line(canvas, x0, y0, x0, y1, 1, frame);

  // Many steps share one column of pixels: the column then shows the range of its steps, which is what overlaid lines become.
  const std::size_t count = losses.size();
  const std::size_t window = options.window > 0 ? static_cast<std::size_t>(options.window) : count / 100;
  const auto average = smoothed(smoothed(losses, window), window);  // twice: no corners
  for (std::size_t i = 0; i < count; ++i) {
    if (!std::isfinite(losses[i])) continue;
    const double x = across(static_cast<double>(i + 1)), y = up(losses[i]);
    const bool joined = i > 0 && std::isfinite(losses[i - 1]);
    draw_line(canvas, joined ? across(static_cast<double>(i)) : x, joined ? up(losses[i - 1]) : y, x, y, 1.3, light, 0.8);
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (!std::isfinite(average[i])) continue;
    const double x = across(static_cast<double>(i + 1)), y = up(average[i]);
    const bool joined = i > 0 && std::isfinite(average[i - 1]);
    draw_line(canvas, joined ? across(static_cast<double>(i)) : x, joined ? up(average[i - 1]) : y, x, y, 3, strong);
  }

  draw_text(canvas, left, 20, options.title, black, big);
  draw_text(canvas, 12, top - 28, options.y_label, grey, small);
  draw_text(canvas, static_cast<int>(x1) - text_width(options.x_label, small), canvas.height() - 30, options.x_label, grey,
            small);

  // The legend, at the top right, where a falling curve leaves room.
  int x = static_cast<int>(x1);
  const int y = 26;
  struct entry {
    const char* text;
    colour ink;
    double thickness;
  };
  for (const entry& e : {entry{"moving average", strong, 3}, entry{"each step", light, 2}}) {
    x -= text_width(e.text, small);
    draw_text(canvas, x, y, e.text, grey, small);
    draw_line(canvas, x - 42, y + 7, x - 12, y + 7, e.thickness, e.ink);
    x -= 42 + 28;
  }
  return canvas;
}

/// Writes the curve of `losses` (one a step) as a PNG file.
inline void plot_loss(std::span<const float> losses, const std::string& path, const plot_options& options = {}) {
  write_png(draw_loss(losses, options), path);
}

}  // namespace fashion_mnist
