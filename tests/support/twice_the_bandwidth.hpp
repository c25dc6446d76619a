// The same fabric, only faster.
#pragma once

#include "transports/ub/model/profile.hpp"

namespace tutti::ub::test {

// Links, trunks, paths and memories have twice the bandwidth; latencies and costs of a piece of
// work stay.
inline Profile with_twice_the_bandwidth(Profile profile) {
  const auto twice = [](Decimal& value) { value = Decimal::of_units(2 * value.units()); };
  for (Network& network : profile.networks) {
    twice(network.link_GBps);
    if (network.trunk) twice(network.trunk->link_GBps);
  }
  for (Hop& hop : profile.hops) {
    for (PathCost& cost : hop.cost) twice(cost.bandwidth_GBps);
  }
  if (profile.software) {
    twice(profile.software->token_load_GBps);
    twice(profile.software->quantise_GBps);
    twice(profile.software->local_copy_GBps);
    twice(profile.software->reduce_GBps);
  }
  return profile;
}

}  // namespace tutti::ub::test
