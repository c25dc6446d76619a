// What holds whatever comes: ends the program where it does not.
#pragma once

#include <cstdio>
#include <cstdlib>

#define TUTTI_DEMAND(condition)                                                \
  do {                                                                         \
    if (!(condition)) {                                                        \
      std::fprintf(stderr, "%s:%d: not %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                            \
    }                                                                          \
  } while (false)
