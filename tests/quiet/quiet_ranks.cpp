// Two ranks in processes that make one call N times between two marks, for system_calls_test to run
// under strace: quiet_ranks CALL N. A mark is a write to a descriptor that does not exist.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/quiet/calls.hpp"
#include "tests/support/process_world.hpp"

namespace {

void mark(const char (&text)[6]) {
  if (::write(-1, text, 5) >= 0) std::abort();
}

int run(const std::string& name, int count, tuttiComm_t comm) {
  const auto call = tutti::test::make_call(name, comm);
  if (call == nullptr) return 2;
  for (int i = 0; i < 200; ++i) {
    if ((*call)() != tuttiSuccess) return 3;
  }
  mark("begin");
  for (int i = 0; i < count; ++i) {
    if ((*call)() != tuttiSuccess) return 4;
  }
  mark("ended");
  return tuttiCommDestroy(comm) == tuttiSuccess ? 0 : 5;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  const std::string name = argv[1];
  const int count = std::atoi(argv[2]);
  tutti::test::ProcessWorld world(2, 60'000,
                                  [&](int, tuttiComm_t comm) { return run(name, count, comm); });
  const int first = world.wait(0);
  const int second = world.wait(1);
  if (first != 0 || second != 0) std::fprintf(stderr, "ranks ended with %d, %d\n", first, second);
  return first == 0 && second == 0 ? 0 : 1;
}
