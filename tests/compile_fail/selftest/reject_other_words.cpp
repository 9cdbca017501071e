// The words stand in the comment alone, which compilers show with the line.
#ifdef FIXED
int number;
#else
int number = undeclared_word;  // expect: the number is wrong
#endif
