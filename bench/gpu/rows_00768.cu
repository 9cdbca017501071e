#include "rows.hpp"

int main() { cases<768>(); }
