// A sentence in a static_assert, two calls below the user's line.
template <class T> void inner(T) { static_assert(sizeof(T) == 8, "twice: the argument must be a double"); }
template <class T> void twice(T value) { inner(value); }

void user() {
#ifdef FIXED
  twice(1.0);
#else
  twice(1.0f);  // expect: twice: the argument must be a double
#endif
}
