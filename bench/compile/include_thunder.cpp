#include <thunder/thunder.hpp>
