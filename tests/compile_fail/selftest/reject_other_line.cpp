#ifdef FIXED
int number;
#else
int number = 1;  // expect: undeclared_word
int other = undeclared_word;
#endif
