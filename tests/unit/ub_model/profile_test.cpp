// Profiles: those that are built in, and every way in which a file can be wrong.
#include "transports/ub/model/profile.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "tests/support/complaint.hpp"
#include "traffic.hpp"
#include "tutti/error.hpp"

namespace tutti::ub::test {

namespace {

using tutti::test::complaint_of;

std::string complaint_about_text(const std::string& text) {
  return complaint_of([&] { parse_profile(text, "mine.json"); });
}

}  // namespace

TEST(Profile, EveryBuiltInOneIsGoodAndNamedAsItsFile) {
  ASSERT_EQ(profile_names().size(), 6U);
  for (const std::string_view name : profile_names()) {
    SCOPED_TRACE(name);
    const Profile profile = load_profile(std::string(name));
    EXPECT_EQ(profile.name, name);
    EXPECT_EQ(profile.hops.front().hop_class, HopClass::kSelf);
    for (const int level : profile.rank_levels) {
      const std::string& per = profile.levels[static_cast<std::size_t>(level)].name;
      const Topology topology(profile, {.ranks = 2, .per = per});
      EXPECT_GE(topology.hop(0, 1), 1);
    }
  }
}

TEST(Profile, CloudMatrixIsAsPublished) {
  const Profile profile = load_profile("cloudmatrix384");
  const int whole = static_cast<int>(profile.levels.size()) - 1;
  EXPECT_EQ(profile.units(0, whole), 768);
  EXPECT_EQ(profile.units(profile.node_level, whole), 48);
  const Network& bus = profile.networks[static_cast<std::size_t>(profile.network_named("bus"))];
  EXPECT_EQ(bus.planes, 7);
  EXPECT_EQ(bus.link_GBps, *Decimal::parse("28"));
  ASSERT_TRUE(bus.trunk.has_value());
  EXPECT_EQ(bus.trunk->links, 16);
  ASSERT_TRUE(profile.software.has_value());
  EXPECT_EQ(profile.software->cores, 48);
  ASSERT_EQ(profile.kernels.size(), 1U);
  const std::int64_t microbatch[] = {48};
  EXPECT_EQ(profile.kernels[0].time(microbatch), Picoseconds(600'000'000));
  EXPECT_EQ(profile.calibration.points.size(), 3U);
}

TEST(Profile, AFileIsFoundByItsPath) {
  const std::string path = testing::TempDir() + "ub_model_profile.json";
  std::ofstream(path) << with("ideal", "\"name\": \"ideal\"", "\"name\": \"mine\"");
  EXPECT_EQ(load_profile(path).name, "mine");
  std::remove(path.c_str());
  try {
    load_profile(path);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()),
              "no fabric profile '" + path +
                  "': neither one of ascend950-supernode, cloudmatrix384, cloudmatrix384-wire, "
                  "gb200-nvl72, h800-ib, ideal nor a readable file");
  }
}

