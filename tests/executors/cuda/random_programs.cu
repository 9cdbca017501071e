// Random programs on the GPU, six of them. CMake's THUNDER_RANDOM_PROGRAMS asks for more, in files of eight (random_programs.cu.in).
#include "random_programs.hpp"

TEST_CASE("random programs") { random_programs::check_on_device<0, 6>(); }
