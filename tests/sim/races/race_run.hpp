// A small world that runs a scenario on a hostile bus, with somebody who looks for races.
#pragma once

#include <tutti/tutti.h>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "transports/ub/bus/simulation.hpp"

namespace tutti::test {

// Memory of one run. It outlives the ranks: what goes wrong in a run that lacks synchronisation
// must not read or write what has been freed.
class RunMemory {
 public:
  RunMemory() = default;
  ~RunMemory();
  RunMemory(const RunMemory&) = delete;
  RunMemory& operator=(const RunMemory&) = delete;

  // Zeroed. `shared`: of the library's heap.
  std::byte* take(std::size_t bytes, bool shared);

 private:
  std::deque<std::vector<std::byte>> plain_;
  std::vector<void*> shared_;
};

struct RankOfRun {
  int rank;
  int ranks;
  tuttiComm_t comm;
  RunMemory& memory;
};

// What a rank does. It throws std::runtime_error when a call fails or bytes are wrong.
using RaceBody = std::function<void(RankOfRun&)>;

struct Scenario {
  std::string name;
  int ranks = 4;
  std::string algorithm;  // TUTTI_ALGO; empty: the library's choice
  RaceBody body;

  std::string test_name() const;  // the name in letters, digits and underscores
};

const std::vector<Scenario>& scenarios();

// Throws if `result` is no success.
void must(tuttiResult_t result, tuttiComm_t comm = nullptr);

struct RunOutcome {
  std::string found;  // the first that went wrong; empty: nothing
  std::uint64_t races = 0;
  std::uint64_t arrivals = 0;
};

// Everything is different with another seed: whose turn it is at equal times, how long work takes,
// how far a rank is behind.
RunOutcome run_scenario(const Scenario& scenario, std::uint64_t seed,
                        ub::SyncFilter* filter = nullptr);

}  // namespace tutti::test
