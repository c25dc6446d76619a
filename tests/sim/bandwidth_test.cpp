// What bandwidth does to our own algorithms: with twice of it the one that is chosen is at most 1 %
// slower, and no call takes less than the busiest port needs for its bytes.
#include <gtest/gtest.h>

#include <map>

#include "perf/selection/race.hpp"
#include "tests/support/bus_world.hpp"
#include "tests/support/scale.hpp"
#include "tests/support/thread_world.hpp"
#include "tests/support/twice_the_bandwidth.hpp"

namespace tutti::test {
namespace {

constexpr double kPercent = 1;
// Of an algorithm that was not chosen. An exchange of 1000 B between 64 ranks of cloudmatrix384
// takes 17.78 us and, with twice the bandwidth, 19.05 us.
constexpr double kPercentOfLosers = 8;
constexpr OperationKind kKinds[] = {
    OperationKind::kBarrier,       OperationKind::kAllReduce, OperationKind::kReduce,
    OperationKind::kReduceScatter, OperationKind::kBroadcast, OperationKind::kAllGather,
    OperationKind::kAlltoAll,      OperationKind::kGather,    OperationKind::kScatter};

struct Place {
  const char* profile;
  int ranks;
};

void PrintTo(const Place& place, std::ostream* out) { *out << place.profile << "_" << place.ranks; }

// "AllReduce of 8 B": every way to run it by name, and "the choice" for the selection's.
using Times = std::map<std::string, std::map<std::string, perf::Entrant>>;

// With every algorithm that can run the call, in the order of the predictions.
void time_all(int rank, tuttiComm_t comm, perf::Race& race, Times& times) {
  int ranks = 0;
  expect_ok(tuttiCommCount(comm, &ranks), comm);
  for (const OperationKind kind : kKinds) {
    for (const std::size_t bytes : {8u, 1000u, 32'768u, 1u << 20}) {
      if (kind == OperationKind::kBarrier && bytes > 8) continue;
      const std::size_t all = static_cast<std::size_t>(ranks) * bytes;
      void* memory = nullptr;
      expect_ok(tuttiMemAlloc(&memory, 2 * all), nullptr);
      auto* const send = static_cast<std::byte*>(memory);
      const Request request{.kind = kind,
                            .send = send,
                            .recv = send + all,
                            .count = kind == OperationKind::kBarrier ? 0 : bytes,
                            .type = tuttiInt8};
      const auto entrants = race.run(comm, request, [](const AlgorithmChoice&) { return true; });
      if (rank == 0) {
        auto& of_call = times[std::string(name_of(kind)) + " of " + std::to_string(bytes) + " B"];
        for (const perf::Entrant& entrant : entrants) of_call[name_of(entrant.choice)] = entrant;
        of_call["the choice"] = perf::judge(entrants, comm->selection().choose(request)).chosen;
      }
      expect_ok(tuttiMemFree(memory), nullptr);
    }
  }
}

Times times_on(const ub::Profile& profile, int ranks) {
  Times times;
  perf::Race race(ranks);
  run_on_bus({.profile = profile, .payload_digest = false, .timing_only = true}, ranks,
             [&](int rank, tuttiComm_t comm) { time_all(rank, comm, race, times); });
  return times;
}

class Bandwidth : public testing::TestWithParam<Place> {};

TEST_P(Bandwidth, TwiceOfItIsNeverSlowerForOurAlgorithms) {
  const ub::Profile profile = ub::load_profile(GetParam().profile);
  const Times once = times_on(profile, GetParam().ranks);
  const Times twice = times_on(ub::test::with_twice_the_bandwidth(profile), GetParam().ranks);
  ASSERT_EQ(once.size(), 1 + 4 * (std::size(kKinds) - 1));
  for (const auto& [call, ways] : once) {
    ASSERT_GE(ways.size(), 2u) << call;
    for (const auto& [way, slow] : ways) {
      const auto& there = twice.at(call);
      ASSERT_TRUE(there.contains(way)) << call << " by " << way;
      const perf::Entrant& fast = there.at(way);
      const double percent = way == "the choice" ? kPercent : kPercentOfLosers;
      EXPECT_LE(fast.us, slow.us * (1 + percent / 100))
          << call << " by " << way << ", which is " << name_of(slow.choice) << " once and "
          << name_of(fast.choice) << " with twice the bandwidth";
      for (const perf::Entrant& entrant : {slow, fast}) {
        EXPECT_GE(entrant.us, entrant.bound_us) << call << " by " << way;
        EXPECT_GT(entrant.bound_us, 0) << call << " by " << way;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Fabrics, Bandwidth,
                         testing::ValuesIn(kSanitized
                                               ? std::vector<Place>{{"cloudmatrix384", 6}}
                                               : std::vector<Place>{{"cloudmatrix384", 4},
                                                                    {"cloudmatrix384", 21},
                                                                    {"cloudmatrix384", 64},
                                                                    {"cloudmatrix384-wire", 16},
                                                                    {"cloudmatrix384-wire", 64},
                                                                    {"h800-ib", 8},
                                                                    {"h800-ib", 48}}));

}  // namespace
}  // namespace tutti::test
