// Where the ranks of a test run. A matrix of calls is written once, as parametrized tests over
// worlds(), and linked with each program that defines them: thread_worlds.cpp, bus_worlds.cpp.
#pragma once

#include <tutti/tutti.h>

#include <cstddef>
#include <functional>
#include <ostream>
#include <span>

namespace tutti::test {

struct World {
  using Body = std::function<void(int rank, tuttiComm_t comm)>;

  const char* name;
  bool shared_words;          // Access::shared_words
  std::size_t largest_count;  // of elements that its matrices move: several chunks of staging
  // Runs `body` on every rank of a new communicator at once; returns when all are done. What fails
  // is a failure of the test.
  void (*run)(int ranks, const Body& body);
};

// Those of this program.
std::span<const World> worlds();

inline void PrintTo(const World& world, std::ostream* out) { *out << world.name; }

}  // namespace tutti::test
