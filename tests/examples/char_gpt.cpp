// char_gpt in small: it learns, goes on from its checkpoint bit for bit after kill -9, and its caches change nothing.
#include <doctest/doctest.h>
#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>

#include "char_gpt/program.hpp"

using namespace char_gpt;
namespace {

inline constexpr dimensions tiny{.layers = 1, .heads = 2, .width = 16, .context = 12};

corpus small_text() {
  std::string s;
  for (int i = 0; i < 400; ++i) s += "the quick brown fox\n";
  return corpus(s);
}
struct scratch {
  std::filesystem::path folder = std::filesystem::temp_directory_path() / ("thunder-gpt-" + std::to_string(getpid()));
  scratch() { std::filesystem::create_directories(folder); }
  ~scratch() { std::filesystem::remove_all(folder); }
  std::string path(const char* name) const { return (folder / name).string(); }
};
std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}
constexpr optim::warmup_cosine rate{.peak = 1e-2, .warmup = 4, .steps = 20};
/// Trains up to a step, and saves every three steps.
void train(trainer<tiny>& t, std::int64_t until, const std::string& path) {
  while (t.steps_done() < until) {
    t.advance(rate(t.steps_done()));
    if (t.steps_done() % 3 == 0) t.save(path);
  }
}

}  // namespace

// First: a process that has used OpenMP's threads must not fork.
TEST_CASE("after kill -9 training goes on, bit for bit") {
  const scratch dir;
  const corpus text = small_text();
  const std::string path = dir.path("killed");
  if (const pid_t child = fork(); child == 0) {  // dies at step 11, when step 9 is the last that was saved
    trainer<tiny> t(text, 4, 7);
    train(t, 11, path);
    raise(SIGKILL);
  } else {
    int status = 0;
    waitpid(child, &status, 0);
    REQUIRE((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
  }
  if (const pid_t child = fork(); child == 0) {  // dies while it writes, again and again, what is there already
    trainer<tiny> t(text, 4, 7);
    t.resume(path);
    for (;;) t.save(path);
  } else {
    usleep(200'000);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
  }
  trainer<tiny> resumed(text, 4, 7), whole(text, 4, 7);
  resumed.resume(path);
  CHECK(resumed.steps_done() == 9);
  train(resumed, 20, path);
  resumed.save(path);
  train(whole, 20, dir.path("whole"));
  whole.save(dir.path("whole"));
  CHECK(bytes_of(path) == bytes_of(dir.path("whole")));
  CHECK(resumed.checkpoint() == whole.checkpoint());
}

TEST_CASE("it learns; token by token as all at once") {
  const corpus text = small_text();
  trainer<tiny> t(text, 8, 3);
  const double before = t.validate();
  CHECK(before == doctest::Approx(std::log(96.0)).epsilon(0.1));
  for (int i = 0; i < 60; ++i) t.advance(1e-2f);
  CHECK(t.validate() < 0.6 * before);

  // the loss again, from the logits of the program that generates
  generator<tiny> g(t.checkpoint());
  double sum = 0;
  for (int i = 0; i < tiny.context; ++i) {
    const float* logits = g.feed(text.validation[static_cast<std::size_t>(i)]);
    double all = 0;
    for (int k = 0; k < vocabulary; ++k) all += std::exp(static_cast<double>(logits[k]));
    sum += std::log(all) - static_cast<double>(logits[text.validation[static_cast<std::size_t>(i) + 1]]);
  }
  CHECK(sum / tiny.context == doctest::Approx(t.validate(1)).epsilon(1e-4));

  const sampling how{.temperature = 0.5, .top_k = 5, .key = 9};
  const auto written = generator<tiny>(t.checkpoint()).run("the ", 40, how);  // longer than the context
  CHECK(written.size() == 40);
  CHECK(generator<tiny>(t.checkpoint()).run("the ", 40, how) == written);
}

TEST_CASE("sampling") {
  float logits[vocabulary]{};
  logits[7] = 3, logits[9] = 2;
  CHECK(sample(logits, {.temperature = 0}, 0) == 7);
  int counts[vocabulary]{};
  for (int i = 0; i < 1000; ++i) ++counts[sample(logits, {.temperature = 1, .top_k = 2, .key = 5}, i)];
  CHECK(counts[7] + counts[9] == 1000);
  CHECK(counts[7] == doctest::Approx(731).epsilon(0.08));  // e / (e + 1)
}

TEST_CASE("a checkpoint of another model, and a text that is too short") {
  const scratch dir;
  const corpus text = small_text();
  state other;
  other.insert("w", tensor<float, 2>());
  thunder::save(other, dir.path("other"));
  trainer<tiny> t(text, 4, 7);
  CHECK_THROWS_WITH_AS(t.resume(dir.path("other")), doctest::Contains("is not of this model"), std::runtime_error);
  CHECK_THROWS_WITH_AS((trainer<tiny>(corpus("short"), 4, 7)), doctest::Contains("too short"), std::runtime_error);
}

namespace {

struct answer {
  int status;
  std::string out, err;
};
/// The program's main function, with these arguments.
answer call(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  arguments.insert(arguments.begin(), "char_gpt");
  for (auto& a : arguments) argv.push_back(a.data());
  std::ostringstream out, err;
  auto* const old_out = std::cout.rdbuf(out.rdbuf());
  auto* const old_err = std::cerr.rdbuf(err.rdbuf());
  const int status = run_program<tiny>(static_cast<int>(argv.size()), argv.data());
  std::cout.rdbuf(old_out), std::cerr.rdbuf(old_err);
  return {status, out.str(), err.str()};
}

}  // namespace

TEST_CASE("the program trains, goes on from its checkpoint, and writes") {
  const scratch dir;
  std::ofstream file(dir.path("text"));
  for (int i = 0; i < 400; ++i) file << "the quick brown fox\n";
  file.close();
  const std::vector<std::string> common{"--data", dir.path("text"), "--checkpoint", dir.path("weights"), "--batch", "2", "--every", "2", "--characters", "5"};
  auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), common.begin(), common.end());
    return call(more);
  };
  const answer first = with({"--steps", "4"});
  CHECK(first.err == "");
  CHECK(first.status == 0);
  CHECK(first.out.find("7600 characters to train on, 400 to validate") != std::string::npos);
  CHECK(first.out.find("validation loss over all of the held-out text: ") != std::string::npos);
  const answer second = with({"--steps", "5", "--prompt", "the "});
  CHECK(second.out.find("going on from step 4 of " + dir.path("weights")) != std::string::npos);
  const auto written = second.out.find("---\nthe ");
  REQUIRE(written != std::string::npos);
  CHECK(second.out.size() == written + 8 + 5 + 1);
  CHECK(with({"--steps", "5", "--prompt", "the "}).out.find("going on from step 5") != std::string::npos);
}

TEST_CASE("wrong arguments of the program") {
  CHECK(call({"--help"}).out.find("--checkpoint FILE") != std::string::npos);
  auto refused = [](std::vector<std::string> arguments, const char* words) {
    const answer a = call(std::move(arguments));
    return a.status == 1 && a.err == std::string("char_gpt: ") + words + "\n";
  };
  CHECK(refused({"--stops", "3"}, "there is no option --stops (see --help)"));
  CHECK(refused({"--steps"}, "the option --steps needs a value (see --help)"));
  CHECK(refused({"--steps", "many"}, "the option --steps needs a number, not 'many'"));
  CHECK(refused({"--batch", "0"}, "--batch and --every are at least 1, --steps and --warmup at least 0"));
}
