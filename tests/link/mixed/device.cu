#include "programs.hpp"

std::vector<float> from_cu() { return run_mixed(); }
