#include "rows.hpp"

int main() { cases<1024>(); }
