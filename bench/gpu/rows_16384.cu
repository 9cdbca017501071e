#include "rows.hpp"

int main() { cases<16384>(); }
