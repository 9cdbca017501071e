#include "programs.hpp"

std::vector<float> from_cpp() { return run_mixed(); }
