// Large all-reduce of ranks on several hosts: added up within each group first, so that a group
// sends one vector's worth over the network, not each of its ranks.
//
// Of g groups' ranks and k groups a group sends 2 (k - 1) / k of the vector, in all. Sums are added
// up in another order than everywhere else: by rank within a group, then by group. Partial sums and
// products of 16- and 8-bit floats are float, on the network too; what comes out is rounded once.
#pragma once

#include "channel/operation.hpp"
#include "collectives/request.hpp"

namespace tutti {

// How a vector is cut: into chunks of a piece for each member of a group, and a piece into parts,
// one for each group. Counts of elements.
struct TwoLevelPlan {
  static constexpr std::size_t kGrain = 64;  // pieces and parts begin on lines, whatever the type
  std::size_t piece = 0;                     // the longest; 0: staging is too small
  std::size_t part = 0;                      // the longest
  std::size_t chunk = 0;
  std::size_t chunks = 0;
  std::size_t partial_bytes = 0;  // of an element that only a group has added up
};
TwoLevelPlan two_level_plan(const Request& request, int ranks, int group, std::size_t slot_bytes);
// Can it run? Steps are counted in 16 bits.
bool fits(const TwoLevelPlan& plan);

void two_level(const Operation& operation, const Request& request, int group);

}  // namespace tutti
