#include "rows.hpp"

int main() { cases<2048>(); }
