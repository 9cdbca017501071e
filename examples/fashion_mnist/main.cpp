// Trains a multi-layer perceptron on the 60,000 images of Fashion-MNIST and tests it on the other 10,000, on the CPU or a GPU.
//
// The whole training step (loss, gradient, clipping, optimizer) is one program (train.hpp); its parameters and the optimizer's moments
// live in one state, which the program updates in place.
#include "train.hpp"

using fashion_mnist::options;

options parse(int argc, char** argv) {
  options o;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--help") {
      std::cout << "fashion_mnist [--data FOLDER] [--epochs N] [--batch N] [--rate X] [--seed N] [--plot FILE.png] [--device cpu|cuda]\n";
      std::exit(0);
    }
    if (i + 1 == argc) throw std::runtime_error("the option " + flag + " needs a value (see --help)");
    const std::string value = argv[++i];
    try {
      if (flag == "--data") o.folder = value;
      else if (flag == "--plot") o.plot = value;
      else if (flag == "--device" && (value == "cpu" || value == "cuda")) o.cuda = value == "cuda";
      else if (flag == "--device") throw std::runtime_error("--device is cpu or cuda, not '" + value + "'");
      else if (flag == "--epochs") o.epochs = std::stoi(value);
      else if (flag == "--batch") o.batch = std::stoi(value);
      else if (flag == "--rate") o.rate = std::stof(value);
      else if (flag == "--seed") o.seed = std::stoll(value);
      else throw std::runtime_error("there is no option " + flag + " (see --help)");
    } catch (const std::logic_error&) {
      throw std::runtime_error("the option " + flag + " needs a number, not '" + value + "'");
    }
  }
  if (o.epochs < 1 || o.batch < 1) throw std::runtime_error("--epochs and --batch are at least 1");
  return o;
}

void run(const options& o) {
  if (!o.cuda) return fashion_mnist::run<thunder::device::cpu>(o);
#ifdef EXAMPLE_CUDA
  fashion_mnist::run_on_cuda(o);
#else
  throw std::runtime_error("this program was built without CUDA: install nvcc and build again, or leave --device out");
#endif
}

int main(int argc, char** argv) {
  try {
    run(parse(argc, argv));
    return 0;
  } catch (const std::exception& e) {
    std::cerr << "fashion_mnist: " << e.what() << '\n';
    return 1;
  }
}
