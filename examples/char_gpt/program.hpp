#pragma once
/// The program for a model of any size: its options, training with checkpoints, and the text that it writes.
#include <filesystem>
#include <iostream>

#include "../shared/progress.hpp"
#include "generate.hpp"
#include "train.hpp"

namespace char_gpt {

inline constexpr const char* usage =
    "char_gpt [--data FILE] [--steps N] [--batch N] [--rate X] [--warmup N] [--every N] [--seed N] [--checkpoint FILE]\n"
    "         [--prompt TEXT] [--characters N] [--temperature X] [--top-k N] [--sample-key N]\n"
    "--checkpoint: written every N steps (--every) and at the end; training goes on from it if it is there\n";

struct options {
  std::string data = default_text, checkpoint, prompt = "\n";
  int steps = 1500, batch = 16, every = 150, warmup = 100, characters = 600;
  double rate = 2e-3;
  std::int64_t seed = 42;
  sampling how;
  bool help = false;
};

inline options parse(int argc, char** argv) {
  options o;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--help") {
      o.help = true;
      return o;
    }
    if (i + 1 == argc) throw std::runtime_error("the option " + flag + " needs a value (see --help)");
    const std::string value = argv[++i];
    try {
      if (flag == "--data") o.data = value;
      else if (flag == "--checkpoint") o.checkpoint = value;
      else if (flag == "--prompt") o.prompt = value;
      else if (flag == "--steps") o.steps = std::stoi(value);
      else if (flag == "--batch") o.batch = std::stoi(value);
      else if (flag == "--every") o.every = std::stoi(value);
      else if (flag == "--warmup") o.warmup = std::stoi(value);
      else if (flag == "--characters") o.characters = std::stoi(value);
      else if (flag == "--rate") o.rate = std::stod(value);
      else if (flag == "--seed") o.seed = std::stoll(value);
      else if (flag == "--temperature") o.how.temperature = std::stod(value);
      else if (flag == "--top-k") o.how.top_k = std::stoi(value);
      else if (flag == "--sample-key") o.how.key = std::stoll(value);
      else throw std::runtime_error("there is no option " + flag + " (see --help)");
    } catch (const std::logic_error&) {
      throw std::runtime_error("the option " + flag + " needs a number, not '" + value + "'");
    }
  }
  if (o.batch < 1 || o.every < 1 || o.steps < 0 || o.warmup < 0) throw std::runtime_error("--batch and --every are at least 1, --steps and --warmup at least 0");
  return o;
}

template <dimensions S> void run(const options& o) {
  const corpus text(read_text(o.data));
  trainer<S> training(text, o.batch, o.seed);
  if (!o.checkpoint.empty() && std::filesystem::exists(o.checkpoint)) {
    training.resume(o.checkpoint);
    std::cout << "going on from step " << training.steps_done() << " of " << o.checkpoint << '\n';
  }
  std::cout << text.train.size() << " characters to train on, " << text.validation.size() << " to validate; parameters and moments: "
            << training.checkpoint().bytes() / 1024 << " KiB\n";

  const optim::warmup_cosine rate{.peak = o.rate, .floor = o.rate / 10, .warmup = o.warmup, .steps = o.steps};
  const int tokens = o.batch * S.context, rounds = (o.steps + o.every - 1) / o.every;
  examples::progress bar(rounds, double{1} * o.every * tokens, {"round", "characters", static_cast<int>(training.steps_done()) / o.every});
  while (training.steps_done() < o.steps) {
    bar.begin_epoch();
    do bar.advance(tokens, static_cast<double>(training.advance(rate(training.steps_done())).loss));
    while (training.steps_done() % o.every != 0 && training.steps_done() < o.steps);
    if (!o.checkpoint.empty()) training.save(o.checkpoint);
    char note[64];
    std::snprintf(note, sizeof note, "step %lld  validation %.4f", static_cast<long long>(training.steps_done()), training.validate(16 * 16));
    bar.end_epoch(note);
  }
  if (o.steps > 0) std::cout << "validation loss over all of the held-out text: " << training.validate() << " nats a character\n";
  if (o.characters > 0) std::cout << "---\n" << o.prompt << generator<S>(training.checkpoint()).run(o.prompt, o.characters, o.how) << '\n';
}

/// What main does: the exit status, and a sentence about what went wrong.
template <dimensions S> int run_program(int argc, char** argv) {
  try {
    const options o = parse(argc, argv);
    if (o.help) std::cout << usage;
    else run<S>(o);
    return 0;
  } catch (const std::exception& e) {
    std::cerr << "char_gpt: " << e.what() << '\n';
    return 1;
  }
}

}  // namespace char_gpt
