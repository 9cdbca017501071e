#include "rows.hpp"

int main() { cases<4096>(); }
