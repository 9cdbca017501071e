// Into a file, progress is one line an epoch.
#include "shared/progress.hpp"

#include <doctest/doctest.h>

TEST_CASE("one line for each epoch when the output is no terminal") {
  std::FILE* out = std::tmpfile();
  REQUIRE(out != nullptr);
  {
    examples::progress bar(12, 30, out);
    for (int epoch = 0; epoch < 2; ++epoch) {
      bar.begin_epoch();
      bar.advance(20, 0.5);
      bar.advance(10, 2.0);
      CHECK(bar.loss() == doctest::Approx(1.0));
      CHECK(bar.items_per_second() > 0);
      bar.end_epoch(epoch == 0 ? "" : "accuracy 0.912");
    }
  }
  std::rewind(out);
  std::string text;
  for (int c = std::fgetc(out); c != EOF; c = std::fgetc(out)) text += static_cast<char>(c);
  std::fclose(out);

  const auto first = text.substr(0, text.find('\n')), second = text.substr(text.find('\n') + 1);
  CHECK(first.starts_with("epoch  1/12  loss 1.0000  "));
  CHECK(first.find(" images/s ") != std::string::npos);
  CHECK(first.ends_with(" s"));
  CHECK(second.starts_with("epoch  2/12  loss 1.0000  "));
  CHECK(second.ends_with(" s  accuracy 0.912\n"));
  CHECK(text.find('\r') == std::string::npos);
}
