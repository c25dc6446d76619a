// Planes, and how traffic is spread over them.
#include <gtest/gtest.h>

#include "traffic.hpp"

namespace tutti::ub::test {

namespace {

constexpr std::uint64_t kBlock = 7 << 20;

// Time of `count` large writes from rank 0 to rank 8, at once, without the latency.
double us(Spraying spraying, int count, ModelLevel level = ModelLevel::kMessage) {
  const Topology topology(load_profile("cloudmatrix384-wire"), {.ranks = 16});
  const std::vector<Send> traffic(static_cast<std::size_t>(count),
                                  {.transfer = {.rank = 0, .peer = 8, .bytes = kBlock}});
  return run_traffic(topology, {.level = level, .spraying = spraying}, traffic).last_us() - 1.9;
}

double whole_port_us(int count) { return count * static_cast<double>(kBlock) / 392e3; }

}  // namespace

TEST(Spraying, OneFlowHasAllPlanesOnlyWhereItIsSpread) {
  for (const ModelLevel level : {ModelLevel::kMessage, ModelLevel::kCell}) {
    SCOPED_TRACE(static_cast<int>(level));
    const double whole = whole_port_us(1);
    EXPECT_NEAR(us(Spraying::kSummed, 1, level), whole, 0.01 * whole);
    EXPECT_NEAR(us(Spraying::kPerCell, 1, level), whole, 0.01 * whole);
    for (const Spraying spraying :
         {Spraying::kMessageHash, Spraying::kLeastLoaded, Spraying::kPinned}) {
      EXPECT_NEAR(us(spraying, 1, level), 7 * whole, 0.07 * whole);
    }
  }
}

TEST(Spraying, LeastLoadedUsesEveryPlaneOnceHashDoesNot) {
  for (const ModelLevel level : {ModelLevel::kMessage, ModelLevel::kCell}) {
    SCOPED_TRACE(static_cast<int>(level));
    EXPECT_NEAR(us(Spraying::kLeastLoaded, 7, level), whole_port_us(7), 0.01 * whole_port_us(7));
    EXPECT_GE(us(Spraying::kMessageHash, 7, level), 1.9 * whole_port_us(7));
    EXPECT_NEAR(us(Spraying::kPinned, 7, level), 7 * whole_port_us(7), 0.07 * whole_port_us(7));
  }
}

TEST(Spraying, ManyHashedMessagesFillThePlanesEvenly) {
  const double whole = whole_port_us(1400);
  EXPECT_LE(us(Spraying::kMessageHash, 1400), 1.2 * whole);
  EXPECT_GE(us(Spraying::kMessageHash, 1400), whole);
}

// Sixteen dies share half the uplinks: what leaves the node takes twice as long, what stays does
// not.
TEST(Trunks, AnOversubscribedNodeHoldsUpWhatLeavesIt) {
  const Profile thin =
      parse_profile(with("cloudmatrix384-wire", "\"links\": 16", "\"links\": 8"), "thin.json");
  const Topology topology(thin, {.ranks = 16});
  const auto shifted = [&](int shift, ModelLevel level, Spraying spraying) {
    std::vector<Send> traffic;
    for (int rank = 0; rank < 8; ++rank) {
      const int peer = shift == 8 ? rank + 8 : (rank + shift) % 8;
      traffic.push_back({.transfer = {.rank = rank, .peer = peer, .bytes = kBlock}});
    }
    return run_traffic(topology, {.level = level, .spraying = spraying}, traffic).last_us();
  };
  const double whole = whole_port_us(1);
  for (const ModelLevel level : {ModelLevel::kMessage, ModelLevel::kCell}) {
    EXPECT_NEAR(shifted(1, level, Spraying::kSummed) - 1.2, whole, 0.02 * whole);
    EXPECT_NEAR(shifted(8, level, Spraying::kSummed) - 1.9, 2 * whole, 0.02 * whole);
  }
  EXPECT_NEAR(shifted(8, ModelLevel::kCell, Spraying::kPerCell) - 1.9, 2 * whole, 0.04 * whole);
}

// Two dies of other nodes, both pinned to plane 0, send into one node. Link 0 of the plane is the
// port of one L2 chip down to that node, link 1 that of another chip.
TEST(Trunks, MessagesOfTwoNodesMeetInAnL2Chip) {
  const Topology topology(load_profile("cloudmatrix384-wire"), {.ranks = 128, .per = "die"});
  const double plane_us = static_cast<double>(kBlock) / 28e3;
  const auto pair_us = [&](int other, int its_peer, ModelLevel level) {
    const std::vector<Send> traffic = {
        {.transfer = {.rank = 0, .peer = 16, .bytes = kBlock}},
        {.transfer = {.rank = other, .peer = its_peer, .bytes = kBlock}}};
    return run_traffic(topology, {.level = level, .spraying = Spraying::kPinned}, traffic)
               .last_us() -
           1.9;
  };
  for (const ModelLevel level : {ModelLevel::kMessage, ModelLevel::kCell}) {
    SCOPED_TRACE(static_cast<int>(level));
    EXPECT_NEAR(pair_us(112, 18, level), 2 * plane_us, 0.02 * plane_us) << "plane 0, link 0 too";
    EXPECT_NEAR(pair_us(119, 18, level), plane_us, 0.02 * plane_us) << "plane 0, link 1";
    EXPECT_NEAR(pair_us(113, 18, level), plane_us, 0.02 * plane_us) << "plane 1";
    EXPECT_NEAR(pair_us(112, 34, level), plane_us, 0.02 * plane_us) << "another node";
  }
}

// Up from one node: sixteen dies have sixteen links a plane. Pinned ones take them in turn, the
// least loaded is free, a hash hits some link twice.
TEST(Trunks, UplinksAreChosenAsPlanesAre) {
  const Topology topology(load_profile("cloudmatrix384-wire"), {.ranks = 64, .per = "die"});
  const double plane_us = static_cast<double>(kBlock) / 28e3;
  const auto shifted = [&](ModelLevel level, Spraying spraying) {
    std::vector<Send> traffic;
    traffic.reserve(16);
    for (int rank = 0; rank < 16; ++rank) {
      traffic.push_back({.transfer = {.rank = rank, .peer = rank + 32, .bytes = kBlock}});
    }
    return run_traffic(topology, {.level = level, .spraying = spraying}, traffic).last_us() - 1.9;
  };
  for (const ModelLevel level : {ModelLevel::kMessage, ModelLevel::kCell}) {
    SCOPED_TRACE(static_cast<int>(level));
    EXPECT_NEAR(shifted(level, Spraying::kPinned), plane_us, 0.02 * plane_us);
    EXPECT_NEAR(shifted(level, Spraying::kLeastLoaded), plane_us, 0.02 * plane_us);
  }
}

}  // namespace tutti::ub::test