// A piece of a built-in profile, what stands there instead, and the sentence.
TEST(Profile, AWrongFileGetsItsSentence) {
  struct Case {
    const char *profile, *piece, *by, *sentence;
  };
  const Case cases[] = {
      // JSON
      {"ideal", "{\n  \"name\"", "{ \"name\"; ", "mine.json: not JSON: byte 9, at '\"name\";'"},
      {"ideal", "\"about\"", "\"name\"", "mine.json: the field 'name' stands twice in one object"},
      // unknown, missing, wrong type
      {"ideal", "\"about\"", "\"abuot\": 1, \"about\"",
       "mine.json: /abuot: no such field; expected one of name, about, topology, networks, hops, "
       "software, kernels, faults, calibration"},
      {"ideal", "\"planes\": 1, ", "",
       "mine.json: /networks/0/planes: is missing; expected a whole number from 1 to 64"},
      {"ideal", "\"planes\": 1", "\"planes\": \"one\"",
       "mine.json: /networks/0/planes: expected a whole number from 1 to 64, found the text 'one'"},
      {"ideal", "\"planes\": 1", "\"planes\": 1.5",
       "mine.json: /networks/0/planes: expected a whole number from 1 to 64, found 1.5"},
      {"ideal", "\"spraying\": \"summed\"", "\"spraying\": \"sumed\"",
       "mine.json: /networks/0/spraying: expected one of summed, per_cell, message_hash, "
       "least_loaded, pinned, found the text 'sumed'"},
      {"ideal", "\"source\": \"none: any two ranks are equally far\",", "",
       "mine.json: /topology/source: is missing; expected a text that is not empty"},
      {"ideal", "\"ranks\": [\"rank\"]", "\"ranks\": []",
       "mine.json: /topology/ranks: expected at least one text, found an empty list"},
      {"ideal", "\"ranks\": [\"rank\"]", "\"ranks\": \"rank\"",
       "mine.json: /topology/ranks: expected a list of texts, found the text 'rank'"},
      {"cloudmatrix384", "\"cores\": {\"value\": 48, ", "\"cores\": {",
       "mine.json: /software/cores/value: is missing; expected a whole number from 1 to 65536"},
      {"cloudmatrix384", "{\"value\": 800,", "{\"value\": [800],",
       "mine.json: /software/local_copy_GBps/value: expected a number above 0, found a list"},
      // negative, zero, too exact
      {"ideal", "\"link_GBps\": 100000", "\"link_GBps\": -28",
       "mine.json: /networks/0/link_GBps: expected a number above 0, found -28"},
      {"ideal", "\"link_GBps\": 100000", "\"link_GBps\": 0",
       "mine.json: /networks/0/link_GBps: expected a number above 0, found 0"},
      {"ideal", "\"latency_ns\": 1,", "\"latency_ns\": -1,",
       "mine.json: /hops/1/read/latency_ns: expected a number of at least 0, found -1"},
      {"ideal", "\"latency_ns\": 1,", "\"latency_ns\": 1.0000000001,",
       "mine.json: /hops/1/read/latency_ns: expected a number of at least 0 below 10^9 with at "
       "most "
       "9 decimals, found 1.0000000001"},
      {"ideal", "\"bandwidth_GBps\": 100000", "\"bandwidth_GBps\": 0.0",
       "mine.json: /hops/0/read/bandwidth_GBps: expected a number above 0, found 0.0"},
      {"ideal", "\"count\": 8192", "\"count\": 0",
       "mine.json: /topology/levels/0/count: expected a whole number from 1 to 1048576, found 0"},
      {"cloudmatrix384", "\"operator_entry_ns\": {\"value\": 10000",
       "\"operator_entry_ns\": {\"value\": -1",
       "mine.json: /software/operator_entry_ns/value: expected a number of at least 0, found -1"},
      {"cloudmatrix384", "\"reduce_GBps\": {\"value\": 1600", "\"reduce_GBps\": {\"value\": 0",
       "mine.json: /software/reduce_GBps/value: expected a number above 0, found 0"},
      {"cloudmatrix384", "\"jitter_percent\": {\"value\": 0", "\"jitter_percent\": {\"value\": 101",
       "mine.json: /software/jitter_percent/value: expected a whole number from 0 to 100, found "
       "101"},
      {"cloudmatrix384", "\"flag_ns\"", "\"flags_ns\"",
       "mine.json: /software/flag_ns: is missing; expected an object"},
      {"cloudmatrix384", "\"flag_ns\"",
       "\"wait_ns\": {\"value\": 1, \"source\": \"s\"}, \"flag_ns\"",
       "mine.json: /software/wait_ns: no such field; expected one of cores, operator_entry_ns, "
       "core_sync_ns, row_issue_ns, flag_ns, count_ns, poll_ns, token_load_GBps, quantise_GBps, "
       "local_copy_GBps, reduce_GBps, jitter_percent"},
      {"cloudmatrix384",
       "\"poll_ns\": {\"value\": 1500, \"source\": \"fitted; a load from HBM that a core waits "
       "for\"}",
       "\"poll_ns\": {\"value\": 1500}",
       "mine.json: /software/poll_ns/source: is missing; expected a text that is not empty"},
      // contradictory
      {"cloudmatrix384", "\"bandwidth_GBps\": 167", "\"bandwidth_GBps\": 197",
       "mine.json: /hops/2/read/bandwidth_GBps: more than the 7 links of network 'bus' carry"},
      {"cloudmatrix384", "\"name\": \"rdma\"", "\"name\": \"bus\"",
       "mine.json: /networks/2/name: a second network 'bus'"},
      {"cloudmatrix384", "\"within\": \"node\"", "\"within\": \"package\"",
       "mine.json: /hops/2/within: a farther hop lies within a larger level"},
      {"cloudmatrix384", "\"class\": \"same_node\"", "\"class\": \"other_node\"",
       "mine.json: /hops/3/class: hops stand in order, nearest first, each class once"},
      {"cloudmatrix384", "\"within\": \"node\", \"network\": \"bus\"",
       "\"within\": \"node\", \"network\": \"ring\"",
       "mine.json: /hops/2/network: there is no network 'ring'"},
      {"cloudmatrix384", "\"ranks\": [\"die\"", "\"ranks\": [\"supernode\"",
       "mine.json: /topology/ranks: a 'supernode' is larger than a node"},
      {"cloudmatrix384", "\"field\": \"/software/core_sync_ns/value\"",
       "\"field\": \"/software/rows\"",
       "mine.json: /calibration/fitted/0/field: there is no number at '/software/rows' in this "
       "file"},
      // topology
      {"cloudmatrix384", "{\"name\": \"cluster\"}",
       "{\"name\": \"cluster\", \"inside\": \"die\", \"count\": 1}",
       "mine.json: /topology/levels: cyclic: every level is inside another, 'die' too"},
      {"cloudmatrix384", "\"inside\": \"node\", \"count\": 8", "\"inside\": \"die\", \"count\": 8",
       "mine.json: /topology/levels: cyclic: 'die' is inside itself, by way of 'package'"},
      {"cloudmatrix384", "\"inside\": \"supernode\", \"count\": 48",
       "\"inside\": \"die\", \"count\": 48",
       "mine.json: /topology/levels: cyclic: 'die' is inside itself, by way of 'package'"},
      {"cloudmatrix384", "\"name\": \"supernode\", \"inside\": \"cluster\", \"count\": 1",
       "\"name\": \"supernode\"",
       "mine.json: /topology/levels: disconnected: neither 'supernode' nor 'cluster' is inside "
       "another level"},
      {"cloudmatrix384", "\"inside\": \"supernode\", \"count\": 48",
       "\"inside\": \"row\", \"count\": 48",
       "mine.json: /topology/levels: disconnected: 'node' is inside 'row', which is no level"},
      {"cloudmatrix384", "\"inside\": \"package\", \"count\": 2",
       "\"inside\": \"node\", \"count\": 2",
       "mine.json: /topology/levels: expected a chain, found 'die' and 'package' both inside "
       "'node'"},
      {"cloudmatrix384", "{\"name\": \"cluster\"}", "{\"name\": \"cluster\", \"count\": 2}",
       "mine.json: /topology/levels/4/count: a level inside no other stands once"},
      {"ideal", "\"within\": \"fabric\"", "\"within\": \"rank\"",
       "mine.json: /hops/1/within: a farther hop lies within a larger level"},
      {"h800-ib", "\"within\": \"cluster\"", "\"within\": \"galaxy\"",
       "mine.json: /hops/2/within: there is no level 'galaxy'"},
      {"ideal", "\"count\": 8192", "\"count\": 1048577",
       "mine.json: /topology/levels/0/count: expected a whole number from 1 to 1048576, found "
       "1048577"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::Message() << c.profile << ": " << c.by);
    EXPECT_EQ(complaint_about_text(with(c.profile, c.piece, c.by)), c.sentence);
  }
}

