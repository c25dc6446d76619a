// PATH=VALUE: what a run changes of a profile.
#include <gtest/gtest.h>

#include "tests/support/complaint.hpp"
#include "traffic.hpp"
#include "tutti/error.hpp"

namespace tutti::ub::test {

namespace {

using tutti::test::complaint_of;

using Settings = std::vector<std::string>;

const Network& bus(const Profile& profile) {
  return profile.networks[static_cast<std::size_t>(profile.network_named("bus"))];
}
Decimal decimal(const char* text) { return *Decimal::parse(text); }

std::string complaint_about_settings(const std::string& profile, const Settings& settings) {
  return complaint_of([&] { load_profile(profile, settings); });
}

const PathCost& write_cost(const Profile& profile, std::size_t hop) {
  return profile.hops[hop].cost[static_cast<std::size_t>(Direction::kWrite)];
}

}  // namespace

TEST(Settings, AFieldAloneIsEnoughWhereItIsClear) {
  const Profile profile =
      load_profile("cloudmatrix384", Settings{"cores=24", "row_issue_ns=0.25", "spraying=pinned"});
  EXPECT_EQ(profile.software->cores, 24);
  EXPECT_EQ(profile.software->row_issue_ns, decimal("0.25"));
  EXPECT_EQ(bus(profile).spraying, Spraying::kPinned);
  EXPECT_EQ(profile.networks[0].spraying, Spraying::kSummed);
}

// That is the network that joins most pairs of units.
TEST(Settings, ANetworksFieldAloneIsTheMainNetworks) {
  EXPECT_EQ(bus(load_profile("cloudmatrix384", Settings{"planes=6"})).planes, 6);
  const Profile h800 = load_profile("h800-ib", Settings{"link_GBps=25"});
  EXPECT_EQ(h800.networks[0].link_GBps, decimal("25"));
  EXPECT_EQ(h800.networks[1].name, "infiniband");
  EXPECT_EQ(h800.networks[1].link_GBps, decimal("25"));
}

TEST(Settings, LongerPathsGoByNamesOrPositions) {
  for (const char* path : {"die-to-die/link_GBps=540", "networks/die-to-die/link_GBps=540",
                           "/networks/0/link_GBps=540"}) {
    EXPECT_EQ(load_profile("cloudmatrix384", Settings{path}).networks[0].link_GBps, decimal("540"))
        << path;
  }
  const Profile profile =
      load_profile("cloudmatrix384", Settings{"other_node/write/latency_ns=999", "node/count=24",
                                              "/software/flag_ns=7", "/software/poll_ns/value=8"});
  EXPECT_EQ(write_cost(profile, 3).latency_ns, decimal("999"));
  EXPECT_EQ(profile.units(0, 4), 384);
  EXPECT_EQ(profile.software->flag_ns, decimal("7"));
  EXPECT_EQ(profile.software->poll_ns, decimal("8"));
}

// What was measured on 7 planes is 6 / 7 of it on 6: otherwise a plane less would cost nothing.
TEST(Settings, MeasuredBandwidthsKeepTheirProportionToTheLinks) {
  const Profile six = load_profile("cloudmatrix384", Settings{"planes=6"});
  EXPECT_EQ(write_cost(six, 3).bandwidth_GBps, decimal("115.714285714"));  // 135 * 6 / 7
  EXPECT_EQ(write_cost(six, 1).bandwidth_GBps, decimal("210")) << "of another network";
  EXPECT_EQ(bus(six).trunk->link_GBps, decimal("28"));
  EXPECT_EQ(bus(six).receive_buffer_bytes, 524288 * 6 / 7);

  const Profile twice = load_profile("cloudmatrix384", Settings{"link_GBps=56"});
  EXPECT_EQ(write_cost(twice, 3).bandwidth_GBps, decimal("270"));
  EXPECT_EQ(bus(twice).trunk->link_GBps, decimal("56"));
  EXPECT_FALSE(Topology(twice, {.ranks = 768}).trunk_limits(1));

  const Profile own = load_profile(
      "cloudmatrix384",
      Settings{"link_GBps=56", "trunk/link_GBps=28", "other_node/write/bandwidth_GBps=200"});
  EXPECT_EQ(write_cost(own, 3).bandwidth_GBps, decimal("200")) << "set, so not scaled";
  EXPECT_EQ(write_cost(own, 2).bandwidth_GBps, decimal("274"));
  EXPECT_TRUE(Topology(own, {.ranks = 768}).trunk_limits(1));
}

TEST(Settings, TheLaterOneCounts) {
  EXPECT_EQ(load_profile("cloudmatrix384", Settings{"cores=24", "cores=12"}).software->cores, 12);
}

TEST(Settings, AStragglerIsASlowRank) {
  const Profile profile = load_profile(
      "cloudmatrix384", Settings{"straggler=200", "straggler=7:150", "row_issue_ns=100"});
  ASSERT_EQ(profile.faults.size(), 2U);
  EXPECT_EQ(profile.faults[0].kind, Fault::Kind::kSlowRank);
  EXPECT_EQ(profile.faults[0].rank, Fault::kAny);
  EXPECT_EQ(profile.faults[0].percent, 200);
  EXPECT_EQ(profile.faults[1].rank, 7);
  EXPECT_EQ(profile.faults[1].percent, 150);
}

TEST(Settings, AFaultIsAnEventOfTheProfile) {
  const Profile profile =
      load_profile("cloudmatrix384", Settings{"fault=rank:at_ns=4000.5,rank=7", "straggler=200",
                                              "fault=link:at_ns=0,network=bus,rank=any,plane=3"});
  ASSERT_EQ(profile.faults.size(), 3U);
  EXPECT_EQ(profile.faults[0].kind, Fault::Kind::kRank);
  EXPECT_EQ(profile.faults[0].at, Picoseconds(4000500));
  EXPECT_EQ(profile.faults[0].rank, 7);
  EXPECT_EQ(profile.faults[2].kind, Fault::Kind::kLink);
  EXPECT_EQ(profile.faults[2].rank, Fault::kAny);
  EXPECT_EQ(profile.faults[2].plane, 3);
}

TEST(Settings, AWrongOneGetsItsSentence) {
  struct Case {
    const char* profile;
    Settings settings;
    const char* sentence;
  };
  const Case cases[] = {
      {"cloudmatrix384",
       {"planes"},
       "cloudmatrix384.json: the setting 'planes': expected PATH=VALUE"},
      {"cloudmatrix384", {"=6"}, "cloudmatrix384.json: the setting '=6': expected PATH=VALUE"},
      {"cloudmatrix384",
       {"planes="},
       "cloudmatrix384.json: the setting 'planes=': expected PATH=VALUE"},
      {"ideal",
       {"plains=6"},
       "ideal.json: the setting 'plains=6': there is no field 'plains'; its numbers are count, "
       "planes, link_GBps, latency_before_port_percent, receive_buffer_bytes, detection_ns, "
       "latency_ns, bandwidth_GBps; and there are straggler and fault"},
      {"cloudmatrix384",
       {"planes=six"},
       "cloudmatrix384.json: the setting 'planes=six': expected a number below 10^9 with at most 9 "
       "decimals, found 'six'"},
      {"ideal",
       {"latency_ns=6"},
       "ideal.json: the setting 'latency_ns=6': 'latency_ns' may be any of "
       "/hops/0/read/latency_ns, /hops/0/write/latency_ns, /hops/1/read/latency_ns, "
       "/hops/1/write/latency_ns"},
      {"cloudmatrix384",
       {"straggler=slow"},
       "cloudmatrix384.json: the setting 'straggler=slow': expected PERCENT of the time that "
       "others take, or RANK:PERCENT"},
      {"cloudmatrix384",
       {"fault=rank:at_ns"},
       "cloudmatrix384.json: the setting 'fault=rank:at_ns': expected KIND:FIELD=VALUE,..., found "
       "'at_ns'"},
      {"cloudmatrix384",
       {"fault=rank:rank=1,rank=2"},
       "cloudmatrix384.json: the setting 'fault=rank:rank=1,rank=2': 'rank' twice"},
      {"ideal",
       {"fault=fire"},
       "ideal.json with fault=fire: /faults/events/0/kind: expected one of plane, link, port, "
       "node, rank, slow_link, slow_rank, found the text 'fire'"},
      {"ideal",
       {"fault=rank:at_ns=5"},
       "ideal.json with fault=rank:at_ns=5: /faults/events/0/rank: is missing; "
       "expected a whole number from 0 to 1000000000"},
      // What the parser says of the changed document names the settings.
      {"cloudmatrix384",
       {"cores=24", "planes=0"},
       "cloudmatrix384.json with cores=24 planes=0: /networks/1/planes: expected a whole number "
       "from 1 to 64, found 0"},
      {"cloudmatrix384",
       {"link_GBps=-28"},
       "cloudmatrix384.json with link_GBps=-28: /networks/1/link_GBps: expected a number above 0, "
       "found -28"},
      {"cloudmatrix384",
       {"spraying=evenly"},
       "cloudmatrix384.json with spraying=evenly: /networks/1/spraying: expected one of summed, "
       "per_cell, message_hash, least_loaded, pinned, found the text 'evenly'"},
      {"cloudmatrix384",
       {"node/inside=die"},
       "cloudmatrix384.json with node/inside=die: /topology/levels: cyclic: 'die' is inside "
       "itself, by way of 'package'"},
      {"cloudmatrix384",
       {"other_node/read/bandwidth_GBps=197"},
       "cloudmatrix384.json with other_node/read/bandwidth_GBps=197: /hops/3/read/bandwidth_GBps: "
       "more than the 7 links of network 'bus' carry"},
      {"cloudmatrix384",
       {"straggler=0"},
       "cloudmatrix384.json with straggler=0: /faults/events/0/percent: expected a whole number "
       "from 1 to 10000, found 0"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(complaint_about_settings(c.profile, c.settings), c.sentence);
}

}  // namespace tutti::ub::test
