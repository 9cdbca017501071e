#include "rows.hpp"

int main() { cases<8192>(); }