TEST(Profile, ATopologyThatNoHopCrossesIsDisconnected) {
  std::string text = text_of("h800-ib");
  const std::size_t begin = text.find(",\n    {\n      \"class\": \"other_node\"");
  const std::size_t end = text.find("\n  ],\n  \"software\"");
  ASSERT_LT(begin, end);
  text.erase(begin, end - begin);
  EXPECT_EQ(complaint_about_text(text),
            "mine.json: /hops: disconnected: no hop leads through 'cluster'");
}

TEST(Profile, FaultsAreReadAndChecked) {
  const auto faults = [](const std::string& events) {
    return with("cloudmatrix384", "\"calibration\"",
                "\"faults\": {\"source\": \"s\", \"events\": [" + events + "]}, \"calibration\"");
  };
  const Profile profile =
      parse_profile(faults(R"({"kind": "plane", "at_ns": 5000, "network": "bus", "plane": 3},
                {"kind": "link", "at_ns": 0.5, "network": "bus", "plane": "any", "rank": "any"},
                {"kind": "slow_rank", "at_ns": 0, "rank": 7, "percent": 150})"),
                    "mine.json");
  ASSERT_EQ(profile.faults.size(), 3U);
  EXPECT_EQ(profile.faults[0].at, Picoseconds(5'000'000));
  EXPECT_EQ(profile.faults[0].plane, 3);
  EXPECT_EQ(profile.faults[1].rank, Fault::kAny);
  EXPECT_EQ(profile.faults[2].percent, 150);

  struct Case {
    const char *event, *sentence;
  };
  const Case cases[] = {
      {R"({"kind": "plane", "at_ns": 0, "network": "bus", "plane": 7})",
       "mine.json: /faults/events/0/plane: expected a whole number from 0 to 6, found 7"},
      {R"({"kind": "plane", "at_ns": 0, "network": "bus", "plane": "some"})",
       "mine.json: /faults/events/0/plane: expected one of any, found the text 'some'"},
      {R"({"kind": "port", "at_ns": 0, "network": "rdma", "plane": 0, "node": 0})",
       "mine.json: /faults/events/0/network: 'rdma' has no trunk whose port could fail"},
      {R"({"kind": "slow_link", "at_ns": 0, "network": "bus", "plane": 0, "rank": 0, "percent": 100})",
       "mine.json: /faults/events/0/percent: expected a whole number from 1 to 99, found 100"},
      {R"({"kind": "node", "at_ns": 0, "node": 0, "plane": 1})",
       "mine.json: /faults/events/0/plane: no such field; expected one of kind, at_ns, node"},
      {R"({"kind": "flood", "at_ns": 0})",
       "mine.json: /faults/events/0/kind: expected one of plane, link, port, node, rank, "
       "slow_link, "
       "slow_rank, found the text 'flood'"},
  };
  for (const Case& c : cases) EXPECT_EQ(complaint_about_text(faults(c.event)), c.sentence);
}

}  // namespace tutti::ub::test
