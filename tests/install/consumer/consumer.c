// A user of the C API, installed.
#include <tutti/moe.h>
#include <tutti/tutti.h>

int main(void) {
  int version = 0;
  return tuttiGetVersion(&version) == tuttiSuccess && version == TUTTI_VERSION_CODE ? 0 : 1;
}
