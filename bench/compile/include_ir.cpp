#include <thunder/ir.hpp>
