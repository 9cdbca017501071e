#ifdef FIXED
int number = another_word;
#else
int number = undeclared_word;  // expect: undeclared_word
#endif
