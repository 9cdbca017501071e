#pragma once
/// Shows how training goes: a bar that redraws itself on a terminal, otherwise one line for each epoch.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <string>

namespace examples {

///     progress bar(epochs, images_per_epoch);
///     for each epoch { bar.begin_epoch(); for each batch { ...; bar.advance(images, loss); } bar.end_epoch("accuracy 0.912"); }
class progress {
 public:
  /// What the words are where it is not about epochs and images; and how many epochs were done before.
  struct words {
    const char *epoch = "epoch", *items = "images";
    int done = 0;
  };
  progress(int epochs, double items_per_epoch, std::FILE* out = stdout) : progress(epochs, items_per_epoch, words{}, out) {}
  progress(int epochs, double items_per_epoch, words w, std::FILE* out = stdout)
      : epochs_(epochs), items_per_epoch_(items_per_epoch), words_(w), out_(out), terminal_(isatty(fileno(out)) == 1), epoch_(w.done) {}

  /// A bar that an exception left behind does not swallow the line that comes next.
  ~progress() {
    if (drawn_ > 0) std::fputc('\n', out_);
  }
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  void begin_epoch() {
    ++epoch_;
    items_ = 0;
    loss_sum_ = 0;
    epoch_begin_ = now_ = clock::now();
    shown_ = {};
  }

  /// After a batch: its number of items and their mean loss.
  void advance(int items, double loss) {
    items_ += items;
    loss_sum_ += loss * items;
    now_ = clock::now();
    if (terminal_ && now_ - shown_ > std::chrono::milliseconds(100)) {
      shown_ = now_;
      show(bar() + figures());
    }
  }

  /// The epoch's line, which stays; `note` is what else there is to say, such as an accuracy.
  void end_epoch(const std::string& note = {}) {
    show(head() + figures() + (note.empty() ? "" : "  " + note));
    std::fputc('\n', out_);
    std::fflush(out_);
    drawn_ = 0;
  }

  /// The mean loss over the items of this epoch so far.
  double loss() const { return items_ > 0 ? loss_sum_ / items_ : 0; }
  /// Items a second in this epoch; what happens between the last batch and end_epoch does not count.
  double items_per_second() const {
    const double seconds = std::chrono::duration<double>(now_ - epoch_begin_).count();
    return seconds > 0 ? items_ / seconds : 0;
  }
  double elapsed_seconds() const { return std::chrono::duration<double>(clock::now() - begin_).count(); }

 private:
  using clock = std::chrono::steady_clock;

  template <class... T>
  static std::string text(const char* format, T... values) {
    char buffer[128];
    std::snprintf(buffer, sizeof buffer, format, values...);
    return buffer;
  }
  std::string head() const {
    const auto total = std::to_string(epochs_);
    return text("%s %*d/%s", words_.epoch, static_cast<int>(total.size()), epoch_, total.c_str());
  }
  std::string bar() const {
    constexpr int width = 30;
    const double part = items_per_epoch_ > 0 ? std::min(1.0, items_ / items_per_epoch_) : 0;
    const int done = static_cast<int>(std::floor(part * width));
    return head() + "  [" + std::string(static_cast<std::size_t>(done), '=') + std::string(done < width ? 1 : 0, '>') +
           std::string(static_cast<std::size_t>(std::max(0, width - done - 1)), ' ') + "]";
  }
  std::string figures() const {
    return text("  loss %.4f  %8.0f %s/s  %6.1f s", loss(), items_per_second(), words_.items, elapsed_seconds());
  }
  void show(const std::string& line) {
    const std::size_t blanks = drawn_ > line.size() ? drawn_ - line.size() : 0;  // over what a longer line left
    std::fprintf(out_, "%s%s%s", terminal_ ? "\r" : "", line.c_str(), std::string(blanks, ' ').c_str());
    if (terminal_) std::fflush(out_);
    drawn_ = line.size();
  }

  int epochs_;
  double items_per_epoch_;
  words words_;
  std::FILE* out_;
  bool terminal_;
  int epoch_;
  double items_ = 0, loss_sum_ = 0;
  std::size_t drawn_ = 0;
  clock::time_point begin_ = clock::now(), epoch_begin_ = begin_, now_ = begin_, shown_{};
};

}  // namespace examples
