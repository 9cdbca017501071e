#ifdef FIXED
int first, second;
#else
int first = undeclared_word;  // expect: undeclared_word
int second = another_word;
#endif
