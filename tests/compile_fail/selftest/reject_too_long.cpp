// lines: g++ 1 clang 1 nvcc 1
#ifdef FIXED
int number;
#else
int number = undeclared_word;  // expect: undeclared_word
#endif
