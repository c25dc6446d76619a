// What a part of a run asks of the busiest port.
#include "transports/ub/model/port_sums.hpp"

#include <gtest/gtest.h>

namespace tutti::ub {
namespace {

// Dies 0 and 1 share a package, 2 is in the same node.
class PortSumsOfThree : public testing::Test {
 protected:
  Picoseconds time(int rank, int peer, Direction direction, std::uint64_t bytes) const {
    return topology.path(rank, peer, direction).port.time(bytes);
  }
  void add(int rank, int peer, Direction direction, std::uint64_t bytes) {
    sums.add({.rank = rank, .peer = peer, .direction = direction, .bytes = bytes});
  }

  Topology topology{load_profile("cloudmatrix384"), {.ranks = 4, .per = "die"}};
  PortSums sums{topology};
};

TEST_F(PortSumsOfThree, ManyIntoOneAddUpAtItsIngress) {
  add(0, 2, Direction::kWrite, 1'000'000);
  add(1, 2, Direction::kWrite, 1'000'000);
  EXPECT_EQ(sums.busiest(), 2 * time(0, 2, Direction::kWrite, 1'000'000));
}

TEST_F(PortSumsOfThree, AReadLeavesTheOwnersPort) {
  add(0, 2, Direction::kRead, 1'000'000);
  add(1, 2, Direction::kRead, 1'000'000);
  EXPECT_EQ(sums.busiest(), 2 * time(0, 2, Direction::kRead, 1'000'000));
}

TEST_F(PortSumsOfThree, BothWaysAndOtherNetworksAreOtherPorts) {
  add(0, 2, Direction::kWrite, 1'000'000);
  add(2, 0, Direction::kWrite, 1'000'000);
  add(0, 1, Direction::kWrite, 1'000);
  add(0, 0, Direction::kWrite, 1'000);
  EXPECT_EQ(sums.busiest(), time(0, 2, Direction::kWrite, 1'000'000));
  sums.clear();
  EXPECT_EQ(sums.busiest(), Picoseconds::zero());
}

}  // namespace
}  // namespace tutti::ub
