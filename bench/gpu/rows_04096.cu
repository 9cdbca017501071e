#include "rows.hpp"

int main(int argc, char** argv) { return timing::report(argc, argv, cases<4096>); }
