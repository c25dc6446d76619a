// Ranks placed in a fabric.
#include "transports/ub/model/topology.hpp"

#include <gtest/gtest.h>

#include "tests/support/complaint.hpp"
#include "traffic.hpp"
#include "tutti/error.hpp"

namespace tutti::ub::test {

namespace {

using tutti::test::complaint_of;

HopClass hop_class(const Topology& topology, int a, int b) {
  return topology.profile().hops[static_cast<std::size_t>(topology.hop(a, b))].hop_class;
}

std::string complaint_about_placement(const std::string& profile, const RankPlacement& placement) {
  return complaint_of([&] { Topology topology(load_profile(profile), placement); });
}

}  // namespace

TEST(Topology, HopClassesOfDies) {
  const Topology topology(load_profile("cloudmatrix384"), {.ranks = 768});
  EXPECT_EQ(hop_class(topology, 5, 5), HopClass::kSelf);
  EXPECT_EQ(hop_class(topology, 4, 5), HopClass::kSiblingDie);
  EXPECT_EQ(hop_class(topology, 5, 6), HopClass::kSameNode);
  EXPECT_EQ(hop_class(topology, 0, 15), HopClass::kSameNode);
  EXPECT_EQ(hop_class(topology, 15, 16), HopClass::kOtherNode);
  EXPECT_EQ(hop_class(topology, 767, 0), HopClass::kOtherNode);
  EXPECT_EQ(topology.nodes(), 48);
}

TEST(Topology, APackageHasTheBandwidthOfItsDies) {
  const Topology dies(load_profile("cloudmatrix384"), {.ranks = 768});
  const Topology packages(load_profile("cloudmatrix384"), {.ranks = 384, .per = "package"});
  EXPECT_EQ(hop_class(packages, 0, 1), HopClass::kSameNode);
  EXPECT_EQ(hop_class(packages, 7, 8), HopClass::kOtherNode);
  const FabricPath& die = dies.path(0, 16, Direction::kWrite);
  const FabricPath& package = packages.path(0, 8, Direction::kWrite);
  EXPECT_EQ(package.port, die.port.scaled(2, 1));
  EXPECT_EQ(package.before_port + package.flight, Picoseconds(2'100'000));
}

TEST(Topology, AnySubsetOfNodes) {
  const Topology topology(load_profile("cloudmatrix384"),
                          {.ranks = 17, .per = "package", .nodes = {40, 2, 7}});
  EXPECT_EQ(topology.nodes(), 3);
  EXPECT_EQ(topology.node_of(16), 2);
  EXPECT_EQ(hop_class(topology, 0, 7), HopClass::kSameNode);
  EXPECT_EQ(hop_class(topology, 7, 8), HopClass::kOtherNode);
}

TEST(Topology, SeveralSupernodesMeetOnTheRdmaPlane) {
  const Profile profile =
      parse_profile(with("cloudmatrix384", "\"inside\": \"cluster\", \"count\": 1",
                         "\"inside\": \"cluster\", \"count\": 2"),
                    "two.json");
  const Topology topology(profile, {.ranks = 768, .per = "package"});
  EXPECT_EQ(hop_class(topology, 0, 383), HopClass::kOtherNode);
  EXPECT_EQ(hop_class(topology, 383, 384), HopClass::kOtherSupernode);
  EXPECT_EQ(topology.path(0, 384, Direction::kWrite).network, profile.network_named("rdma"));
}

TEST(Topology, H800NodesMeetOnInfiniBandAndNvl72IsOneLevel) {
  const Topology h800(load_profile("h800-ib"), {.ranks = 32});
  EXPECT_EQ(hop_class(h800, 0, 7), HopClass::kSameNode);
  EXPECT_EQ(hop_class(h800, 7, 8), HopClass::kOtherNode);
  EXPECT_NE(h800.path(0, 7, Direction::kRead).network, h800.path(7, 8, Direction::kRead).network);
  const Topology nvl72(load_profile("gb200-nvl72"), {.ranks = 72});
  EXPECT_EQ(hop_class(nvl72, 0, 71), HopClass::kSameNode);
}

TEST(Topology, TrunksOfCloudMatrixNeverHoldTrafficUp) {
  const Profile profile = load_profile("cloudmatrix384");
  const int bus = profile.network_named("bus");
  EXPECT_FALSE(Topology(profile, {.ranks = 768}).trunk_limits(bus));
  EXPECT_FALSE(Topology(profile, {.ranks = 384, .per = "package"}).trunk_limits(bus));
  const Profile thin =
      parse_profile(with("cloudmatrix384", "\"links\": 16", "\"links\": 8"), "thin");
  EXPECT_TRUE(Topology(thin, {.ranks = 768}).trunk_limits(bus));
  EXPECT_FALSE(Topology(thin, {.ranks = 8}).trunk_limits(bus));
}

TEST(Topology, WhatAFabricDoesNotHave) {
  EXPECT_EQ(complaint_about_placement("cloudmatrix384", {.ranks = 769}),
            "48 nodes of fabric 'cloudmatrix384' take 1 to 768 ranks, not 769");
  EXPECT_EQ(complaint_about_placement("cloudmatrix384", {.ranks = 385, .per = "package"}),
            "48 nodes of fabric 'cloudmatrix384' take 1 to 384 ranks, not 385");
  EXPECT_EQ(
      complaint_about_placement("cloudmatrix384", {.ranks = 17, .per = "package", .nodes = {3, 4}}),
      "2 nodes of fabric 'cloudmatrix384' take 1 to 16 ranks, not 17");
  EXPECT_EQ(complaint_about_placement("cloudmatrix384", {.ranks = 0}),
            "48 nodes of fabric 'cloudmatrix384' take 1 to 768 ranks, not 0");
  EXPECT_EQ(complaint_about_placement("cloudmatrix384", {.per = "core"}),
            "on fabric 'cloudmatrix384' a rank is one of die, package, not 'core'");
  EXPECT_EQ(complaint_about_placement("cloudmatrix384", {.nodes = {48}}),
            "fabric 'cloudmatrix384' has nodes 0 to 47, not 48");
  EXPECT_EQ(complaint_about_placement("cloudmatrix384", {.nodes = {1, 1}}),
            "node 1 is chosen twice");
}

}  // namespace tutti::ub::test
