// What the tests of the fabric model share: traffic, and a run of it with everything it did.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "transports/ub/model/bound_fabric.hpp"
#include "transports/ub/model/event_heap.hpp"
#include "transports/ub/model/fabric.hpp"

namespace tutti::ub::test {

// The levels with queues.
constexpr ModelLevel kQueueLevels[] = {ModelLevel::kMessage, ModelLevel::kCell};

struct Send {
  Picoseconds at{};
  Transfer transfer;  // its tag is set by run_traffic
};

// What happened to each transfer; by its position in the traffic.
struct Outcome {
  static constexpr Picoseconds kNever{-1};

  std::vector<Picoseconds> left;
  std::vector<Picoseconds> arrived;
  std::vector<Picoseconds> lost;
  Picoseconds last{};  // of the arrivals
  Picoseconds bound{};
  std::uint64_t events = 0;

  double last_us() const { return static_cast<double>(last.count()) / 1e6; }
};

// Traffic in order of time. Every transfer must arrive or be lost, once, after it left. `ahead`: a
// rank starts its writes up to so long before their time, together, as far as no read of its own
// comes between them.
Outcome run_traffic(const Topology& topology, const FabricOptions& options,
                    const std::vector<Send>& traffic, Picoseconds ahead = {});

// Every pair once, at time 0, `rank` to rank + 1, rank + 2, ...
std::vector<Send> all_to_all(int ranks, std::uint64_t bytes);

// The same, a node of 8 after the other, the own one first: the distance of a rank's k-th peer is
// the same for all ranks.
std::vector<Send> all_to_all_by_node(int ranks, std::uint64_t bytes);

// Rows of 1 B to 64 KiB between random ranks, in order of time over `span`.
std::vector<Send> random_traffic(int ranks, std::size_t transfers, Picoseconds span,
                                 std::uint64_t seed);

// The text of a built-in profile with one piece replaced; the piece must be there.
std::string with(const std::string& profile, const std::string& piece, const std::string& by);
std::string text_of(const std::string& profile);

}  // namespace tutti::ub::test
