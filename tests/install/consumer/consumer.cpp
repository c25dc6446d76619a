// A user of the C++ facade, installed.
#include <tutti/tutti.hpp>

int main() {
  int version = 0;
  return tuttiGetVersion(&version) == tuttiSuccess && version == TUTTI_VERSION_CODE ? 0 : 1;
}
