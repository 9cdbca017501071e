// The comment may stand on the line above.
// lines: g++ 3 clang 4 nvcc 6
#ifdef FIXED
int number = 1;
#else
// expect: undeclared_word
int number = undeclared_word;
#endif
