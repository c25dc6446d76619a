// The smallest program: every rank is a process, started by the launcher.
//
//   tutti-run -n 4 01_all_reduce
#include <stdio.h>
#include <stdlib.h>
#include <tutti/tutti.h>

// Every call returns a code; the sentence that goes with it is one call away.
#define CHECK(call)                                                \
  do {                                                             \
    const tuttiResult_t result = (call);                           \
    if (result != tuttiSuccess) {                                  \
      fprintf(stderr, "%s: %s\n", #call, tuttiGetLastError(comm)); \
      return EXIT_FAILURE;                                         \
    }                                                              \
  } while (0)

enum { kCount = 1000 };

int main(void) {
  tuttiComm_t comm = NULL;
  CHECK(tuttiCommInitWorld(&comm));
  int rank = 0, ranks = 0;
  CHECK(tuttiCommUserRank(comm, &rank));
  CHECK(tuttiCommCount(comm, &ranks));

  // NULL, the stream: run it here and return when the sum is in `values`. In place is allowed.
  float values[kCount];
  for (int i = 0; i < kCount; ++i) values[i] = (float)(rank + i);
  CHECK(tuttiAllReduce(values, values, kCount, tuttiFloat32, tuttiSum, comm, NULL));

  int wrong = 0;
  for (int i = 0; i < kCount; ++i) {
    const float expected = (float)(ranks * i + ranks * (ranks - 1) / 2);
    wrong += values[i] != expected;
  }
  printf("rank %d of %d: the sum of element 1 is %g, %d elements are wrong\n", rank, ranks,
         (double)values[1], wrong);

  CHECK(tuttiCommFinalize(comm));
  CHECK(tuttiCommDestroy(comm));
  return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
