// Trains a small GPT on 4 MB of text, character by character, and lets it write.
//
// The whole training step (loss, gradient, clipping, optimizer) is one program, and so is a step of generation (model.hpp). Training can be
// killed at any time and goes on from its checkpoint, bit for bit (train.hpp).
#include "program.hpp"

int main(int argc, char** argv) { return char_gpt::run_program<{.layers = 4, .heads = 4, .width = 128, .context = 128}>(argc, argv); }
